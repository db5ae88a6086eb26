"""Losses in photons: for `w2s adapt`, and for networks that part focus from haze.

For `w2s adapt` the output of a network that enlarges is blurred and binned before it is
compared with what a camera saw, and what blur hides is kept as it was.

A squared error over the variance of the noise is small where there is little light, and
large where there is much: bright patches would decide about everything. The roots of
the patches' errors, summed, let each patch pull with a force of the same order, and
within a patch teach the mean of what could be there, as the squared error does.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from w2s_cli.errors import UsageError
from w2s_cli.training.losses import without_settings
from w2s_cli.training.losses.pixel import LEAST_NOISE
from w2s_cli.training.training_batch import Batch

STRAYING = 0.1
"""Weight of how far an enlarged output, stabilised, is from what it was before."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptationBatch(Batch):
    """Patches, and another shot of the same light.

    The truth has noise: photons a pixel of the image, whatever the scale.

    - `lowered`: (N, 1, 1, 1), what was taken from stabilised counts before they were
      shown.
    - `kernel`: (1, 1, K, L), both odd, the blur on the grid of the output; None at
      scale 1.
    - `before`: what the network answered before it was adapted; None at scale 1.
    """

    lowered: Tensor
    kernel: Tensor | None = None
    before: Tensor | None = None

    def errors(self, output: Tensor) -> Tensor:
        """Return the squared error of each pixel in photons, over a patch's noise.

        - `output`: (N, 1, Y * scale, X * scale), as the network gives it.
        """
        photons = ((output + self.lowered) / 2) ** 2 - self.lift
        if self.kernel is not None:
            photons = blur_and_bin(photons, self.kernel)
        light = (self.truth + self.lift).mean((1, 2, 3), keepdim=True)
        return (photons - self.truth) ** 2 / light.clamp(min=LEAST_NOISE)


