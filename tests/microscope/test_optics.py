import numpy as np
import pytest

from w2s_cli.microscope.deconvolution import Optics
from w2s_cli.microscope.psf import PSF, gaussian_psf, halved

rng = np.random.default_rng(0)
SIZES = [((1, 1), (9, 9)), ((5, 40), (36, 17)), ((30, 31), (8, 9)), ((13, 7), (9, 70))]


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(("shape", "side"), SIZES)
def test_the_way_back_is_the_adjoint(
    shape: tuple[int, int], side: tuple[int, int], scale: int
) -> None:
    optics = Optics.of(PSF.normalised(rng.random(side)), shape, scale)
    light = rng.random([scale * length for length in shape]).astype(np.float32)
    image = rng.random(shape).astype(np.float32)
    assert np.vdot(optics.see(light), image) == pytest.approx(
        np.vdot(light, optics.back(image)) / scale**2, rel=1e-4
    )


@pytest.mark.parametrize(("shape", "side"), SIZES)
def test_the_camera_sees_the_blurred_light(
    shape: tuple[int, int], side: tuple[int, int]
) -> None:
    kernel = PSF.normalised(rng.random(side))
    light = rng.random([2 * length for length in shape]).astype(np.float32)
    seen = Optics.of(kernel, shape, 2).see(light)
    np.testing.assert_allclose(seen, halved(kernel.blur(light)), atol=1e-5)


def test_even_light_stays_even_both_ways() -> None:
    optics = Optics.of(gaussian_psf(2), (20, 33))
    flat = np.full((20, 33), 7, np.float32)
    np.testing.assert_allclose(optics.see(flat), flat, rtol=1e-5)
    np.testing.assert_allclose(optics.back(flat), flat, rtol=1e-5)
