"""A restorer that says of each pixel how far off it may be."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.restorers.restorer import Restorer, Traits

ErrorEstimator: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]
"""Returns the standard errors, in counts, of what was made of (N, Y, X) counts."""


@dataclass(frozen=True)
class WithError:
    """A restorer from counts to counts, and its standard errors after its planes."""

    restorer: Restorer
    estimate: ErrorEstimator
    # Input pixels around, and multiples that blocks begin on, that the estimate needs
    margin: int
    starts_on: int

    @property
    def traits(self) -> Traits:
        """Return those of the restorer, with room for the estimate."""
        own = self.restorer.traits
        margin = max(own.margin, self.margin)
        return replace(own, margin=margin, starts_on=self.starts_on)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Map (N, Y, X) to (2 N, Y * scale, X * scale)."""
        made = self.restorer(blocks)
        return np.concatenate([made, self.estimate(blocks, made)])
