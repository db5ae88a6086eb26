"""A Gaussian mixture of image patches: what small pieces of truth look like."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Self

import torch
from torch import Tensor

from w2s_cli.errors import WeightsError

State = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class PatchMixture:
    """A mixture of Gaussians of mean 0 over square patches without their own mean."""

    # (K,), the logarithm of each component's share; the shares add up to 1
    log_weights: Tensor
    covariances: Tensor  # (K, D, D), with D the pixels of a patch, row by row

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
        """Return the mixture that `state` was taken from."""
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


WEAK = 0.3  # a direction with less than this share of the noise's variance is flat
STRIP = 32_768  # patches that are in memory at a time
CHUNK = {"cpu": 1024}  # patches whose projections fit into a cache
GROUP = 8  # components whose projections are computed at a time


@dataclass(frozen=True, eq=False)
class PatchFilter:
    """What a mixture says about patches with white noise of one variance."""

    side: int  # pixels along each side of a patch
    # Numbers of components, and (G * R, D), R rows for each: the squares of a patch's
    # products with them add up to its log-likelihood, but for `constants`.
    groups: list[tuple[Tensor, Tensor]]
    constants: Tensor  # (K, 1), with the weight of each component
    filters: Tensor  # (K, D, D), the Wiener filter of each component

    @classmethod
    def of(cls, mixture: PatchMixture, variance: float, device: str) -> Self:
        """Return the filter for noise of a variance.

        The inverse of a noisy covariance, V (D + s^2)^-1 V', is (1 - V W V') / s^2
        with W = D / (D + s^2): few rows suffice, since most of W is next to nothing.
        """
        spectrum, axes = torch.linalg.eigh(mixture.covariances)
        spectrum = spectrum.where(spectrum > WEAK * variance, 0.0)
        gains = spectrum / (spectrum + variance)
        volume = (1 + spectrum / variance).log().sum(1)
        rows = axes.mT * (gains / (2 * variance)).sqrt()[:, :, None]
        return cls(
            mixture.side,
            [(few.to(device), its.to(device)) for few, its in _grouped(rows, gains)],
            (mixture.log_weights - volume / 2)[:, None].to(device),
            (axes * gains[:, None, :] @ axes.mT).to(device),
        )

    def restored(self, plane: Tensor) -> Tensor:
        """Return the mean of the denoised patches of a (Y, X) plane."""
        side = self.side
        height, width = (length - side + 1 for length in plane.shape)
        total, count = torch.zeros_like(plane), torch.zeros_like(plane)
        rows = max(STRIP // width, 1)
        for top in range(0, height, rows):
            strip = plane[top : top + rows + side - 1]
            patches = strip.unfold(0, side, 1).unfold(1, side, 1)
            patches = patches.permute(2, 3, 0, 1).reshape(side**2, -1)
            likely = self.denoised(patches).view(side, side, -1, width)
            # From the last row of the patches to the first, a pixel's sum has the same
            # order wherever strips and tiles begin: rounding decides no close choice.
            for y in reversed(range(side)):
                for x in range(side):
                    there = slice(top + y, top + y + likely.shape[2])
                    total[there, x : x + width] += likely[y, x]
                    count[there, x : x + width] += 1
        return total / count

    def denoised(self, patches: Tensor) -> Tensor:
        """Return the most likely patches, given noisy ones; (D, N) both."""
        mean = patches.mean(0)
        centred = patches - mean
        size = CHUNK.get(centred.device.type, STRIP)
        chunks = [centred[:, n : n + size] for n in range(0, centred.shape[1], size)]
        chosen = torch.cat([self.chosen(chunk) for chunk in chunks])
        likely = torch.empty_like(centred)
        for component, members in _by_value(chosen):
            likely[:, members] = self.filters[component] @ centred[:, members]
        return likely + mean

    def chosen(self, patches: Tensor) -> Tensor:
        """Return the component that each of (D, N) patches most likely belongs to."""
        likelihood = self.constants.repeat(1, patches.shape[1])
        for components, rows in self.groups:
            squares = (rows @ patches).square_()
            squares = squares.view(len(components), -1, patches.shape[1])
            likelihood[components] += squares.sum(1)
        return likelihood.argmax(0)


def _grouped(rows: Tensor, gains: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield components that need about as many rows, and these rows.

    The rows with the largest gains are a component's last.
    """
    ranks, order = (gains > 0).sum(1).sort()
    for start in range(0, len(order), GROUP):
        few = order[start : start + GROUP]
        most = max(int(ranks[start : start + GROUP][-1]), 1)
        yield few, rows[few, -most:].flatten(0, 1)


def _by_value(numbers: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield each value that occurs, and where."""
    order = numbers.argsort()
    start = 0
    for value, stop in enumerate(numbers.bincount().cumsum(0).tolist()):
        if stop > start:
            yield value, order[start:stop]
        start = stop
