"""Methods that are fitted to the noisy images themselves: n2sr, n2v, n2s, n2n."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import lcm
from typing import Annotated, Literal

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.methods.self_supervised import SelfSupervised
from w2s_cli.methods.shipped import Jdsr
from w2s_cli.networks.n2n_unet import Noise2SR, Noise2SRPaper
from w2s_cli.restorers.restorer import Traits
from w2s_cli.training.patches.masking import (
    PERIOD,
    BlindSpotMask,
    GridMask,
    bin2,
    subsampled,
)


@dataclass(frozen=True)
class N2SR(SelfSupervised):
    """Learn to give all pixels from one of every 2 x 2 (Noise2SR)."""

    output: Annotated[
        Literal["denoised", "sr"], "the size of the input, or twice it as it is learned"
    ] = "denoised"
    mosaics: Annotated[
        int | None,
        "thinned copies whose restorations are averaged, and that mean with the one of "
        "the whole; 0 for the whole alone, as in the paper; 16 unless the weights are "
        "of the paper's network or its code's",
    ] = None

    name = "n2sr"
    network = Jdsr

    @property
    def traits(self) -> Traits:
        """Return the traits: a subsampled copy has twice the receptive field."""
        known = super().traits
        if self.output == "sr":
            return replace(known, scale=2)
        if not self._mosaics:
            return known
        return replace(
            known,
            margin=2 * known.margin,
            multiple_of=lcm(2 * known.multiple_of, PERIOD),
        )

    @property
    def one_pass(self) -> bool:
        """Return whether no thinned copies are averaged."""
        return self.output == "sr"

    def _restored(self, blocks: FloatArray) -> FloatArray:
        """Return the planes denoised, or enlarged as well."""
        enlarged = super()._restored(blocks)
        if self.output == "sr":
            return enlarged
        whole, count = bin2(enlarged), self._mosaics
        if not count:
            return whole
        parts = np.zeros_like(blocks)
        for part in subsampled(blocks, count):
            parts += super()._restored(part)
        return np.asarray((whole + parts / count) / 2, np.float32)

    @property
    def _mosaics(self) -> int:
        if self.mosaics is not None:
            return self.mosaics
        published = self.weights and self.at_work.running.network
        return 0 if isinstance(published, Noise2SR | Noise2SRPaper) else 16


@dataclass(frozen=True)
class N2V(SelfSupervised):
    """Learn to give pixels from those around them (Noise2Void)."""

    value: Annotated[
        Literal["neighbour", "median"],
        "what hides a pixel: any one of the square around, or the median of the others "
        "(N2V2), which then hides each pixel while it is restored",
    ] = "neighbour"
    rows: Annotated[
        int, "pixels left and right that are hidden as well: noise along rows"
    ] = 0
    columns: Annotated[
        int, "pixels above and below that are hidden as well: noise along columns"
    ] = 0

    name = "n2v"

    @property
    def needs_white_noise(self) -> bool:
        """Return whether neighbours whose noise is alike are left in sight."""
        return not (self.rows or self.columns)

    def _settings(self) -> list[str]:
        masking = f"{{value={self.value!r}, reach=[{self.columns}, {self.rows}]}}"
        settings = [*super()._settings(), f"masking={masking}"]
        if self.rows != self.columns:
            settings.append("patches.augment=mirror")  # rows are to stay rows
        return settings

    @property
    def traits(self) -> Traits:
        """Return the traits: whole periods of the mask, and what fills it in."""
        known, mask = super().traits, self._mask
        if mask.value == "neighbour":
            return known
        return replace(
            known,
            margin=known.margin + mask.radius,
            multiple_of=lcm(known.multiple_of, mask.period),
        )

    @property
    def one_pass(self) -> bool:
        """Return whether no pixel is hidden while it is restored."""
        return self._mask.value == "neighbour"

    @property
    def _mask(self) -> BlindSpotMask:
        masking = self.masking
        return BlindSpotMask(
            masking.share, masking.radius, masking.value, masking.reach
        )

    def _restored(self, blocks: FloatArray) -> FloatArray:
        """Return the planes; a network of medians never gets a pixel itself.

        Its output for a pixel that is no median was no part of the loss in training.
        """
        if self._mask.value == "neighbour":
            return super()._restored(blocks)
        return _from_others(super()._restored, blocks, self._mask)


@dataclass(frozen=True)
class N2S(SelfSupervised):
    """Learn to give the pixels of a grid from all others (Noise2Self)."""

    name = "n2s"

    @property
    def traits(self) -> Traits:
        """Return the traits: whole periods of the grid, and what fills it in."""
        known = super().traits
        return replace(
            known,
            margin=known.margin + 1,
            multiple_of=lcm(known.multiple_of, self._mask.period),
        )

    @property
    def _mask(self) -> GridMask:
        return GridMask(self.masking.period)

    def _restored(self, blocks: FloatArray) -> FloatArray:
        """Return the planes, each pixel from all others."""
        return _from_others(super()._restored, blocks, self._mask)


@dataclass(frozen=True)
class N2N(SelfSupervised):
    """Learn to give one capture from another of the same (Noise2Noise)."""

    name = "n2n"
    one_pass = True

    @property
    def needs_white_noise(self) -> bool:
        """Return False: the target has noise of its own."""
        return False


def _from_others(
    restore: Callable[[FloatArray], FloatArray],
    blocks: FloatArray,
    mask: GridMask | BlindSpotMask,
) -> FloatArray:
    """Return blocks, each pixel from a restoration of those around it."""
    output = np.zeros_like(blocks)
    for number in range(mask.period**2):
        masked = [mask.at(block, number) for block in blocks]
        restored = restore(np.stack([one.image for one in masked]))
        hidden = np.stack([one.asked for one in masked])
        output[hidden] = restored[hidden]
    return output
