from collections import Counter

import numpy as np
import pytest

from w2s_cli.training.patches.augmentation import augment_planes

PLANE = np.arange(9).reshape(3, 3)


def _drawn(augment: str, count: int = 4000) -> Counter[bytes]:
    rng = np.random.default_rng(0)
    drawn = (augment_planes([PLANE], augment, rng)[0] for _ in range(count))
    return Counter(plane.tobytes() for plane in drawn)


@pytest.mark.parametrize(
    ("augment", "ways", "unturned"),
    [("turns", 8, 1 / 8), ("w2s", 8, 1 / 2 + 1 / 16), ("mirror", 2, 1 / 2)],
)
def test_how_often_a_patch_stays_as_it_is(augment, ways, unturned) -> None:
    drawn = _drawn(augment)
    others = [count for plane, count in drawn.items() if plane != PLANE.tobytes()]
    assert len(drawn) == ways
    assert drawn[PLANE.tobytes()] / 4000 == pytest.approx(unturned, abs=0.03)
    assert np.array(others) / 4000 == pytest.approx(
        (1 - unturned) / (ways - 1), abs=0.03
    )


def test_what_each_way_does() -> None:
    assert _drawn("none").keys() == {PLANE.tobytes()}
    mirrored = np.ascontiguousarray(PLANE[:, ::-1])
    assert _drawn("mirror").keys() == {PLANE.tobytes(), mirrored.tobytes()}


@pytest.mark.parametrize("augment", ["turns", "w2s", "mirror", "none"])
def test_planes_of_two_sizes_are_laid_alike(augment: str) -> None:
    rng = np.random.default_rng(1)
    fine = PLANE.repeat(2, axis=0).repeat(2, axis=1)
    for _ in range(30):
        small, large = augment_planes([PLANE, fine], augment, rng)
        assert np.array_equal(large[::2, ::2], small)
        assert large.flags.c_contiguous
