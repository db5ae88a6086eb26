"""The loop from a stack to the planes of a restored stack."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import checked_finite
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Fittable
from w2s_cli.restorers.tiling import restore_plane
from w2s_cli.restorers.units import DisplayRange
from w2s_cli.stack import Computed, Stack


@dataclass
class Tally:
    """What is known of the output by the time that its last plane is computed."""

    _clipped: dict[tuple[int, ...], int] = field(default_factory=dict)

    @property
    def clipped(self) -> int:
        """Return how many pixels were outside the range of the output's dtype."""
        return sum(self._clipped.values())

    def count(self, index: tuple[int, ...], clipped: int) -> None:
        """Count the clipped pixels of a plane, once however often it is computed."""
        self._clipped[index] = clipped


def bound_chains(
    stack: Stack,
    chain: Chain,
    noise: Mapping[int, NoiseModel] | None = None,
    display_ranges: Mapping[int, DisplayRange] | None = None,
    fitted: Mapping[int, Fittable] | None = None,
) -> list[Chain]:
    """Return the chain for each channel, taking and giving its counts."""
    facts = {"noise": noise, "display_range": display_ranges, "fitted": fitted}
    return [
        chain.bound(**{name: by[number] for name, by in facts.items() if by})  # type: ignore[arg-type]
        for number in range(stack.channel_count)
    ]


def restore_planes(
    stack: Stack,
    chain: Chain,
    noise: Mapping[int, NoiseModel] | None = None,
    display_ranges: Mapping[int, DisplayRange] | None = None,
    fitted: Mapping[int, Fittable] | None = None,
    *,
    tile: int = 512,
    on_tile: Callable[[], None] = lambda: None,
) -> tuple[Stack, Tally]:
    """Return the restored stack, each plane computed when it is asked for."""
    scale = chain.traits.scale
    tally = Tally()
    chains = bound_chains(stack, chain, noise, display_ranges, fitted)

    def plane(index: tuple[int, ...]) -> NDArray[Any]:
        counts = checked_finite(stack.data[index], index)
        restorer = chains[stack.channel_of(index)]
        result = restore_plane(counts, restorer, tile=tile, on_tile=on_tile)
        pixels, clipped = _as_stored(result, stack.data.dtype)
        tally.count(index, clipped)
        return pixels

    *lead, height, width = stack.data.shape
    shape = (*lead, height * scale, width * scale)
    restored = replace(
        stack,
        data=Computed(shape, stack.data.dtype, plane),
        pixel_size={
            axis: size / scale if axis in "YX" else size
            for axis, size in stack.pixel_size.items()
        },
    )
    return restored, tally


def _as_stored(pixels: FloatArray, dtype: np.dtype[Any]) -> tuple[NDArray[Any], int]:
    """Return `pixels` in the file's dtype: rounded, clipped, the clipped counted."""
    if not np.issubdtype(dtype, np.integer):
        return pixels.astype(dtype), 0
    limits = np.iinfo(dtype)
    np.rint(pixels, out=pixels)
    clipped = int(np.count_nonzero(pixels < limits.min))
    clipped += int(np.count_nonzero(pixels > limits.max))
    return pixels.clip(limits.min, limits.max, out=pixels).astype(dtype), clipped
