"""Whether an adapted network is better than the one before, by the test squares."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special

from w2s_cli.methods.shipped import Shipped
from w2s_cli.microscope.psf import PSF
from w2s_cli.pipeline.adaptation.adaptation_patches import (
    EVERY,
    LEAST_SIDE,
    SQUARE,
    TEST_SQUARE,
    Patch,
    adaptation_batch,
)
from w2s_cli.pipeline.adaptation.redrawn_noise import Field

CERTAIN = 0.977  # probability: two standard errors, more where squares are few
LEAST = 0.002
"""Of the noise's variance: a gain that the noise model, if wrong by 2 %, can feign."""
_DRAWS = 4  # of noise, for each square
_MOST = 128  # squares; with what is around them, two megapixels
_SEED = 5


@dataclass(frozen=True, slots=True)
class Gain:
    """How much less an adapted network errs, as shares of the noise's variance.

    - `mean`, `error`: over squares of 16 x 16 pixels, and its standard error.
    - `squares`: how many.
    """

    mean: float
    error: float
    squares: int

    @property
    def clear(self) -> bool:
        """Return whether it is there beyond doubt."""
        errors = float(special.stdtrit(self.squares - 1, CERTAIN))
        return self.mean > max(errors * self.error, LEAST)

    def __str__(self) -> str:
        return (
            f"{self.mean:+.2%} of the noise (standard error {self.error:.2%}, over "
            f"{self.squares} squares)"
        )


def measure_gain(
    before: Shipped,
    after: Shipped,
    fields: Sequence[Field],
    blur: PSF | None,
) -> Gain:
    """Return how much better the adapted network explains the test squares.

    Both get the same input, and the difference is taken square by square.
    """
    rng = np.random.default_rng(_SEED)
    corners = [
        (field, corner)
        for field in fields
        for corner in product(*map(_corners, field.noisy.shape))
    ]
    taken = corners[:: -(-len(corners) // _MOST)]
    windows = [_window(field, corner) for field, corner in taken]
    differences = [
        np.mean([_difference(before, after, one, blur, rng) for _ in range(_DRAWS)])
        for one in windows
    ]
    error = float(np.std(differences, ddof=1)) / len(windows) ** 0.5
    return Gain(float(np.mean(differences)), error, len(windows))


def _difference(
    before: Shipped,
    after: Shipped,
    window: tuple[Field, NDArray[np.bool_]],
    blur: PSF | None,
    rng: np.random.Generator,
) -> float:
    field, valid = window
    batch = adaptation_batch([Patch(field, *field.redraw(rng), valid)], before, blur)
    planes = batch.image.numpy()
    one, other = (
        batch.mean(batch.errors(torch.from_numpy(method.outputs(planes)[:, :1])))
        for method in (before, after)
    )
    return float(one - other)


def _corners(length: int) -> range:
    return range(TEST_SQUARE * SQUARE, length - SQUARE + 1, EVERY * SQUARE)


def _window(field: Field, corner: tuple[int, ...]) -> tuple[Field, NDArray[np.bool_]]:
    """Return a square with what is around it, and where it is there."""
    both = zip(corner, field.noisy.shape, strict=True)
    y, x = (_around(at, length) for at, length in both)
    valid = np.zeros((LEAST_SIDE, LEAST_SIDE), bool)
    top, left = corner[0] - y.start, corner[1] - x.start
    valid[top : top + SQUARE, left : left + SQUARE] = True
    return field.cut((y, x)), valid


def _around(corner: int, length: int) -> slice:
    start = corner + SQUARE // 2 - LEAST_SIDE // 2
    start = min(max(start, 0), length - LEAST_SIDE)
    return slice(start, start + LEAST_SIDE)
