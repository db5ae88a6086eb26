import subprocess
import sys

HEAVY = (
    *("torch", "scipy", "skimage", "tifffile", "bm3d", "PIL", "numpy", "safetensors"),
    *("pooch", "requests", "matplotlib", "jinja2"),
)


def test_command_line_imports_nothing_heavy() -> None:
    code = f"import sys, w2s_cli.cli; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