def blur_and_bin(photons: Tensor, kernel: Tensor) -> Tensor:
    """Return (N, 1, Y, X) as a camera sees (N, 1, 2 Y, 2 X): blurred, in 2 x 2 bins."""
    height, width = kernel.shape[2:]
    rim = (width // 2, width // 2, height // 2, height // 2)
    wide = functional.pad(photons, rim, mode="replicate")
    return functional.avg_pool2d(functional.conv2d(wide, kernel.flip(2, 3)), 2)


@without_settings
def explained(output: Tensor, batch: Batch) -> Tensor:
    """Return the error of what an output explains, and how far it has strayed."""
    if not isinstance(batch, AdaptationBatch):
        raise UsageError(
            "the loss 'explained' is for `w2s adapt`, which knows the noise",
            hint="name another in the table loss, such as counts",
        )
    output = output[:, :1]  # all the light, where a network parts it
    error = batch.mean(batch.errors(output))
    if batch.before is None:
        return error
    return error + STRAYING * ((output - batch.before) ** 2).mean()


ROOTS = 0.3
"""Weight of errors of the roots, in which dim parts count as much as bright ones."""
HIDDEN = 0.05
"""Share of the variance of a truth that blur hides, beside what noise does."""
KEPT = {1: 0.1, 2: 0.2}
"""Weight of the light in squares, by the scale of the network."""
SQUARE = 16  # pixels of the image along one
_UNSEEN = 0.003  # share of the light that may be wrong
_SMALLEST = 1e-3  # of a patch's error: the slope of a root has no bound at 0


@dataclass(frozen=True, eq=False, kw_only=True)
class ImagingBatch(Batch):
    """Patches for networks that are told of noise and blur.

    `image` has all the planes that the network takes, `truth` is all the light.

    - `on_camera`: (N, 1, Y, X) photons, what the camera would see without noise.
    - `haze`: the shape of `truth`, the photons of it that are out of focus.
    - `parted`: (N,), whether `truth` and `haze` are known; else only `on_camera` is.
    - `kernel`: (K, L), both odd: what blurs all the light of patches that are not
      parted.
    """

    shared = frozenset({"kernel"})
    on_camera: Tensor
    haze: Tensor
    parted: Tensor
    kernel: Tensor


@without_settings
def imaging(output: Tensor, batch: Batch) -> Tensor:
    """Return the errors of each patch over its noise, in photons and of the roots.

    Of a network with one output that is all the light, at scale 1; of one with two,
    at scale 2, all the light, that in focus and that out of focus.

    Raises
    ------
    UsageError
        When the loss is computed, and the patches are others.
    """
    if not isinstance(batch, ImagingBatch):
        raise UsageError(
            "the loss 'imaging' is for patches that are told of noise and blur",
            hint='set examples = "imaging"',
        )
    return _one_light(output, batch) if output.shape[1] == 1 else _two(output, batch)


def _one_light(output: Tensor, batch: ImagingBatch) -> Tensor:
    lift, valid = batch.lift, batch.valid.float()
    photons = (output.clamp(min=0) / 2) ** 2 - lift
    noise = _mean(batch.truth + lift, valid).clamp(min=LEAST_NOISE)
    counts = _mean((photons - batch.truth) ** 2, valid) / noise
    roots = _mean((output - batch.target) ** 2, valid)
    terms = (_root(counts) + ROOTS * _root(roots))[:, 0, 0, 0]
    made = torch.where(batch.valid, photons, batch.truth)
    kept = _light_kept(made, batch.truth, noise[:, 0, 0, 0], 1)
    return (terms + KEPT[1] * kept).mean()


def _two(output: Tensor, batch: ImagingBatch) -> Tensor:
    lift, parted = batch.lift, batch.parted
    photons = (output.clamp(min=0) / 2) ** 2 - lift
    total, haze = photons[:, :1], photons[:, 1:]
    noise = (batch.on_camera + lift).mean((1, 2, 3)).clamp(min=LEAST_NOISE)
    terms = torch.zeros_like(noise)
    if parted.any():
        some = _simulated(total[parted], haze[parted], batch, noise[parted])
        terms = terms.index_put((parted.nonzero()[:, 0],), some)
    if not parted.all():
        rest = _real(total[~parted], haze[~parted], batch, noise[~parted])
        terms = terms.index_put(((~parted).nonzero()[:, 0],), rest)
    return terms.mean()


def _simulated(
    total: Tensor, haze: Tensor, batch: ImagingBatch, noise: Tensor
) -> Tensor:
    """Return the loss of patches whose light in focus and out of focus is known.

    What blur hides grows with the contrast of the truth: bright patches are held to
    that, and even ones to their noise.
    """
    here = batch.parted
    truth, hazy, lift = batch.truth[here], batch.haze[here], batch.lift[here]
    easing = 1 + HIDDEN * truth.var((1, 2, 3)) / noise
    allowed = noise * easing

    def counts(made: Tensor, wanted: Tensor) -> Tensor:
        return _root(((made - wanted) ** 2).mean((1, 2, 3)) / allowed)

    def roots(made: Tensor, wanted: Tensor) -> Tensor:
        one, other = (
            2 * (plane.clamp(min=0) + lift).sqrt() for plane in (made, wanted)
        )
        return _root(((one - other) ** 2).mean((1, 2, 3)) / easing)

    focus, sharp = total - haze, truth - hazy
    return (
        counts(total, truth)
        + counts(focus, sharp)
        + 0.5 * counts(haze, hazy)
        + ROOTS * (roots(total, truth) + roots(focus, sharp))
        + KEPT[2] * _light_kept(total, truth, noise, 2)
    )


def _real(total: Tensor, haze: Tensor, batch: ImagingBatch, noise: Tensor) -> Tensor:
    """Return the loss of real pairs: how well all light explains their average.

    Light out of focus is neither negative nor more than all light.
    """
    here = ~batch.parted
    valid = functional.avg_pool2d(batch.valid[here].float(), 2)
    seen = blur_and_bin(total, batch.kernel[None, None])
    error = _mean((seen - batch.on_camera[here]) ** 2, valid)[:, 0, 0, 0] / noise
    beyond = functional.relu(-haze) ** 2 + functional.relu(haze - total) ** 2
    wanted = batch.on_camera[here]
    kept = _light_kept(torch.where(valid > 0, seen, wanted), wanted, noise, 1)
    return (
        1.5 * _root(error)
        + ROOTS * _root(beyond.mean((1, 2, 3)) / noise)
        + KEPT[2] * kept
    )


def _light_kept(made: Tensor, truth: Tensor, noise: Tensor, finer: int) -> Tensor:
    """Return each patch's error of the means over squares, (N,).

    Of an error of single pixels, a wrong brightness of the whole is a small part; here
    it is all. Over what noise allows, and a third of a percent of the light.

    - `made`, `truth`: (N, 1, Y, X) photons.
    - `noise`: (N,), its variance in a pixel of the image.
    - `finer`: pixels along a pixel of the image.
    """
    wanted, found = (
        functional.avg_pool2d(one, SQUARE * finer) for one in (truth, made)
    )
    allowed = noise[:, None, None, None] / SQUARE**2 + (_UNSEEN * wanted) ** 2
    return _root(((found - wanted) ** 2 / allowed).mean((1, 2, 3)))


def _mean(error: Tensor, valid: Tensor) -> Tensor:
    """Return the mean of each patch over its valid pixels, (N, 1, 1, 1)."""
    total = valid.sum((1, 2, 3), keepdim=True).clamp(min=1)
    return (error * valid).sum((1, 2, 3), keepdim=True) / total


def _root(error: Tensor) -> Tensor:
    return torch.sqrt(error + _SMALLEST)
