"""An image like the training set raises no warning, each other one does."""

from collections.abc import Mapping

import numpy as np
import pytest

from w2s_cli.microscope.noise_estimation import NoiseFit
from w2s_cli.microscope.noise_levels import BrightnessLevels, VarianceLine
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.unknown_pixels import KnownPlane
from w2s_cli.pipeline.diagnose import diagnose_channel
from w2s_cli.pipeline.diagnosis import Diagnosis
from w2s_cli.restorers.restorer import TrainedRange, Traits

NOISE = NoiseModel(2.0, 100.0, 3.0)
SEEN = TrainedRange(photons=(2.0, 500.0), sigma=4.0, pixel_size=(0.05, 0.2))
SIZE = {"Y": 0.1, "X": 0.1}


def plane(photons: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    light = np.full((64, 64), photons, np.float32)
    return NOISE.sample(light, rng).round().clip(0, 65535).astype(np.uint16)


def warnings(
    trained: TrainedRange | None,
    counts: np.ndarray,
    noise: NoiseModel = NOISE,
    pixel_size: Mapping[str, float] = SIZE,
    correlation: float = 0.0,
    measured: NoiseModel = NOISE,
) -> list[str]:
    """Return the warnings where an image shows this noise, and that is given."""
    line = VarianceLine(measured.gain, 0.0, 0.01, 0.01, 0.0)
    nothing = np.zeros(0)
    levels = BrightnessLevels(nothing, nothing, nothing, 0.0)
    fit = NoiseFit(measured, line, levels, correlation)
    channel = diagnose_channel("0", [KnownPlane.of(counts)], noise, fit=fit)
    found = Diagnosis((channel,), pixel_size)
    return found.warnings_for([Traits(trained_range=trained)])


def test_no_warning() -> None:
    assert warnings(SEEN, plane(50), correlation=0.05) == []
    assert warnings(SEEN, plane(50), pixel_size={}, correlation=0.05) == []
    assert warnings(None, plane(5000), pixel_size={"X": 9.0}) == []


@pytest.mark.parametrize(
    ("photons", "says"), [(0.1, "photons a pixel"), (2000, "photons a pixel")]
)
def test_light(photons: float, says: str) -> None:
    *_, reason = warnings(SEEN, plane(photons))
    assert says in reason
    assert "meant for 2 to 500" in reason


def test_read_noise() -> None:
    camera = NoiseModel(2.0, 100.0, 10.0)
    [reason] = warnings(SEEN, plane(50), camera, measured=camera)
    assert reason == (
        "the read noise is 5 photons, the method is meant for at most 4; "
        "--method auto measures whether another is better"
    )


def test_sampling() -> None:
    [reason] = warnings(SEEN, plane(50), pixel_size={"Y": 0.1, "X": 0.65})
    assert reason == (
        "a pixel is 0.65 um wide along X, the method is meant for 0.05 to 0.2 um"
    )
    anywhere = TrainedRange(SEEN.photons, SEEN.sigma)
    assert warnings(anywhere, plane(50), pixel_size={"X": 0.65}) == []


def test_correlation() -> None:
    [reason] = warnings(None, plane(50), correlation=0.31)
    assert reason.startswith("the noise of neighbouring pixels is correlated (0.31)")
    assert warnings(None, plane(50), correlation=0.12) == []
    large = np.tile(plane(50), (8, 8))
    assert len(warnings(None, large, correlation=0.08)) == 1


@pytest.mark.parametrize("full", [255, 4095, 65535])
def test_saturation(full: int) -> None:
    image = np.full((100, 100), full // 2, np.uint16)
    image[0, :5] = full
    assert warnings(None, image) == []
    image[0, :50] = full
    [reason] = warnings(None, image)
    assert reason.startswith(f"0.5% of the pixels are saturated at {full} counts")


def test_noise_that_the_image_does_not_show() -> None:
    measured = NoiseModel(2.0, 95.5)
    assert warnings(None, plane(50), measured=measured) == []
    [reason] = warnings(None, plane(50), NoiseModel(8.0, 100), measured=measured)
    assert reason.startswith("the noise that was given is 2 times what the image shows")
