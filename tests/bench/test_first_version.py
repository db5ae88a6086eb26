"""The tiles of the first W2S tables: reproduced, seams and all."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.bench.run_image import restored_first_version
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Traits


@dataclass
class Doubled:
    """Show each pixel four times; `bias` is added for each tile that was seen."""

    bias: float = 0.0
    seen: list[tuple[int, ...]] = field(default_factory=list)
    traits: ClassVar = Traits(scale=2)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        self.seen.append(blocks.shape[1:])
        finer = blocks.repeat(2, axis=1).repeat(2, axis=2)
        return finer + np.float32(self.bias * (len(self.seen) - 1))


@dataclass
class Shifted:
    """Add to each pixel."""

    by: float
    traits: ClassVar = Traits()

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return blocks + np.float32(self.by)


def image(height: int = 512, width: int = 512) -> FloatArray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width)).astype(np.float32)


@pytest.mark.parametrize("shape", [(512, 512), (100, 300), (129, 70)])
def test_pixels_shown_four_times_come_back_whole(shape: tuple[int, int]) -> None:
    plane = image(*shape)
    found = restored_first_version(plane, Chain([Doubled()]).bound())
    np.testing.assert_array_equal(found, plane.repeat(2, axis=0).repeat(2, axis=1))


def test_later_tiles_lie_over_earlier_ones() -> None:
    enlarge = Doubled(bias=1)
    found = restored_first_version(
        np.zeros((64, 512), np.float32), Chain([enlarge]).bound()
    )
    assert enlarge.seen == [(64, 128)] * 7 + [(64, 64)]
    number = np.repeat(np.arange(8), [192, 128, 128, 128, 128, 128, 128, 64])
    np.testing.assert_array_equal(found[0], number)


def test_a_denoised_image_is_saved_in_whole_grays() -> None:
    chain = Chain([Shifted(0.7), Doubled()]).bound()
    found = restored_first_version(np.full((4, 4), 10, np.float32), chain)
    assert set(found.ravel()) == {10}


def test_a_denoised_image_is_scored_as_it_is_but_clipped() -> None:
    plane = np.array([[10, 254.8]], np.float32)
    found = restored_first_version(plane, Chain([Shifted(0.7)]).bound())
    np.testing.assert_allclose(found, [[10.7, 255]], rtol=1e-6)
