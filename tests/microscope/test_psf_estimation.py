"""The kernel of pairs that were simulated with a known one."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import shift as moved

from w2s_cli.errors import InputError, UsageError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, gaussian_psf, widefield_psf
from w2s_cli.microscope.psf_estimation import ImagePair, PSFFit, fit_psf
from w2s_cli.microscope.simulation import (
    Exposure,
    camera_counts,
    simulate_field,
    widefield,
)

CAMERA = NoiseModel(gain=2.2, offset=100, read_noise=3)
SIDE = 15
LENS = widefield_psf(1.4, 0.525, 0.0325, SIDE)
PHOTONS = 1000


@cache
def field(seed: int = 0) -> np.ndarray:
    return simulate_field(256, np.random.default_rng(seed))


def pair(
    kernel: PSF = LENS, seed: int = 0, scale: int = 2, photons: float = PHOTONS
) -> ImagePair:
    exposure = Exposure(photons, background=0.05)
    expected = widefield(field(seed), kernel, exposure, scale)
    return camera_counts(expected, CAMERA, np.random.default_rng(seed)), field(seed)


def likeness(fit: PSFFit, truth: PSF = LENS) -> float:
    a, b = fit.psf.weights.ravel(), truth.weights.ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize("scale", [1, 2])
def test_the_kernel_of_a_simulated_pair(scale: int) -> None:
    fit = fit_psf([pair(scale=scale)], SIDE)
    assert likeness(fit) > 0.99
    assert fit.certainty is not None
    assert fit.certainty > 0.98
    assert fit.psf.weights.sum() == pytest.approx(1, abs=1e-5)
    assert fit.prior is not None
    assert fit.ratio > 0


def test_an_asymmetric_kernel() -> None:
    y, x = np.mgrid[-7:8, -7:8]
    truth = PSF.normalised(np.exp(-0.5 * ((x / 3) ** 2 + (y / 1.5) ** 2 + x * y / 8)))
    assert likeness(fit_psf([pair(truth)], SIDE), truth) > 0.98


def test_gain_background_and_noise_are_fitted() -> None:
    [found] = fit_psf([pair()], SIDE).pairs
    assert found.alignment.gain == pytest.approx(2.2 * PHOTONS, rel=0.02)
    assert found.alignment.background == pytest.approx(100 + 0.05 * 2200, rel=0.05)
    assert found.explained > 0.9
    assert abs(found.leftover) < 0.05
    _, sharp = pair()
    light = 2.2 * (widefield(sharp, LENS, Exposure(PHOTONS, 0.05)).mean())
    assert found.noise**2 == pytest.approx(2.2 * light + 9, rel=0.3)


@pytest.mark.parametrize(
    ("shift", "scale"),
    [((0, 0), 2), ((7, -12), 2), ((0.4, -1.3), 2), ((-5.7, 3.25), 1)],
)
def test_images_that_lie_beside_each_other(
    shift: tuple[float, float], scale: int
) -> None:
    low, sharp = pair(scale=scale)
    apart = moved(sharp, [-way for way in shift], order=5, mode="mirror")
    fit = fit_psf([(low, apart)], SIDE)
    assert fit.pairs[0].alignment.shift == pytest.approx(shift, abs=0.1)
    assert likeness(fit) > 0.98


def test_many_pairs_share_a_kernel_that_they_determine_better() -> None:
    pairs = [pair(seed=seed, photons=30) for seed in range(2)]
    one = [fit_psf([each], SIDE) for each in pairs]
    every = fit_psf(pairs, SIDE)
    assert len(every.pairs) == 2
    assert likeness(every) > np.mean([likeness(fit) for fit in one])
    assert every.certainty is not None
    assert every.certainty > max(fit.certainty or 0 for fit in one)


def test_more_light_determines_it_better() -> None:
    dim, bright = (fit_psf([pair(photons=n)], SIDE) for n in (5, 500))
    assert likeness(dim) < likeness(bright)
    assert (dim.certainty or 0) < (bright.certainty or 0)


@pytest.mark.parametrize(
    ("dtype", "factor", "offset"),
    [
        ("uint16", 1, 0),
        ("float64", 1e-3, -5),
        ("float32", 7, 1e5),
        ("int32", 1e3, -9e6),
    ],
)
def test_units_do_not_matter(dtype: str, factor: float, offset: float) -> None:
    low, sharp = pair()
    scaled = (low * factor + offset).astype(dtype)
    fit = fit_psf([(scaled, sharp * np.float32(factor) - 3)], SIDE)
    assert likeness(fit) > 0.99


@pytest.mark.parametrize("photons", [0, 1e5, 1e6])
def test_so_much_light_that_there_is_hardly_any_noise(photons: float) -> None:
    low = widefield(field(), LENS, Exposure(photons or 1, 0.05))
    if photons:
        low = np.random.default_rng(0).poisson(low).astype(np.float32)
    assert likeness(fit_psf([(low, field())], SIDE)) > 0.999


def test_the_same_image_twice_has_no_blur() -> None:
    fit = fit_psf([(field(), field())], SIDE)
    assert fit.width < 0.3
    assert np.unravel_index(fit.psf.weights.argmax(), (SIDE, SIDE)) == (7, 7)


def test_the_enlargement_of_the_paper() -> None:
    """A cubic blurs less than a line: the kernel, which has that blur, is narrower."""
    kinds = ("linear", "bicubic")
    fits = [fit_psf([pair()], SIDE, 2500.0, enlarging=kind) for kind in kinds]
    assert [fit.enlarging for fit in fits] == ["linear", "bicubic"]
    linear, bicubic = (fit.psf.weights for fit in fits)
    assert bicubic.max() > linear.max()
    assert likeness(fits[1]) > 0.8
    same = [pair(scale=1)]  # nothing to enlarge
    one, other = (fit_psf(same, SIDE, 2500.0, enlarging=kind) for kind in kinds)
    np.testing.assert_array_equal(one.psf.weights, other.psf.weights)


def test_the_constant_of_the_authors() -> None:
    fit = fit_psf([pair()], SIDE, constant=2500)
    assert (fit.prior, fit.ratio, fit.certainty) == (None, 2500, None)
    assert 0.8 < likeness(fit) < likeness(fit_psf([pair()], SIDE))


def test_what_is_left_may_be_no_noise() -> None:
    low, sharp = pair()
    haze = widefield(field(5), gaussian_psf(3), Exposure(400))
    fit = fit_psf([(low + haze, sharp)], SIDE)
    assert fit.pairs[0].leftover > 0.3
    assert fit.certainty is None


@pytest.mark.parametrize("side", [-3, 0, 3, 14, 77])
def test_sides_that_make_no_sense(side: int) -> None:
    with pytest.raises(UsageError, match=f"odd, 5 to 75 pixels, found {side}"):
        fit_psf([pair()], side)


@pytest.mark.parametrize("constant", [0, -1, np.nan, np.inf])
def test_constants_that_make_no_sense(constant: float) -> None:
    with pytest.raises(UsageError, match="the regularisation must be above 0, found"):
        fit_psf([pair()], SIDE, constant)


def spoilt(image: Any, value: float) -> np.ndarray:
    image = image.astype(np.float32)
    image[3, 4] = value
    return image


LOW, SHARP = np.ones((64, 64)) + np.eye(64), np.ones((128, 128)) + np.eye(128)


@pytest.mark.parametrize(
    ("low", "sharp", "message", "hint"),
    [
        (LOW[:50], SHARP, "the sharp image has 128 x 128 pixels, the wid", "crop both"),
        (LOW, SHARP[:127], "127 x 128 pixels, the widefield image 64 x 64", "crop"),
        (SHARP, LOW, "must have twice as many along Y and X", "are they swapped"),
        (LOW[:25, :25], SHARP[:50, :50], "50 x 50 pixels is too small for a", "--side"),
        (0 * LOW + 7, SHARP, "every pixel of the widefield image is 7", "structure"),
        (LOW, 0 * SHARP, "every pixel of the sharp image is 0", "structure"),
        (
            0 * LOW + 65535,
            SHARP,
            "every pixel of the widefield image is 65535",
            "a ker",
        ),
        (spoilt(LOW, np.nan), SHARP, "the widefield image holds NaN or inf", "replace"),
        (LOW, spoilt(SHARP, np.inf), "the sharp image holds NaN or inf", "replace"),
        (-LOW, SHARP, "does not brighten where the sharp one does", "same field"),
    ],
)
def test_images_that_have_no_kernel(
    low: np.ndarray, sharp: np.ndarray, message: str, hint: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        fit_psf([(low, sharp)], SIDE, names=["wf.tif, sim.tif"])
    assert str(caught.value).startswith("wf.tif, sim.tif: ")
    assert hint in caught.value.hint


def test_pairs_of_different_scale() -> None:
    with pytest.raises(InputError, match=r"pair 1: .* is x2; pair 2: it is x1"):
        fit_psf([pair(), pair(scale=1)], SIDE)
