"""The program as a whole: help, version, completion, light imports, pipes, Ctrl-C."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tifffile

from w2s_cli import __version__

HEAVY = [
    *("numpy", "torch", "scipy", "tifffile", "PIL", "bm3d", "skimage", "safetensors"),
    *("matplotlib", "pooch", "requests"),
]
COMMANDS = [
    *("restore", "methods", "info", "train", "inspect", "convert", "demo"),
    *("estimate-kernel", "estimate-noise", "make-kernel", "simulate"),
    *("evaluate", "bench", "data", "fetch"),
]
W2S = [sys.executable, "-m", "w2s_cli"]


def _each_in_turn(*lines: list[str]) -> str:
    """Return a program that runs several command lines, and prints what is loaded."""
    return (
        "import sys; from w2s_cli.cli import main\n"
        f"for line in {lines}:\n"
        "    sys.argv[1:] = line\n"
        "    try: main()\n"
        "    except SystemExit as end: print('ended', end.code, *line)\n"
        f"    print('loaded', *[m for m in {HEAVY} if m in sys.modules])"
    )


def test_help_imports_nothing_heavy() -> None:
    helps = [["--help"], *([command, "-h"] for command in COMMANDS)]
    program = f"{_each_in_turn(*helps)}\nimport time; print(time.process_time())"
    how = {"capture_output": True, "text": True, "check": True, "timeout": 60}
    done = subprocess.run([sys.executable, "-c", program], **how)
    *lines, seconds = done.stdout.splitlines()
    assert float(seconds) < 2  # of computing: others may have the machine as well
    ended = [line for line in lines if line.startswith("ended ")]
    assert ended == [" ".join(["ended 0", *words]) for words in helps]
    loaded = [line for line in lines if line.startswith("loaded")]
    assert loaded == ["loaded"] * len(helps)


def test_help_leads_with_examples(w2s) -> None:
    top = w2s("-h").stdout
    assert top.index("w2s restore cell.tif") < top.index("Options:")
    assert all(f"  {command} " in top for command in COMMANDS)
    assert w2s().output == top == w2s("--help").stdout
    for command in ("restore", "methods", "info", "train"):
        help_text = w2s(command, "-h").stdout
        assert "For example:\n    w2s " in help_text
        assert help_text.index("For example") < help_text.index("Options:")


def test_version(w2s) -> None:
    assert w2s("--version").stdout == f"w2s {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["restor"], "Did you mean 'restore'?"),
        (["restore", "a.tif"], "Missing option '--output'"),
        (
            ["restore", "a.tif", "-o", "b.tif", "--dtype", "int7"],
            "Invalid value for '--dtype': 'int7' is not one of 'auto', 'input', ",
        ),
        (
            ["restore", "a.tif", "-o", "b.tif", "--tile", "3"],
            "Invalid value for '--tile': it should be greater than or equal to 32\n",
        ),
        (["restore", "a.tif", "-o", "b.tif", "--tiles", "9"], "--tile"),
        (["restore", "a.tif", "-o", "b.tif", "--tile", "9"], "'--tile'"),
        (["restore", "a.tif", "-o", "b.tif", "--gain", "x"], "'--gain'"),
        (["restore", "a.tif", "-o", "b.tif", "--device", "gpu"], "cuda:N or mps"),
        (["restore", "a.tif", "-o", "b.tif", "--precision", "int8"], "fp32"),
        (["info"], "Usage: w2s info"),
    ],
)
def test_wrong_words(w2s, words: list[str], message: str) -> None:
    result = w2s(*words, code=2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_no_memory_is_told_by_every_command(w2s, here, monkeypatch) -> None:
    def full(*_, **__) -> None:
        raise MemoryError

    monkeypatch.setattr("w2s_cli.io.open_image", full)
    result = w2s("info", "cell.tif", code=6)
    assert result.stderr == "error: out of memory\nhint: close other programs\n"


def _each(head: str, tails: str) -> list[str]:
    return [head + tail for tail in tails]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("res", ["restore"]),
        ("restore --method ga", ["gaussian"]),
        ("restore --method median+bi", ["median+bicubic"]),
        ("restore --method vst", ["vst+bm3d", "vst+epll"]),
        ("restore --prec", ["--precision"]),
        ("restore --precision b", ["bf16"]),
        ("restore --method vst+bm3d+bi", ["vst+bm3d+bicubic"]),
        ("restore --method denoise+vst+b", ["denoise+vst+bm3d"]),
        ("restore --method gaussian -O s", ["sigma="]),
        ("restore --method gaussian+median -O si", ["sigma=", "size="]),
        ("restore --method wiener+richardson-lucy -O wiener.k", ["wiener.kernel="]),
        ("restore -O orientations=", ["orientations=", *_each("orientations=", "18")]),
        ("restore --method nothing -O s", []),
        ("restore --device c", ["cpu", "cuda"]),
        ("restore --defects k", ["keep"]),
        ("methods vst", ["vst+bm3d", "vst+epll"]),
        ("train jdsr-t", ["jdsr-texture-compact", "jdsr-texture-w2s"]),
        ("evaluate a b --metric ps", ["psnr", "psnr-care"]),
        ("evaluate a b -m ssim,nr", ["ssim,nrmse"]),
        ("evaluate a b --protocol w2s-v1-", ["w2s-v1-sr"]),
        ("bench --data s", ["simulated", "simulated-averages", "simulated-video-rate"]),
        ("data check w2s", ["w2s-raw"]),
        ("bench --denoiser denoise,gau", ["denoise,gaussian"]),
        ("bench --sr rcan --weights r", ["rcan="]),
        ("bench --denoiser gaussian -O s", ["sigma="]),
        ("bench --invention --method gaussian -O s", ["sigma="]),
        ("speed gaussian,med", ["gaussian,median"]),
        ("data check x --kind w2s-n", ["w2s-normalized"]),
        ("fetch dncnn-f", ["dncnn-fmd"]),
    ],
)
def test_completion(w2s, monkeypatch, typed, offered) -> None:
    words = ["w2s", *typed.split()]
    monkeypatch.setenv("_W2S_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert w2s().stdout.split() == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_shown(shell: str) -> None:
    env = {**os.environ, "_W2S_COMPLETE": f"source_{shell}"}
    done = subprocess.run(W2S, env=env, capture_output=True, text=True, check=True)
    assert "_W2S_COMPLETE=complete_" in done.stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    pipe = subprocess.Popen(
        [*W2S, "methods"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert pipe.stdout
    assert pipe.stderr
    pipe.stdout.close()
    assert pipe.stderr.read() == b""
    pipe.stderr.close()
    assert pipe.wait() == 141


def test_an_image_flows_through_pipes(here: Path) -> None:
    image = (here / "cell.tif").read_bytes()
    words = ["restore", "-", "-o", "-", "--method", "bicubic"]
    done = subprocess.run([*W2S, *words], input=image, capture_output=True, check=True)
    (here / "piped.tif").write_bytes(done.stdout)
    assert tifffile.imread(here / "piped.tif").shape == (2, 120, 100)
    assert done.stderr.startswith(b"standard input -> standard output: 2 x 120 x 100")


def test_a_bar_moves_on_a_terminal_only(here: Path) -> None:
    words = [*W2S, "restore", "cell.tif", "-o", "out.tif", "--method", "gaussian"]
    ours, theirs = os.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    subprocess.run(words, env=env, stderr=theirs, check=True)
    bar, _, summary = os.read(ours, 10_000).decode().rpartition("\x1b[2K")
    assert "cell.tif ━" in bar
    assert summary.startswith("cell.tif -> out.tif: ")
    subprocess.run(
        [*words, "--overwrite"], env={**env, "TERM": "dumb"}, stderr=theirs, check=True
    )
    assert "\x1b" not in os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
