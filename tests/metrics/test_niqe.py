from pathlib import Path

import numpy as np
import pytest
from scipy import fft
from scipy.ndimage import gaussian_filter

from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.metrics.niqe import Pristine, block_features, niqe


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


def test_model_is_read_from_the_arrays_of_the_published_one(
    pristine: Pristine, tmp_path: Path
) -> None:
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
