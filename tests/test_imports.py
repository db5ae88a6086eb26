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


def test_a_method_without_a_network_runs_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, w2s_cli as w2s\n"
        "import w2s_cli.pipeline.file_restoration\n"
        "image = np.random.default_rng(0).poisson(20, (64, 64)).astype(np.float32)\n"
        "print(w2s.restore(image, 'pure-let').shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(64, 64)", done.stderr
