import numpy as np
import pytest

from w2s_cli.methods.pure_let import (
    DETAILS,
    SUM,
    band_image,
    haar_adjoint,
    haar_join,
    haar_split,
)

rng = np.random.default_rng(0)
LEVELS = 3
INSIDE = np.s_[2**LEVELS - 1 : 1 - 2**LEVELS, 2**LEVELS - 1 : 1 - 2**LEVELS]


def _levels(image: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, ...]]]:
    details = []
    for level in range(1, LEVELS + 1):
        image, bands = haar_split(image, level)
        details.append(bands)
    return image, details


def test_a_coefficient_is_what_its_name_says() -> None:
    image = rng.standard_normal((20, 17)).astype(np.float32)
    sums, details = _levels(image)
    square = image[5:13, 2:10]
    halves = {
        SUM: square.sum(),
        (1, -1): square[:, :4].sum() - square[:, 4:].sum(),
        (-1, 1): square[:4].sum() - square[4:].sum(),
    }
    assert sums[5, 2] == pytest.approx(halves[SUM], abs=1e-4)
    for band, signs in zip(details[-1][:2], DETAILS[:2], strict=True):
        assert band[5, 2] == pytest.approx(halves[signs], abs=1e-4)


def test_joining_undoes_splitting() -> None:
    image = rng.standard_normal((40, 33)).astype(np.float32)
    sums, details = _levels(image)
    np.testing.assert_allclose(
        haar_join(sums, details)[INSIDE], image[INSIDE], atol=1e-5
    )


def test_the_parts_add_up() -> None:
    image = rng.standard_normal((40, 33)).astype(np.float32)
    sums, details = _levels(image)
    total = band_image(sums, LEVELS, SUM)
    for level, bands in enumerate(details, start=1):
        for band, signs in zip(bands, DETAILS, strict=True):
            total += band_image(band, level, signs)
    np.testing.assert_allclose(total[INSIDE], image[INSIDE], atol=1e-5)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_spreading_is_the_adjoint_of_splitting(level: int) -> None:
    image = rng.standard_normal((23, 19)).astype(np.float32)
    sums, details = haar_split(image, level)
    for band, signs in zip((sums, *details), (SUM, *DETAILS), strict=True):
        other = rng.standard_normal(band.shape).astype(np.float32)
        there = np.vdot(band, other)
        back = np.vdot(image, haar_adjoint(other, level, signs))
        assert there == pytest.approx(back, rel=1e-3, abs=1e-2)
