"""`w2s adapt`: a shipped network on the user's own images."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.pipeline.adaptation import adapt as adapting
from w2s_cli.training import loop
from w2s_cli.weights import checkpoint

FAST = ("--method", "denoise-fast", "--device", "cpu")
NOISE = ("--gain", "2", "--offset", "100")


def _write(name: str, light: np.ndarray, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    counts = (rng.poisson(light) * 2 + 100).astype(np.uint16)
    tifffile.imwrite(name, counts, imagej=True, metadata={"axes": "YX"})


def _weave(side: int = 128) -> np.ndarray:
    """Return a structure unlike any cell: a fine weave, in photons."""
    y, x = np.mgrid[:side, :side]
    return 10 + 8 * np.sin(2 * np.pi * (x + 0.4 * y) / 5.3) * np.sin(y / 1.7)


@pytest.fixture
def weave(here: Path) -> np.ndarray:
    _write("weave.tif", _weave())
    return _weave()


def test_adapts_to_what_no_network_has_seen(w2s, weave: np.ndarray) -> None:
    command = ("adapt", "weave.tif", "-o", "mine.safetensors", "--steps=24")
    done = w2s(*command, *FAST, *NOISE, code=0)
    assert "denoise-fast: at most 24 steps, about " in done.stderr
    assert "mine.safetensors: denoise-fast adapted gains +" in done.stderr
    record = checkpoint.load(Path("mine.safetensors")).record
    shipped = checkpoint.load(checkpoint.shipped("denoise-fast"))
    origin = {"name": "denoise-fast", "sha256": shipped.digest}
    assert record["adapted"]["from"] == origin
    assert record["adapted"]["planes"] == 1
    assert record["adapted"]["pixels"] == weave.size
    assert record["adapted"]["gain"]["mean"] > 0.01
    assert record["trained_on"]["photons"] == shipped.record["trained_on"]["photons"]
    errors = []
    for weights in ((), ("--weights", "mine.safetensors")):
        words = ("restore", "weave.tif", "-o", f"{len(errors)}.tif", *NOISE)
        method = () if weights else FAST
        assert w2s(*words, *method, *weights).exit_code == 0
        made = (tifffile.imread(f"{len(errors)}.tif") - 100.0) / 2
        errors.append(np.sqrt(np.mean((made - weave) ** 2)))
    assert errors[1] < 0.95 * errors[0]
    again = w2s(*command, *FAST, code=7)
    assert "mine.safetensors exists" in again.stderr


def test_saves_nothing_that_is_no_better(w2s, here: Path) -> None:
    _write("even.tif", np.full((128, 160), 40.0))
    command = ("adapt", "even.tif", "-o", "mine.safetensors", "--steps=2")
    done = w2s(*command, *FAST, *NOISE, "--quiet", code=4)
    assert "denoise-fast adapted is not better beyond doubt: on squares" in done.stderr
    assert "% of the noise (standard error " in done.stderr
    assert "nothing is saved: use --method denoise-fast as it ships" in done.stderr
    assert sorted(path.name for path in here.iterdir()) == ["cell.tif", "even.tif"]


def test_enlarging_network_with_a_kernel(w2s, weave, monkeypatch) -> None:
    """Whatever it gains in two steps: the way through is what is tested."""
    monkeypatch.setattr(adapting.Gain, "clear", True)
    np.save("kernel.npy", gaussian_psf(0.8).weights)
    words = ("adapt", "weave.tif", "-o", "mine.safetensors", "--steps=2", "--quiet")
    enlarging = ("--method", "jdsr-fast", "--kernel", "kernel.npy", "--device", "cpu")
    done = w2s(*words, *enlarging, *NOISE)
    assert done.exit_code == 0
    said = done.stderr.splitlines()
    assert all(line.startswith("warning: weave.tif: ") for line in said)
    record = checkpoint.load(Path("mine.safetensors")).record
    assert record["recipe"]["name"] == "jdsr-fast"
    assert len(record["adapted"]["kernel_sha256"]) == 64
    assert (
        record["trained_on"]["photons"][0] < 20
    )  # what the image has is what it is for
    made = w2s(
        *("restore", "weave.tif", "-o", "sharp.tif", *NOISE),
        *("--weights", "mine.safetensors", "--quiet"),
    )
    assert made.exit_code == 0
    assert "meant for" not in made.stderr
    assert tifffile.imread("sharp.tif").shape == (256, 256)


def test_interrupted_it_leaves_nothing(w2s, weave, monkeypatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.Trainer, "train_step", stopped)
    monkeypatch.setenv("TMPDIR", str(Path.cwd()))
    w2s("adapt", "weave.tif", "-o", "mine.safetensors", *FAST, *NOISE, code=130)
    assert sorted(p.name for p in Path().iterdir()) == ["cell.tif", "weave.tif"]


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (
            ("weave.tif", "-o", "mine.pth"),
            2,
            "mine.pth is no name for a safetensors file",
            "end it in .safetensors",
        ),
        (
            ("weave.tif", "-o", "a.safetensors", "--kernel", "kernel.npy"),
            2,
            "--kernel is for methods that enlarge, not denoise",
            "leave it out, or use --method jdsr",
        ),
        (
            ("weave.tif", "-o", "a.safetensors", "--method", "jdsr"),
            2,
            "jdsr is adapted by the blur of the microscope, and there is no --kernel",
            "w2s estimate-kernel or w2s make-kernel writes it",
        ),
        (
            ("cell.tif", "-o", "a.safetensors", *FAST, *NOISE),
            4,
            "an image of 60 x 50 pixels is too small to adapt to: it takes 128 x 128",
            "leave it out, and adapt to larger images of the same kind",
        ),
        (("nowhere.tif", "-o", "a.safetensors", *FAST), 4, "nowhere.tif", ""),
    ],
)
def test_refusals(words, code, message, hint, w2s, weave) -> None:
    done = w2s("adapt", *words, code=code)
    assert message in done.stderr
    assert hint in done.stderr
    assert not [*Path().glob("*.safetensors")]
