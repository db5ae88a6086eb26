"""`w2s restore` with methods that learn from the image, as a user meets them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from w2s_cli.io import open_image

TINY = ["-O", "iterations=2", "-O", "width=4", "--gain", 2, "--offset", 100]
N2SR = ["--method", "n2sr", *TINY]


def noisy(*lead: int, seed: int = 0, side: int = 96) -> np.ndarray:
    light = np.linspace(20, 200, side)
    photons = np.random.default_rng(seed).poisson(light, (*lead, side, side))
    return (2 * photons + 100).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `one.tif` and `two.tif`, 96 x 96, and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    tifffile.imwrite("one.tif", noisy())
    tifffile.imwrite("two.tif", noisy(seed=1))
    return tmp_path


def record(path: str) -> dict[str, Any]:
    with open_image(Path(path)) as stack:
        return dict(stack.history[-1])


def digests(path: str) -> list[str]:
    return [one["weights_sha256"] for one in record(path)["learned"]]


def taught(folder: Path) -> list[Path]:
    return sorted(folder.glob("cache/fitted/*/*.safetensors"))


def test_an_image_is_learned_once(w2s, folder: Path) -> None:
    assert w2s("restore", "one.tif", "-o", "a.tif", *N2SR).exit_code == 0
    assert tifffile.imread("a.tif").shape == (96, 96)
    assert len(digests("a.tif")) == 1
    [weights] = taught(folder)
    before = weights.stat().st_mtime_ns
    assert w2s("restore", "one.tif", "-o", "b.tif", *N2SR).exit_code == 0
    assert Path("a.tif").read_bytes() == Path("b.tif").read_bytes()
    assert [weights] == taught(folder)
    assert weights.stat().st_mtime_ns == before
    assert w2s("restore", "two.tif", "-o", "c.tif", *N2SR).exit_code == 0
    assert digests("c.tif") != digests("a.tif")


def test_the_enlarged_output_is_learned_by_the_same_training(w2s, folder: Path) -> None:
    assert w2s("restore", "one.tif", "-o", "a.tif", *N2SR).exit_code == 0
    words = ["-o", "b.tif", *N2SR, "-O", "output=sr"]
    assert w2s("restore", "one.tif", *words).exit_code == 0
    assert tifffile.imread("b.tif").shape == (192, 192)
    assert digests("a.tif") == digests("b.tif")
    assert len(taught(folder)) == 1


def test_repeats(w2s, folder: Path) -> None:
    tifffile.imwrite("t.tif", noisy(3), imagej=True, metadata={"axes": "TYX"})
    words = ["-o", "out.tif", "--method", "n2n", *TINY]
    assert w2s("restore", "t.tif", *words).exit_code == 0
    assert tifffile.imread("out.tif").shape == (3, 96, 96)
    single = w2s("restore", "one.tif", *words, "--overwrite", code=4)
    assert "n2n is fitted to captures of the same place" in single.stderr


def test_channels_learn_apart(w2s, folder: Path) -> None:
    tifffile.imwrite("c.tif", noisy(2), imagej=True, metadata={"axes": "CYX"})
    result = w2s("restore", "c.tif", "-o", "a.tif", *N2SR, "--json")
    [done] = json.loads(result.stdout)
    found = digests("a.tif")
    assert len(set(found)) == 2
    assert [one["weights_sha256"] for one in done["record"]["learned"]] == found
    words = ["-o", "b.tif", *N2SR, "--save-weights", "w.safetensors"]
    for dry in ([], ["-n"]):
        refused = w2s("restore", "c.tif", *words, *dry, code=2)
        assert "each of 2 channels learns weights of its own" in refused.stderr
        assert not Path("b.tif").exists()
    assert w2s("restore", "c.tif", *words, "--channel", 2).exit_code == 0
    assert digests("b.tif") == found[1:]


def test_saved_weights_say_what_they_are_for(w2s, folder: Path) -> None:
    words = ["--method", "n2v", *TINY, "--save-weights", "w.safetensors"]
    assert w2s("restore", "one.tif", "-o", "a.tif", *words).exit_code == 0
    known = ["--weights", "w.safetensors", "--gain", 2, "--offset", 100]
    assert w2s("restore", "one.tif", "-o", "b.tif", *known).exit_code == 0
    assert record("b.tif")["method"] == "n2v"
    assert digests("b.tif") == digests("a.tif")
    np.testing.assert_array_equal(tifffile.imread("a.tif"), tifffile.imread("b.tif"))
    assert len(taught(folder)) == 1
    exists = w2s("restore", "one.tif", "-o", "c.tif", *words)
    assert (exists.exit_code, exists.stderr) == (
        7,
        "error: w.safetensors exists\nhint: replace it with --overwrite\n",
    )


def test_saved_weights_are_a_part_of_what_is_resumed(w2s, folder: Path) -> None:
    words = ["-o", "a.tif", *N2SR, "--save-weights", "w.st", "--resume"]
    assert w2s("restore", "one.tif", *words).exit_code == 0
    image, weights = Path("a.tif").read_bytes(), Path("w.st").read_bytes()
    assert w2s("restore", "one.tif", *words).stderr == "there already: 1\n"
    for spoil in (Path.unlink, Path.touch, lambda path: path.write_bytes(b"other")):
        spoil(Path("w.st"))
        said = w2s("restore", "one.tif", *words).stderr
        lost = "the weights that it learned are not in w.st" in said
        assert lost == (spoil is not Path.touch)
        assert Path("a.tif").read_bytes() == image
        assert Path("w.st").read_bytes() == weights
    assert len(taught(folder)) == 1


@pytest.mark.parametrize("source", ["one.tif", "examples"])
def test_learned_once_for_all(w2s, folder: Path, source: str) -> None:
    Path("examples").mkdir()
    for seed in (2, 3):
        tifffile.imwrite(f"examples/{seed}.tif", noisy(seed=seed))
    words = ["-o", "out/", *N2SR, "--train-on", source, "--save-weights", "w.st"]
    w2s("restore", "one.tif", "two.tif", *words, code=0)
    assert digests("out/one.tif") == digests("out/two.tif")
    assert len(taught(folder)) == 1
    assert Path("w.st").read_bytes() == taught(folder)[0].read_bytes()


def test_other_channels_than_learned(w2s, folder: Path) -> None:
    tifffile.imwrite("c.tif", noisy(2), imagej=True, metadata={"axes": "CYX"})
    words = ["-o", "out/", *N2SR, "--train-on", "one.tif"]
    result = w2s("restore", "two.tif", "c.tif", *words, code=1)
    assert "error: c.tif: the image has 2 channels, but one.tif" in result.stderr
    assert [path.name for path in Path("out").glob("*.tif")] == ["two.tif"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["one.tif", "-o", "x.tif", "--train-on", "two.tif", "--method", "denoise"],
            "--train-on is for methods that learn from the image, not denoise",
        ),
        (
            ["one.tif", "-o", "x.tif", "--method", "median+n2sr"],
            "a method that learns from the image must come first, found median+n2sr",
        ),
        (
            ["one.tif", "two.tif", "-o", "out", *N2SR, "--save-weights", "w.st"],
            "each of 2 files learns weights of its own",
        ),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_wrong_uses(w2s, folder, words, error, dry) -> None:
    result = w2s("restore", *words, *dry, code=2)
    assert result.stderr.startswith(f"error: {error}")
    assert sorted(folder.iterdir()) == [folder / "one.tif", folder / "two.tif"]


def test_too_small_an_image(w2s, folder: Path) -> None:
    tifffile.imwrite("small.tif", noisy(side=60))
    result = w2s("restore", "small.tif", "-o", "x.tif", *N2SR, code=4)
    assert "60 x 60 pixels is too small to train on" in result.stderr
    assert not Path("x.tif").exists()


def test_a_dry_run_says_that_it_learns(w2s, folder: Path) -> None:
    words = ["restore", "one.tif", "-o", "x.tif", "--method", "n2sr", "-n"]
    told = w2s(*words).stdout
    assert "uint16, n2sr (learns first, in 1600 steps), 1 tiles of 1024, about" in told
    told = w2s(*words, "--train-on", "two.tif", "-O", "quality=fast").stdout
    assert "n2sr (learns first, in 640 steps from two.tif), " in told
    [plan] = json.loads(w2s(*words, "--json").stdout)
    assert plan["learning"] == {"steps": 1600, "from": ["one.tif"]}
    assert not taught(folder)


def test_correlated_noise_is_warned_of(w2s, folder: Path) -> None:
    image = noisy(side=128).astype(np.float32)
    tifffile.imwrite("smooth.tif", (image + np.roll(image, 1, 1)) / 2)
    tiny = [*TINY[:4], "-o", "x.tif", "--overwrite", "-q"]
    for method, warned in (("n2sr", True), ("n2v", True), ("n2v -O rows=1", False)):
        result = w2s("restore", "smooth.tif", "--method", *method.split(), *tiny)
        assert ("hides N neighbours on both sides" in result.stderr) == warned
        # The file shows it whatever the method, as `w2s estimate-noise` says as well.
        assert "is correlated" in result.stderr


def test_the_first_steps_tell_how_long_it_takes(w2s, folder: Path) -> None:
    words = ["--method", "n2v", "-O", "iterations=25", *TINY[2:]]
    result = w2s("restore", "one.tif", "-o", "x.tif", *words)
    assert result.stderr.startswith("one.tif: at most 25 steps, about ")
    quiet = w2s("restore", "two.tif", "-o", "y.tif", *words, "-q")
    assert (quiet.exit_code, quiet.output) == (0, "")
