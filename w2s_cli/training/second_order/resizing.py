"""Changes of size, as careless as those that images on the web go through.

Nothing is smoothed before an image gets smaller, as in the published code (`torch`'s
`interpolate` without `antialias`): bilinear and bicubic reductions alias, area
reductions do not.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from w2s_cli.training.tables.second_order import Stage

FloatArray = NDArray[np.float32]
Mode = Literal["area", "bilinear", "bicubic"]
Shape = tuple[int, ...]

MODES: tuple[Mode, ...] = ("area", "bilinear", "bicubic")


def drawn_factor(stage: Stage, rng: np.random.Generator) -> float:
    """Return a random change of size: above 1, below 1, or 1."""
    weights = np.array(stage.resize)
    low, high = stage.factor
    spans = ((1.0, high), (low, 1.0), (1.0, 1.0))
    return rng.uniform(*spans[rng.choice(len(spans), p=weights / weights.sum())])


def drawn_mode(rng: np.random.Generator) -> Mode:
    """Return a random way to change a size."""
    return MODES[int(rng.integers(len(MODES)))]


def resized(image: FloatArray, shape: Shape, mode: Mode) -> FloatArray:
    """Return the (Y, X) `image` in another shape, its edges where they were."""
    here = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    there = functional.interpolate(here, size=list(shape), mode=mode)
    return np.asarray(there[0, 0].numpy(), np.float32)


def scaled(shape: Shape, factor: float) -> Shape:
    """Return a shape times `factor`, rounded down, at least one pixel."""
    return tuple(max(int(side * factor), 1) for side in shape)
