"""Each stage of NIQE against a straightforward computation of the same."""

from math import gamma
from pathlib import Path

import numpy as np
import pytest
from scipy import fft
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq
from scipy.signal import convolve2d
from scipy.stats import gennorm

from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.metrics.niqe import (
    Pristine,
    asymmetric_fit,
    block_features,
    contrast_normalised,
    halved,
    niqe,
)


def _scene(seed: int, sides: tuple[int, int] = (768, 768)) -> np.ndarray:
    """Return edges and texture on many scales, 0 to 255."""
    rng = np.random.default_rng(seed)
    spectrum = fft.fft2(rng.normal(0, 1, sides))
    y, x = (fft.fftfreq(side) for side in sides)
    squares = (2 * np.pi) ** 2 * (y[:, None] ** 2 + x**2)
    scales = sum(
        scale * np.exp(-squares * scale**2 / 2) for scale in (0.7, 1.5, 3, 8, 20)
    )
    image = fft.ifft2(spectrum * scales).real
    image = np.tanh(2 * image)
    return np.rint((image - image.min()) / np.ptp(image) * 255)


@pytest.fixture(scope="module")
def pristine() -> Pristine:
    return Pristine.fit([_scene(seed) for seed in range(2)], sharpness=0.5)


def test_sharp_images_are_nearest_to_sharp_images(pristine: Pristine) -> None:
    image = _scene(7, (480, 576))
    rng = np.random.default_rng(8)
    scores = [
        niqe(image, pristine),
        niqe(gaussian_filter(image, 1.5), pristine),
        niqe(gaussian_filter(image, 4), pristine),
    ]
    assert sorted(scores) == scores
    noisy = [
        niqe(image + rng.normal(0, spread, image.shape), pristine)
        for spread in (0, 10, 40)
    ]
    assert sorted(noisy) == noisy


def test_distance_is_that_of_the_paper(pristine: Pristine) -> None:
    features = block_features(_scene(7, (480, 576))).features
    covariance = (pristine.covariance + np.cov(features.T)) / 2
    apart = pristine.mean - features.mean(0)
    expected = np.sqrt(apart @ np.linalg.pinv(covariance) @ apart)
    assert niqe(_scene(7, (480, 576)), pristine) == pytest.approx(expected, rel=1e-9)


def test_range_is_that_of_the_image(pristine: Pristine) -> None:
    image = _scene(7, (288, 288))
    found = niqe(image * 1000, pristine, data_range=255_000)
    assert found == pytest.approx(niqe(image, pristine))


def test_only_sharp_blocks_are_learned() -> None:
    image = _scene(3)
    image[:, 384:] = np.rint(gaussian_filter(image, 6)[:, 384:])
    sharp = block_features(image)
    chosen = sharp.features[sharp.sharpness > 0.3 * sharp.sharpness.max()]
    assert 18 < len(chosen) < len(sharp.features)
    fit = Pristine.fit([image, image], sharpness=0.3)
    np.testing.assert_allclose(fit.mean, chosen.mean(0))
    np.testing.assert_allclose(
        fit.covariance, np.cov(np.concatenate([chosen, chosen]).T)
    )


def test_model_is_read_from_the_arrays_of_the_published_one(pristine, tmp_path) -> None:
    arrays = {"mu_pris_param": pristine.mean, "cov_pris_param": pristine.covariance}
    np.savez(tmp_path / "own.npz", **arrays)
    again = Pristine.read(tmp_path / "own.npz")
    np.testing.assert_array_equal(again.mean, pristine.mean)
    np.testing.assert_array_equal(again.covariance, pristine.covariance)


