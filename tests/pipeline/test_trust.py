"""An image like the training set is of no concern, each other one is."""

import numpy as np
import pytest

from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnosis import channel_warnings
from w2s_cli.restorers.restorer import TrainedRange

NOISE = NoiseModel(2.0, 100.0, 3.0)
SEEN = TrainedRange(photons=(2.0, 500.0), sigma=4.0, pixel_size=(0.05, 0.2))
SIZE = {"Y": 0.1, "X": 0.1}


def plane(photons: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    light = np.full((64, 64), photons, np.float32)
    return NOISE.sample(light, rng).round().clip(0, 65535).astype(np.uint16)


def test_no_concern() -> None:
    assert channel_warnings(SEEN, plane(50), NOISE, SIZE, 0.05) == []
    assert channel_warnings(SEEN, plane(50), NOISE, {}, 0.05) == []
    assert channel_warnings(None, plane(5000), NOISE, {"X": 9.0}) == []


@pytest.mark.parametrize(
    ("photons", "says"), [(0.1, "photons a pixel"), (2000, "photons a pixel")]
)
def test_light(photons: float, says: str) -> None:
    [reason] = channel_warnings(SEEN, plane(photons), NOISE, SIZE)
    assert says in reason
    assert "meant for 2 to 500" in reason


def test_read_noise() -> None:
    [reason] = channel_warnings(SEEN, plane(50), NoiseModel(2.0, 100.0, 10.0), SIZE)
    assert reason == ("the read noise is 5 photons, the method is meant for at most 4")


def test_sampling() -> None:
    [reason] = channel_warnings(SEEN, plane(50), NOISE, {"Y": 0.1, "X": 0.65})
    assert reason == (
        "a pixel is 0.65 um wide along X, the method is meant for 0.05 to 0.2 um"
    )
    anywhere = TrainedRange(SEEN.photons, SEEN.sigma)
    assert channel_warnings(anywhere, plane(50), NOISE, {"X": 0.65}) == []


def test_correlation() -> None:
    [reason] = channel_warnings(None, plane(50), NOISE, SIZE, correlation=0.31)
    assert reason.startswith("the noise of neighbouring pixels is correlated (0.31)")
    assert channel_warnings(None, plane(50), NOISE, SIZE, correlation=0.12) == []
    large = np.tile(plane(50), (8, 8))
    assert len(channel_warnings(None, large, NOISE, SIZE, correlation=0.08)) == 1


@pytest.mark.parametrize("full", [255, 4095, 65535])
def test_saturation(full: int) -> None:
    image = np.full((100, 100), full // 2, np.uint16)
    image[0, :5] = full
    assert channel_warnings(None, image, NOISE, SIZE) == []
    image[0, :50] = full
    [reason] = channel_warnings(None, image, NOISE, SIZE)
    assert reason.startswith(f"0.5% of the pixels are saturated at {full} counts")


def test_noise_that_the_image_does_not_show() -> None:
    measured = NoiseModel(2.0, 95.5)
    assert channel_warnings(None, plane(50), NOISE, SIZE, measured=measured) == []
    [reason] = channel_warnings(
        None, plane(50), NoiseModel(8.0, 100), SIZE, measured=measured
    )
    assert reason.startswith("the noise that was given is 2 times what the image shows")
