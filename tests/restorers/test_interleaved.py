from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import convolve1d, gaussian_filter

from w2s_cli.methods.build import build
from w2s_cli.microscope.noise_correlation import correlated_noise
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.restorers.interleaved import Interleaved, interleaved
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.tiling import restore_plane


@dataclass
class Box:
    """The mean of 2 x 2 pixels from the corner on, in their place."""

    multiple_of: int = 2

    @property
    def traits(self):
        return Traits(margin=2, multiple_of=self.multiple_of)

    def __call__(self, blocks):
        n, y, x = blocks.shape
        mean = blocks.reshape(n, y // 2, 2, x // 2, 2).mean((2, 4))
        return mean.repeat(2, 1).repeat(2, 2).astype(np.float32)


@pytest.mark.parametrize("lag", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(37, 50), (64, 48)])
def test_pixels_come_back_to_their_places(lag, shape):
    identity = build("identity").bound()
    plane = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    assert (Interleaved(identity, lag)(plane) == plane).all()


@pytest.mark.parametrize("lag", [2, 3])
def test_tiles_make_no_difference(lag):
    method = Interleaved(Box(), lag, sigma=1.0)
    assert method.traits.multiple_of == 2 * lag
    plane = np.random.default_rng(1).normal(size=(96, 108)).astype(np.float32)
    whole, tiled = (restore_plane(plane, method, tile=tile) for tile in (512, 36))
    np.testing.assert_allclose(whole, tiled, atol=1e-5)


def smeared(photons, seed=0, side=192):
    """Return expected counts and noisy counts of a smooth field, smeared along X."""
    rng = np.random.default_rng(seed)
    spots = (rng.random((side, side)) > 0.996) * rng.exponential(1, (side, side))
    light = photons * (gaussian_filter(spots, 2) * 20 + 0.3)
    counts = 2.2 * rng.poisson(light) + rng.normal(100, 3, light.shape)
    taps = [0.25, 0.5, 0.25]
    return tuple(
        convolve1d(one, taps, axis=1).astype(np.float32)
        for one in (2.2 * light + 100, counts)
    )


@pytest.mark.parametrize("method", ["pure-let", "wavelet"])
@pytest.mark.parametrize("photons", [3, 60])
def test_never_much_worse_than_the_best_gaussian(method, photons):
    truth, counts = smeared(photons)
    noise = correlated_noise([counts], fit_noise([counts])).model
    chosen = interleaved(build(method).bound(noise=noise), noise, [counts])
    error = ((chosen(counts[None])[0] - truth) ** 2).mean()
    best = min(
        ((gaussian_filter(counts, sigma) - truth) ** 2).mean()
        for sigma in (0.7, 1, 1.5, 2, 3, 4, 6)
    )
    assert error < 1.1 * best
    assert error < 0.35 * ((counts - truth) ** 2).mean()


def test_it_is_a_gaussian_where_the_method_does_nothing():
    _, counts = smeared(3)
    noise = correlated_noise([counts], fit_noise([counts])).model
    chosen = interleaved(build("identity").bound(), noise, [counts])
    assert chosen.sigma >= 1.5
