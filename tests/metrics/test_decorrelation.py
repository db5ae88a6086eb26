from math import inf

import numpy as np
import pytest
from scipy import fft
from scipy.signal.windows import tukey

from w2s_cli.errors import InputError
from w2s_cli.metrics.decorrelation import decorrelation, decorrelation_analysis
from w2s_cli.microscope.psf import diffraction_psf
from w2s_cli.microscope.simulation import simulate_cell


def _cut(frequency: float, seed: int, side: int = 256) -> np.ndarray:
    """Return noise of variance 1 without the frequencies above one."""
    radius = np.hypot(fft.fftfreq(side)[:, None], fft.fftfreq(side))
    noise = np.random.default_rng(seed).normal(0, 1, (side, side))
    image = fft.ifft2(fft.fft2(noise) * (radius < frequency)).real
    return np.asarray(image / image.std())


@pytest.mark.parametrize("frequency", [0.05, 0.1, 0.2, 0.3, 0.4])
def test_cut_off_of_an_image_is_found_in_noise(frequency: float) -> None:
    """To 5 %."""
    noise = np.random.default_rng(9).normal(0, 0.3, (256, 256))
    image = _cut(frequency, 1) + noise
    assert decorrelation(image) == pytest.approx(1 / frequency, rel=0.05)


def test_resolution_follows_the_cut_off_of_a_microscope() -> None:
    """Its transfer ends at 0, so the visible end is before: by 5 to 45 %."""
    truth = simulate_cell(256, np.random.default_rng(0))
    found = []
    for cutoff in (0.12, 0.18, 0.27, 0.4):
        light = diffraction_psf(cutoff).blur(truth)
        photons = 5000 * np.maximum(light, 0) / light.max() + 50
        image = np.random.default_rng(1).poisson(photons)
        found.append(decorrelation(image) * cutoff)
    assert min(found) > 1.05
    assert max(found) < 1.45


def test_snr_falls_with_noise_and_resolution_with_it() -> None:
    rng = np.random.default_rng(2)
    light = diffraction_psf(0.25).blur(simulate_cell(256, rng))
    light = np.maximum(light, 0) / light.max()
    results = [
        decorrelation_analysis(rng.poisson(photons * light + 1))
        for photons in (10_000, 100, 10)
    ]
    snr = [result.snr for result in results]
    assert snr == sorted(snr, reverse=True)
    assert results[0].resolution < results[-1].resolution


def test_curves_are_correlations_with_the_whitened_image() -> None:
    """The first curve, ring by ring, straight from the definition."""
    image = _cut(0.2, 3, 64) + np.random.default_rng(4).normal(0, 0.3, (64, 64))
    result = decorrelation_analysis(image)
    line = tukey(64, 40 / 64)
    spectrum = fft.fft2(np.outer(line, line) * (image - image.mean()))
    radius = np.hypot(2 * fft.fftfreq(64)[:, None], 2 * fft.fftfreq(64))
    inside = spectrum * (radius < 1)
    assert result.radius.shape == (32,)
    for place in (3, 11, 30):
        white = spectrum / np.abs(spectrum) * (radius < result.radius[place])
        expected = (inside * white.conj()).sum().real / np.sqrt(
            (np.abs(inside) ** 2).sum() * (np.abs(white) ** 2).sum()
        )
        assert result.curves[0, place] == pytest.approx(expected, rel=1e-6)


def test_noise_alone_has_no_detail() -> None:
    for seed in range(5):
        result = decorrelation_analysis(
            np.random.default_rng(seed).normal(0, 1, (128, 128))
        )
        assert result.resolution == inf
        assert result.snr == 0


def test_units_do_not_matter() -> None:
    image = _cut(0.2, 5) + np.random.default_rng(6).normal(0, 0.3, (256, 256))
    assert decorrelation(1000 * image + 7) == decorrelation(image)


def test_images_that_cannot_be_measured() -> None:
    with pytest.raises(InputError, match="must be 64 x 64 pixels or more, found 63 x"):
        decorrelation(np.eye(63))
    with pytest.raises(InputError, match="every pixel of the image is 3"):
        decorrelation(np.full((64, 64), 3))
    with pytest.raises(InputError, match="NaN or infinite values in the image"):
        decorrelation(np.full((64, 64), np.nan))
