"""Standard errors beside a restored image: their numbers, their seams, their holes."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import w2s_cli as w2s
from w2s_cli.errors import UsageError
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import puncta
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.pipeline.uncertainty import map_of
from w2s_cli.stack import Channel, Stack

NOISE = NoiseModel(2.0, 100.0, 1.5)
FACTOR = 1.645


def light(side: int = 144, photons: float = 40.0) -> np.ndarray:
    """Return the photons of points that a microscope has blurred."""
    seen = gaussian_filter(puncta(2 * side, np.random.default_rng(4)), 3.0)
    return photons * (seen.reshape(side, 2, side, 2).mean((1, 3)) / seen.max() + 0.05)


def noisy(expected: np.ndarray, noise: NoiseModel = NOISE) -> np.ndarray:
    seen = noise.sample(expected, np.random.default_rng(5))
    return np.asarray(seen.round().clip(0, 65535), np.uint16)


def restored(
    counts: np.ndarray, method: str = "denoise-fast", axes: str = "YX", **fields: object
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return the image, its standard errors, and what was said."""
    spec = RestoreSpec(
        method=method, device="cpu", noise=GivenNoise((NOISE,)), dtype="float32"
    )
    spec = replace(spec, uncertainty=True, **fields)  # type: ignore[arg-type]
    result = restore_stack(spec, Stack(counts, axes))
    assert result.uncertainty
    image, errors = (
        np.asarray(one)
        for one in (result.image, result.uncertainty.stack(result.image))
    )
    return image, errors, result.warnings


@pytest.mark.parametrize("method", ["denoise-fast", "gaussian", "median"])
def test_intervals_hold_most_of_the_truth(method: str) -> None:
    expected = light()
    image, errors, _ = restored(noisy(expected), method)
    off = np.abs(image - NOISE.counts(expected)) / errors
    assert 0.8 < (off < FACTOR).mean() < 0.97
    assert errors.dtype == np.float32
    assert errors.min() > 0


def test_more_noise_is_left_where_less_was_taken() -> None:
    counts = noisy(light())
    kept, smoothed = (restored(counts, one)[1] for one in ("identity", "denoise-fast"))
    assert np.median(smoothed) < 0.6 * np.median(kept)


@pytest.mark.parametrize("method", ["denoise-fast", "gaussian", "gaussian+bicubic"])
def test_tiles_leave_no_seams(method: str) -> None:
    counts = noisy(light())
    _, whole, _ = restored(counts, method)
    _, sewn, _ = restored(counts, method, tile=64)
    assert np.allclose(sewn, whole, rtol=0.02)


def test_the_image_is_the_same_without() -> None:
    counts = noisy(light(77))  # a side that is a multiple of nothing
    spec = RestoreSpec(method="denoise-fast", device="cpu", noise=GivenNoise((NOISE,)))
    alone = np.asarray(restore_stack(spec, Stack(counts, "YX")).image)
    beside, errors, _ = restored(counts, dtype="input")
    assert (alone == beside).all()
    assert errors.shape == (77, 77)


def test_errors_are_in_counts() -> None:
    counts = noisy(light(48)).astype(np.float32)
    _, once, _ = restored(counts)
    camera = NoiseModel(6.0, 30.0, 4.5)
    threefold = (counts - 100) * 3 + 30
    _, thrice, _ = restored(threefold, noise=GivenNoise((camera,)))
    assert np.allclose(thrice, 3 * once, rtol=1e-3)


def test_errors_are_unknown_where_the_light_is() -> None:
    counts = noisy(light(64)).astype(np.float32)
    counts[:8] = np.nan
    counts[40, 30:34] = 65535
    _, errors, _ = restored(counts, "gaussian+bicubic")
    unknown = np.isnan(counts) | (counts == 65535)
    assert (np.isnan(errors) == unknown.repeat(2, 0).repeat(2, 1)).all()


def test_of_each_plane_whatever_is_read_first() -> None:
    planes = np.stack([noisy(light(48, photons)) for photons in (10, 300)])
    spec = RestoreSpec(method="gaussian", noise=GivenNoise((NOISE,)), uncertainty=True)
    result = restore_stack(spec, Stack(planes, "CYX", channels=(Channel("a"),) * 2))
    assert result.uncertainty
    found = result.uncertainty.stack(result.image)
    assert [one.name for one in found.channels] == ["a standard error"] * 2
    part = found.data[1, slice(8, 24), slice(0, 40)]
    assert (part == found.data[(1,)][8:24, :40]).all()
    assert np.median(found.data[(0,)]) < np.median(found.data[(1,)])
    assert result.record["uncertainty"]["factor_90"] == FACTOR


def test_what_is_outside_the_calibration_is_told() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        words = "\n".join(restored(noisy(light(64, 20000)))[2])
    assert "the standard errors are calibrated for 1 to 1500 photons a pixel" in words
    dark = NoiseModel(2.0, 100.0, 12.0)
    counts = noisy(light(64), dark)
    words = "\n".join(restored(counts, noise=GivenNoise((dark,)))[2])
    assert "the standard errors are calibrated for read noise up to 3 photons" in words
    words = "\n".join(restored(noisy(light(64)), "gaussian", options=("sigma=4",))[2])
    assert "the standard errors of gaussian are calibrated with those of other" in words


def test_of_methods_that_enlarge_otherwise_they_are_not_known() -> None:
    with pytest.raises(UsageError, match="which enlarges x4, are not known"):
        restored(noisy(light(48)), "gaussian+bicubic+bicubic")


def test_from_python() -> None:
    counts = noisy(light(48))
    found = w2s.restore(counts, "gaussian", noise=NOISE, uncertainty=True)
    assert found.error is not None
    assert found.error.data[()].shape == found.image.data[()].shape
    stack = w2s.restore(w2s.Stack(counts, "YX"), "gaussian", noise=NOISE)
    assert stack.error is None


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        ("out/a.tif", "out/a_error.tif"),
        ("a.ome.tif", "a_error.ome.tif"),
        ("a.ome.zarr", "a_error.ome.zarr"),
        ("a.png", "a_error.tif"),
        ("a.npy", "a_error.tif"),
    ],
)
def test_the_map_is_named_after_the_output(output: str, wanted: str) -> None:
    from pathlib import Path

    assert map_of(Path(output)) == Path(wanted)