def test_file_without_a_model(tmp_path: Path) -> None:
    path = tmp_path / "no.npz"
    with pytest.raises(WeightsError, match=r"no.npz: no model of NIQE: .*No such file"):
        Pristine.read(path)
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"no.npz: no model of NIQE: ") as error:
        Pristine.read(path)
    assert "an .npz of mu_pris_param (36) and cov_pris_param" in error.value.hint
    np.savez(path, mean=np.zeros(36))
    with pytest.raises(WeightsError, match="'mu_pris_param is not a file"):
        Pristine.read(path)
    np.savez(path, mu_pris_param=np.zeros(35), cov_pris_param=np.zeros((36, 36)))
    with pytest.raises(WeightsError, match=r"has arrays of \(36,\) and \(36, 36\), fo"):
        Pristine.read(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(WeightsError, match=r"array\.npy: no model of NIQE"):
        Pristine.read(tmp_path / "array.npy")


def test_images_that_hold_too_little(pristine: Pristine) -> None:
    with pytest.raises(InputError, match="must be 96 x 96 pixels or more, found 95 x"):
        niqe(np.eye(95), pristine)
    with pytest.raises(InputError, match="every pixel of an image for NIQE is 7"):
        niqe(np.full((200, 200), 7), pristine)
    with pytest.raises(InputError, match="infinite values in an image for NIQE"):
        niqe(np.full((200, 200), np.nan), pristine)
    one = _scene(1, (96, 150))
    with pytest.raises(
        InputError, match="with contrast or more, found 1 of 1"
    ) as error:
        niqe(one, pristine)
    assert "too small or too flat, or data_range is not its own" in error.value.hint
    with pytest.raises(InputError, match="with contrast or more, found 0 of 4"):
        niqe(_scene(1, (192, 192)), pristine, data_range=1e6)
    with pytest.raises(UsageError, match="the data range must be above 0, found 0"):
        niqe(one, pristine, data_range=0)


def test_models_that_cannot_be_fitted() -> None:
    with pytest.raises(UsageError, match="sharpness is 0 or more, below 1, found 1"):
        Pristine.fit([], sharpness=1)
    with pytest.raises(InputError, match=r"takes 37 sharp blocks .*found 0") as error:
        Pristine.fit([])
    assert error.value.hint.startswith("give more images, or larger ones")


rng = np.random.default_rng(2)
IMAGE = rng.integers(0, 256, (30, 40)).astype(float)


def test_pixels_are_normalised_by_a_window_of_7_x_7() -> None:
    y, x = np.mgrid[-3:4, -3:4]
    window = np.exp(-(x**2 + y**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    wide = np.pad(IMAGE, 3, "edge")
    mean = convolve2d(wide, window, "valid")
    spread = np.sqrt(np.abs(convolve2d(wide**2, window, "valid") - mean**2))
    found, found_spread = contrast_normalised(IMAGE)
    np.testing.assert_allclose(found_spread, spread, atol=1e-9)
    np.testing.assert_allclose(found, (IMAGE - mean) / (spread + 1), atol=1e-9)


def _cubic(far: float) -> float:
    near = abs(far)
    if near <= 1:
        return 1.5 * near**3 - 2.5 * near**2 + 1
    if near <= 2:
        return -0.5 * near**3 + 2.5 * near**2 - 4 * near + 2
    return 0.0


def _halving(side: int) -> np.ndarray:
    """Weights of MATLAB's imresize, one output pixel after the other."""
    weights = np.zeros((side // 2, side))
    for row in range(side // 2):
        centre = (row + 1) / 0.5 + 0.5 * (1 - 1 / 0.5)  # counted from 1, as there
        for place in range(int(np.floor(centre - 4)), int(np.ceil(centre + 4)) + 1):
            mirrored = place
            while not 1 <= mirrored <= side:
                mirrored = 1 - mirrored if mirrored < 1 else 2 * side + 1 - mirrored
            weights[row, mirrored - 1] += 0.5 * _cubic(0.5 * (centre - place))
    return weights / weights.sum(1, keepdims=True)


def test_half_the_size_is_that_of_matlab() -> None:
    expected = _halving(30) @ IMAGE @ _halving(40).T
    np.testing.assert_allclose(halved(IMAGE), expected, atol=1e-10)


def test_half_the_size_keeps_a_ramp() -> None:
    y, x = np.mgrid[:40, :40].astype(float)
    small = halved(3 * y + x)
    y, x = np.mgrid[:20, :20]
    expected = 3 * (2 * y + 0.5) + 2 * x + 0.5
    np.testing.assert_allclose(small[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-10)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 3.5])
def test_symmetric_fit_finds_the_distribution(shape: float) -> None:
    """To 3 %: moments of 40000 samples."""
    samples = gennorm.rvs(shape, scale=1.7, size=(1, 40000), random_state=3)
    fit = asymmetric_fit(samples)
    assert fit.shape[0] == pytest.approx(shape, rel=0.03)
    np.testing.assert_allclose([fit.left[0], fit.right[0]], 1.7, rtol=0.05)
    likely, _, width = gennorm.fit(samples[0], floc=0)
    assert fit.shape[0] == pytest.approx(likely, rel=0.03)
    assert fit.right[0] == pytest.approx(width, rel=0.05)


def test_asymmetric_fit_solves_the_equations_of_its_moments() -> None:
    """The shape on a grid of 0.001, and the scales that follow from it."""
    samples = rng.gamma(2, 1, 5000) - 1.3
    left = np.sqrt(np.mean(samples[samples < 0] ** 2))
    right = np.sqrt(np.mean(samples[samples > 0] ** 2))
    ratio = left / right
    moments = np.mean(np.abs(samples)) ** 2 / np.mean(samples**2)
    moments *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2

    def apart(shape: float) -> float:
        return gamma(2 / shape) ** 2 / gamma(1 / shape) / gamma(3 / shape) - moments

    shape = brentq(apart, 0.2, 10)
    fit = asymmetric_fit(samples[None])
    assert fit.shape[0] == pytest.approx(shape, abs=0.0006)
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    np.testing.assert_allclose(fit.left, left * scale, rtol=1e-3)
    np.testing.assert_allclose(fit.right, right * scale, rtol=1e-3)


def test_features_of_one_block_by_hand() -> None:
    image = gaussian_filter(rng.normal(100, 400, (96, 96)), 1)
    found = block_features(image)
    assert found.features.shape == (1, 36)
    for start, scale in ((0, image), (18, halved(image))):
        normalised, spread = contrast_normalised(scale)
        fit = asymmetric_fit(normalised.reshape(1, -1))
        expected = [fit.shape, (fit.left + fit.right) / 2]
        for y, x in ((0, 1), (1, 0), (1, 1), (1, -1)):
            product = normalised * np.roll(np.roll(normalised, y, 0), x, 1)
            fit = asymmetric_fit(product.reshape(1, -1))
            slope = gamma(2 / fit.shape[0]) / gamma(1 / fit.shape[0])
            mean = (fit.right - fit.left) * slope
            expected += [fit.shape, mean, fit.left, fit.right]
        np.testing.assert_allclose(
            found.features[0, start : start + 18], np.concatenate(expected)
        )
        if start == 0:
            assert found.sharpness[0] == pytest.approx(spread.mean())


def test_blocks_are_whole_and_their_order_is_that_of_the_image() -> None:
    """Only the pixels near its edges tell a block that it has neighbours."""
    image = np.concatenate(
        [rng.normal(100, spread, (96, 96)) for spread in (3, 30)], axis=1
    )
    found = block_features(np.pad(image, ((0, 50), (0, 90))))
    assert found.features.shape == (2, 36)
    assert found.sharpness[1] > 5 * found.sharpness[0]


def test_block_without_contrast_has_no_features() -> None:
    image = np.zeros((96, 192))
    image[:, 100:] = rng.normal(100, 10, (96, 92))
    finite = np.isfinite(block_features(image).features)
    assert not finite[0].all()
    assert finite[1].all()
