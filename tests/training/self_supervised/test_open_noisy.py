from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from w2s_cli.datasets import find
from w2s_cli.errors import InputError, NothingMatchedError, UsageError
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import sample_squares
from w2s_cli.microscope.simulation import simulate_scene
from w2s_cli.training.loop import train
from w2s_cli.training.patches.noisy_patches import open_noisy
from w2s_cli.training.recipe import Recipe, load
from w2s_cli.weights import checkpoint

SMALL = (
    *("network.options.levels=2", "network.options.width=8", "precision=fp32"),
    *("patches.side=32", "patches.batch=4", "validation_batches=1", "threads=1"),
    *("device=cpu", "steps=4"),
)
PAPER = ("network.options.last=[8,8]", "network.options.features=8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images of two channels, one with twice the gain of the other."""
    folder = tmp_path_factory.mktemp("noisy")
    for number, side in enumerate((96, 128)):
        channels = [
            (channel + 1) * simulate_scene(10 * number + channel, side=side).seen
            for channel in range(2)
        ]
        tifffile.imwrite(
            folder / f"{number}.tif",
            np.stack(channels).astype(np.uint16),
            imagej=True,
            metadata={"axes": "CYX"},
        )
    return folder


def _recipe(name: str, *settings: str) -> Recipe:
    return load(name, (*SMALL, *settings))


def test_a_folder_of_images_is_learned_from(folder: Path, tmp_path: Path) -> None:
    path = train(_recipe("n2v", f"data={folder}", f"runs={tmp_path}"))
    assert path == tmp_path / "n2v" / "n2v.safetensors"
    assert checkpoint.load(path).record["recipe"]["examples"] == "self-supervised"


def test_every_channel_of_every_image_is_stabilised(folder: Path) -> None:
    source = open_noisy(_recipe("n2v", f"data={folder}"), "training")
    assert [plane.shape for place in source.series for plane in place] == [
        *[(96, 96)] * 2,
        *[(128, 128)] * 2,
    ]
    for place in source.series:
        [plane] = place
        steps = np.diff(plane, axis=1)
        spread = 1.4826 * np.median(abs(steps - np.median(steps))) / np.sqrt(2)
        assert spread == pytest.approx(1, abs=0.4)


def test_a_folder_that_teaches_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingMatchedError, match=r"^no image in the folder"):
        open_noisy(_recipe("n2v", f"data={tmp_path}"), "training")
    rng = np.random.default_rng(0)
    light = NoiseModel(2, 100, 3).sample(np.full((40, 90), 50, np.float32), rng)
    tifffile.imwrite(tmp_path / "small.tif", light.astype(np.uint16))
    with pytest.raises(InputError, match="40 x 90 pixels is too small to train on"):
        open_noisy(_recipe("n2v", f"data={tmp_path}"), "training")


def test_gray_values_are_learned_from_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (96, 96)).astype(np.uint8)
    for units, zero, one in (("unit", 0, 255), ("centred", 127.5, 255)):
        tifffile.imwrite(tmp_path / "gray.tif", gray)
        recipe = _recipe("noise2sr-paper", *PAPER, f"units={units}", f"data={tmp_path}")
        [[plane]] = open_noisy(recipe, "training").series
        np.testing.assert_allclose(plane, (gray - zero) / one, atol=1e-6)
        batch = open_noisy(recipe, "training").batch(0, range(2))
        assert torch.equal(batch.target, batch.truth)
        assert float(batch.truth.min()) >= plane.min()
        tifffile.imwrite(tmp_path / "gray.tif", gray.astype(np.uint16))
        with pytest.raises(UsageError, match=r"gray\.tif holds uint16$") as caught:
            open_noisy(recipe, "training")
        assert caught.value.hint.startswith("set units=root and loss={counts=1.0}")


def test_more_files_than_a_method_is_fitted_to_are_all_learned_from(
    tmp_path: Path,
) -> None:
    for number in range(34):
        gray = np.full((64, 64), number, np.uint8)
        gray[0] = 99
        tifffile.imwrite(tmp_path / f"{number}.tif", gray)
    recipe = _recipe("noise2sr-paper", *PAPER, f"data={tmp_path}")
    assert len(open_noisy(recipe, "training").series) == 34


def test_a_data_set_has_images_of_its_own_to_validate_on(tmp_path: Path) -> None:
    fields = {"noisy": 0, "clean": 100}
    for number in range(20):
        for folder, light in fields.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            gray = np.full((64, 64), light + number, np.uint8)
            gray[0] = 200
            tifffile.imwrite(tmp_path / folder / f"{number:02d}.tif", gray)
    recipe = _recipe("noise2sr-paper", *PAPER, "pairs.kind=folders", f"data={tmp_path}")
    parts = {part: open_noisy(recipe, part) for part in ("training", "validation")}
    seen = {
        part: {round(255 * float(one[0][9, 9])) for one in sampler.series}
        for part, sampler in parts.items()
    }
    assert seen["validation"] == {0, 10}
    assert seen["training"] == {*range(20)} - {0, 10}
    # nothing of an image is held out: three of every four pixels are asked for
    batch = parts["training"].batch(0, range(4))
    assert batch.valid.float().mean() == pytest.approx(0.75, abs=1e-6)


def test_captures_of_the_same_are_read_by_one_camera() -> None:
    """Else each would have a gain of its own, and Noise2Noise learn the difference."""
    settings = ("data=simulated-averages", "pairs.kind=simulated-averages")
    series = open_noisy(_recipe("n2n", *settings), "training").series
    data = find("simulated-averages")
    assert len(series) == 18
    counts = [data.inputs[1][f"017_{number}"].read()[0] for number in (1, 2)]
    model = fit_noise(sample_squares(counts)).model
    for plane, image in zip(series[0], counts, strict=True):
        assert np.allclose(plane, model.stabilise(image), atol=1e-4)


def test_no_more_images_are_asked_for_than_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("w2s_cli.training.patches.noisy_patches.MOST_IMAGES", 8)
    for folder in ("noisy", "clean"):
        (tmp_path / folder).mkdir()
        for number in range(10):
            gray = np.arange(64 * 64).reshape(64, 64).astype(np.uint8)
            tifffile.imwrite(tmp_path / folder / f"{number}.tif", gray)
    settings = [*PAPER, "pairs.kind=folders", f"data={tmp_path}"]
    with pytest.raises(UsageError, match="has 9 images for training") as caught:
        open_noisy(_recipe("noise2sr-paper", *settings), "training")
    assert "pairs.few=8 draws so many" in caught.value.hint
    sampler = open_noisy(
        _recipe("noise2sr-paper", *settings, "pairs.few=8"), "training"
    )
    assert len(sampler.series) == 8
