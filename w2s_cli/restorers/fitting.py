"""Fit self-supervised methods to the channels of images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import MOST_SIDE, middle_of_plane
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import FitProgress, Fittable, Series
from w2s_cli.restorers.units import Conversion, excess
from w2s_cli.stack import Stack

MOST_PIXELS = 32 << 20  # to learn from: 128 MiB
MOST_FILES = 32

Index = tuple[int, ...]


def fit_channels(
    stack: Stack,
    chain: Chain,
    noise: Mapping[int, NoiseModel],
    progress: Callable[[int], FitProgress] = lambda channel: (
        lambda step, steps, loss: None
    ),
) -> dict[int, Fittable]:
    """Return the link of a chain that is to be fitted, fitted to each channel.

    Nothing is read, and nothing returned, where there is none.
    """
    method = chain.to_fit
    if method is None:
        return {}
    return {
        channel: method.fitted(
            partial(series, stack, channel, noise[channel]), progress(channel)
        )
        for channel in range(stack.channel_count)
    }


def shares(
    files: Sequence[Path], most_files: int = MOST_FILES
) -> Iterator[tuple[Path, int]]:
    """Yield which of many files are learned from, and the most pixels of each.

    Of more than `most_files` they are evenly spaced ones.
    """
    taken = files[:: -(-len(files) // most_files)]
    for path in taken:
        yield path, MOST_PIXELS // len(taken)


def series(
    stack: Stack, channel: int, units: NoiseModel | Conversion, most: int = MOST_PIXELS
) -> list[Series]:
    """Return the planes of a channel, each place by itself.

    They are in the units that a conversion gives; or, of a noise model, in stabilised
    counts, lowered by `excess`. Of a stack with more than `most` pixels, they are
    evenly spaced moments, two consecutive frames each; of a large plane, its middle.
    """
    runs = _runs(stack, channel)
    plane = prod(min(side, MOST_SIDE) for side in stack.data.shape[-2:])
    frames = most // plane
    if sum(map(len, runs)) > frames:
        moments = [run[at : at + 2] for run in runs for at in range(0, len(run), 2)]
        kept = max(frames // len(moments[0]), 1)
        runs = moments[:: -(-len(moments) // kept)]
    enter = stabilised(units) if isinstance(units, NoiseModel) else units
    return [[enter(middle_of_plane(stack, at).counts) for at in run] for run in runs]


def stabilised(noise: NoiseModel) -> Conversion:
    """Return the way from counts to stabilised ones, lowered by `excess`."""
    lowered = np.float32(excess(noise))
    return lambda counts: noise.stabilise(counts) - lowered


def _runs(stack: Stack, channel: int) -> list[list[Index]]:
    """Return the indices of the planes of each place, in the order of time."""
    time = stack.axes.find("T")
    places: dict[Index, list[Index]] = {}
    for at in stack.indices():
        if stack.channel_of(at) == channel:
            place = at if time < 0 else (*at[:time], *at[time + 1 :])
            places.setdefault(place, []).append(at)
    return [*places.values()]
