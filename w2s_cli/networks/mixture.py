"""A Gaussian mixture of image patches: what small pieces of truth look like."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Self

import torch
from torch import Tensor

from w2s_cli.errors import WeightsError

State = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class PatchMixture:
    """A mixture of Gaussians of mean 0 over square patches without their own mean.

    Attributes
    ----------
    log_weights
        (K,), the logarithm of each component's share; the shares add up to 1.
    covariances
        (K, D, D), with D the pixels of a patch, row by row.
    """

    log_weights: Tensor
    covariances: Tensor

    @property
    def side(self) -> int:
        """Return the pixels along each side of a patch."""
        return isqrt(self.covariances.shape[1])

    def state(self) -> dict[str, Tensor]:
        """Return the tensors to store.

        Covariances are stored as their Cholesky factors: in half precision too they
        stay covariances, and their weak directions keep their digits.
        """
        rows, columns = _lower(self.covariances.shape[1])
        factors = torch.linalg.cholesky(self.covariances)
        return {
            "log_weights": self.log_weights,
            "factors": factors[:, rows, columns],
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return the mixture that `state` was taken from.

        Raises
        ------
        WeightsError
            When the tensors are those of something else.
        """
        nothing = torch.empty(0)
        weights, packed = (state.get(k, nothing) for k in ("log_weights", "factors"))
        count = weights.numel()
        size = isqrt(2 * packed.numel() // max(count, 1))
        shapes = [tuple(tensor.shape) for tensor in (weights, packed)]
        square = size > 0 and isqrt(size) ** 2 == size
        if not square or shapes != [(count,), (count, size * (size + 1) // 2)]:
            raise WeightsError(
                f"the {len(state)} tensors are no mixture of square patches "
                f"(the first is {next(iter(state), 'missing')!r})",
                hint="use weights that `w2s train epll` has written",
            )
        factors = packed.new_zeros(count, size, size)
        rows, columns = _lower(size)
        factors[:, rows, columns] = packed
        return cls(weights, factors @ factors.mT)


def _lower(size: int) -> tuple[Tensor, Tensor]:
    rows, columns = torch.tril_indices(size, size)
    return rows, columns
