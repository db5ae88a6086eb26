from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.errors import InputError, NothingMatchedError
from w2s_cli.microscope.noise_model import NoiseModel
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
