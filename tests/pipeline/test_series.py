"""All planes of a series are judged: the worst is said, and where it is."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from w2s_cli.io import open_image, write_image
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.file_restoration import restore_file
from w2s_cli.pipeline.noise_report import NoiseRequest, report_noise
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

CAMERA = NoiseModel(2.2, 100.0, 2.0)
SIDE = 128
PURE_LET = RestoreSpec(method="pure-let")


def light() -> np.ndarray:
    rng = np.random.default_rng(1)
    spots = (rng.random((SIDE, SIDE)) > 0.995) * rng.exponential(1, (SIDE, SIDE))
    cells = gaussian_filter(spots, 1.5) * 14 + gaussian_filter(spots, 8) * 150
    return (cells / 4).astype(np.float32)


def series(*photons: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shown = np.array(photons, np.float32)[:, None, None] * light() + 1
    return CAMERA.sample(shown, rng).round().clip(0, 65535).astype(np.uint16)


def warnings(data: np.ndarray, axes: str = "TYX") -> list[str]:
    return diagnose(Stack(data, axes)).warnings


@pytest.mark.parametrize("axes", ["TYX", "ZYX"])
def test_an_ordinary_series_raises_no_warning(axes: str) -> None:
    assert warnings(series(*[60] * 6), axes) == []
    assert warnings(series(40, 60, 90, 60, 50), axes) == []


@pytest.mark.parametrize("order", [1, -1])
def test_light_that_fades_or_grows(order: int) -> None:
    fading = 200 * np.exp(-np.arange(8) / 1.7)
    [told] = [one for one in warnings(series(*fading[::order])) if "photons" in one]
    bright, dim = (1, 8)[::order]
    assert f"photons a pixel in frame {bright} and " in told
    assert f" in frame {dim}: a method shows less detail in dim frames" in told


def test_slices_without_anything() -> None:
    [told] = warnings(series(0, 0, 5, 60, 60, 5, 0), "ZYX")
    assert told == (
        "slices 1, 2 and 7 show no structure above the noise: do not trust what a "
        "method draws there"
    )


def test_dropped_frames_stay_as_they_are(tmp_path: Path) -> None:
    data = series(*[60] * 8)
    data[5:] = 0
    write_image(Stack(data, "TYX"), source := tmp_path / "cell.tif")
    outcome = restore_file(
        PURE_LET, PURE_LET.chain(), source, target := tmp_path / "out.tif"
    )
    told = "frames 6 to 8 are blank (all 0): left as they are, and out of the noise"
    assert outcome.warnings == (told,)
    assert report_noise(NoiseRequest(), source).warnings == [told]
    with open_image(target) as stack:
        found = np.asarray(stack)
    assert not found[5:].any()
    assert abs(found[:5].mean() - data[:5].mean()) < 0.3
    [channel] = outcome.channels
    assert channel.noise.gain == pytest.approx(2.2, rel=0.15)


def test_one_saturated_frame() -> None:
    data = series(*[60] * 8)
    data[3] = np.minimum(series(3000)[0], 255)
    told = warnings(data)
    assert any(
        "100% of those of frame 4" in one or "blank" in one for one in told
    ) or any(
        one.endswith("of those of frame 4: their light is unknown") for one in told
    )
    found = diagnose(Stack(data, "TYX")).channels[0]
    assert found.noise.gain == pytest.approx(2.2, rel=0.15)


def test_frames_that_were_shifted_are_not_hidden_by_the_others() -> None:
    data = series(*[60] * 8).astype(np.float32)
    for number in (2, 3, 6):
        data[number] = shift(data[number], (0.5, 0.4), order=1, mode="nearest")
    found = diagnose(Stack(data, "TYX"))
    [told] = found.warnings
    assert told.startswith("the noise of neighbouring pixels is correlated (0.")
    assert " in frames 3, 4 and 7: was the image smoothed, shifted, turned" in told
    assert "Restore the raw file, before registration; or take --method auto" in told
    [channel] = found.channels
    assert not channel.white
    assert channel.noise.gain == pytest.approx(2.2, rel=0.15)


@pytest.mark.parametrize("scale", [1, 2])
def test_areas_without_light_stay_and_no_line_is_drawn(scale: int) -> None:
    plane = series(60)[0]
    y, x = np.mgrid[:SIDE, :SIDE]
    outside = (y - 64) ** 2 + (x - 64) ** 2 > 54**2
    plane[outside] = 0
    method = "pure-let" if scale == 1 else "pure-let+bicubic"
    result = restore_stack(RestoreSpec(method=method), Stack(plane, "YX"))
    found = result.image.data[()]
    wide = outside.repeat(scale, 0).repeat(scale, 1)
    assert not found[wide].any()
    assert found[~wide].min() > 90  # as dark as the camera's offset, and no darker
    [told] = result.warnings
    assert told == (
        f"{100 * outside.mean():.2g}% of the pixels are outside the field, drawn over "
        "or no numbers (0): left as they are, and out of the noise"
    )


@pytest.mark.parametrize("value", [255, 10000, 65535])
def test_a_scale_bar_is_neither_light_nor_contrast(value: int) -> None:
    plane = series(60)[0]
    without = diagnose(Stack(plane, "YX")).channels[0]
    plane[84:90, 50:85] = value
    found = diagnose(Stack(plane, "YX")).channels[0]
    assert found.noise.gain == pytest.approx(without.noise.gain, rel=0.1)
    assert found.photons == pytest.approx(without.photons, rel=0.1)
    assert found.saturated == 0


def test_background_that_was_cut_off() -> None:
    rng = np.random.default_rng(0)
    noisy = rng.poisson(light() * 40) + rng.normal(0, 6, (SIDE, SIDE))
    told = warnings(noisy.round().clip(0).astype(np.uint16), "YX")
    assert any(
        "of the pixels are 0, where their noise is cut off" in one for one in told
    )
