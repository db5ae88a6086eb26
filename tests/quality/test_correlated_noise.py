"""What `auto` makes of noise that neighbouring pixels share, on simulated cells."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli import NoiseModel, Stack, restore
from w2s_cli._typing import FloatArray
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import Exposure, simulate_cell, widefield
from w2s_cli.training.patches.exposures import binned, demosaiced, shifted, smeared

pytestmark = pytest.mark.quality

SIDE, EDGE, CELLS = 256, 16, 3
SIGMAS = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
CAMERA = NoiseModel(2.0, 100.0, 2.0)
WAYS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "none": lambda image: image,
    "half a pixel": partial(shifted, down=0.5, right=0.5),
    "a third of a pixel": partial(shifted, down=0.3, right=0.0),
    "2 x 2, repeated": partial(binned, smooth=False, phase=(0, 0)),
    "2 x 2, bilinear": partial(binned, smooth=True, phase=(0, 0)),
    "smear": partial(smeared, axis=1, kept=0.4),
    "Gaussian": partial(gaussian_filter, sigma=0.8),
    "Bayer": partial(demosaiced, phase=0, balance=np.ones((2, 2), np.float32)),
}


@pytest.mark.parametrize("photons", [2, 10, 50, 200])
@pytest.mark.parametrize("name", WAYS)
def test_correlated_noise_is_removed(name: str, photons: float) -> None:
    way, gains, best, methods = WAYS[name], [], [], []
    for seed in range(CELLS):
        rng = np.random.default_rng([seed, 7])
        light = widefield(
            simulate_cell(SIDE, rng), gaussian_psf(2.5), Exposure(photons, 0.05)
        )
        counts = CAMERA.sample(light, rng).astype(np.float32)
        truth, noisy = (
            way(image)[EDGE:-EDGE, EDGE:-EDGE]
            for image in (CAMERA.counts(light), counts)
        )
        result = restore(Stack(noisy, "YX"), "auto", device="cpu")
        methods.append(result.record["auto"]["method"])
        gains.append(_gain(np.asarray(result.image.data[()]), noisy, truth))
        smooth = (gaussian_filter(noisy, sigma) for sigma in SIGMAS)
        best.append(max(_gain(image, noisy, truth) for image in smooth))
    print(
        f"{name}, {photons} photons: {np.mean(gains):.1f} dB above the input "
        f"(least {min(gains):.1f}), best of {len(SIGMAS)} Gaussians "
        f"{np.mean(best):.1f}: {', '.join(methods)}"
    )
    assert min(gains) > -1.5
    assert np.mean(gains) > 0.65 * np.mean(best) - 0.5


def _gain(image: FloatArray, noisy: FloatArray, truth: FloatArray) -> float:
    before, after = (((one - truth) ** 2).mean() for one in (noisy, image))
    return float(10 * np.log10(before / after))
