"""The loop from a stack to the planes of a restored stack."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import finite
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Fittable
from w2s_cli.restorers.tiling import restore_plane
from w2s_cli.restorers.units import Levels
from w2s_cli.stack import Computed, Stack


@dataclass
class Restored:
    """What a run has found out by the time that its last plane is written."""

    clipped: int = 0  # pixels outside the range of the output's dtype
    pixels: int = 0


def restore(
    stack: Stack,
    chain: Chain,
    noise: Mapping[int, NoiseModel] | None = None,
    levels: Mapping[int, Levels] | None = None,
    lessons: Mapping[int, Fittable] | None = None,
    *,
    tile: int = 512,
    on_tile: Callable[[], None] = lambda: None,
) -> tuple[Stack, Restored]:
    """Return the restored stack, each plane computed when it is asked for.

    Parameters
    ----------
    stack
        The image in camera counts.
    chain
        The methods; their traits say what they expect and how much they enlarge.
    noise
        The noise model of each channel, for methods that need one.
    levels
        Black and white of each channel, for methods that need them.
    lessons
        What a method that learns has become for each channel: see `restore.lessons`.
    tile
        Side of a tile along Y and X, in input pixels, without its margin.
    on_tile
        Called after each tile.

    Returns
    -------
    Stack, Restored
        The stack has the dtype of the input and the pixel size of its own grid; the
        tally is complete when every plane has been read once.

    Raises
    ------
    InputError
        When a plane holds NaN or infinite pixels (raised when it is read).
    """
    scale = chain.traits.scale
    tally = Restored()
    bound = [
        chain.bound(**_known(channel, noise=noise, levels=levels, lesson=lessons))
        for channel in range(stack.channel_count)
    ]

    def plane(index: tuple[int, ...]) -> NDArray[Any]:
        counts = finite(stack.data[index], index)
        restorer = bound[stack.channel_of(index)]
        result = restore_plane(counts, restorer, tile=tile, on_tile=on_tile)
        return _as_stored(result, stack.data.dtype, tally)

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


def _known(channel: int, **facts: Mapping[int, Any] | None) -> dict[str, Any]:
    """Return what is known of a channel, by the name of the fact."""
    return {name: by[channel] for name, by in facts.items() if by}


def _as_stored(
    pixels: FloatArray, dtype: np.dtype[Any], tally: Restored
) -> NDArray[Any]:
    """Return `pixels` in the file's dtype: rounded, clipped, the clipped counted."""
    tally.pixels += pixels.size
    if not np.issubdtype(dtype, np.integer):
        return pixels.astype(dtype)
    limits = np.iinfo(dtype)
    np.rint(pixels, out=pixels)
    tally.clipped += int(np.count_nonzero(pixels < limits.min))
    tally.clipped += int(np.count_nonzero(pixels > limits.max))
    return pixels.clip(limits.min, limits.max, out=pixels).astype(dtype)
