"""Errors of single pixels, in the units of the network.

Of stabilised counts, a network gives values `u`; its photons are `(u / 2)^2 - lift`.
The minimum of both losses of these is the mean of what could be there; that of an
absolute error is its median, which is all light or none, and draws dashes.

Structural similarity as a loss is of windows of pixels.

Wang et al., "Image quality assessment: from error visibility to structural similarity",
IEEE Trans. Image Process. 13 (2004); as a loss, Zhao et al., "Loss functions for image
restoration with neural networks", IEEE Trans. Comput. Imaging 3 (2017).
"""

import torch
from torch import Tensor
from torch.nn import functional

from w2s_cli.errors import UsageError
from w2s_cli.training.losses import without_settings
from w2s_cli.training.training_batch import Batch


@without_settings
def l1(output: Tensor, batch: Batch) -> Tensor:
    """Return the absolute error: its minimum is the median of what could be there.

    Zhou et al., "W2S", ECCV Workshops 2020, Eq. 5.
    """
    return batch.mean((output - batch.target).abs())


@without_settings
def mse(output: Tensor, batch: Batch) -> Tensor:
    """Return the squared error: its minimum is the mean of what could be there.

    The public code of W2S has it where the paper has the absolute error.
    """
    return batch.mean((output - batch.target) ** 2)


LEAST_NOISE = 0.375  # photons: what the transform adds where there are none


@without_settings
def counts(output: Tensor, batch: Batch) -> Tensor:
    """Return the squared error in photons, over the mean variance of a patch's noise.

    Every exposure weighs the same, and within an image the error in counts decides.
    """
    photons = (output / 2) ** 2 - batch.lift
    light = (batch.truth + batch.lift).mean((1, 2, 3), keepdim=True)
    noise = light.clamp(min=LEAST_NOISE)
    return batch.mean((photons - batch.truth) ** 2 / noise)


@without_settings
def root(output: Tensor, batch: Batch) -> Tensor:
    """Return the squared error of stabilised values over the mean: dim parts count."""
    target = batch.target
    level = target.mean((1, 2, 3), keepdim=True).clamp(min=1)
    return batch.mean((output - target) ** 2 / level)


_SIGMA = 1.5  # pixels, of the Gaussian window
_SIDE = 11
# Wang et al.'s constants, where white is 1
_C1 = 0.01**2
_C2 = 0.03**2


@without_settings
def ssim(output: Tensor, batch: Batch) -> Tensor:
    """Return 1 less the mean structural similarity of pictures with white at 1.

    As `w2s_cli.metrics.structural_similarity.ssim` does, it looks through a Gaussian
    window of 11 x 11 pixels, at none that reaches beyond the patch. A window with a
    pixel that is not valid counts as alike.

    Raises
    ------
    UsageError
        On its first use, when patches are smaller than the window.
    """
    height, width = output.shape[-2:]
    if min(height, width) < _SIDE:
        raise UsageError(
            f'the loss "ssim" takes patches of {_SIDE} x {_SIDE} pixels or more, '
            f"found {height} x {width}",
            hint="set patches.side higher",
        )
    similarity = similarity_map(batch.picture(output), batch.picture(batch.target))
    spoilt = functional.max_pool2d((~batch.valid).float(), _SIDE, stride=1)
    return ((1 - similarity) * (1 - spoilt)).mean()


def similarity_map(first: Tensor, second: Tensor) -> Tensor:
    """Return the structural similarity of two pictures, window by window.

    Wang et al. 2004, Eq. 13, with variances of the population.

    - `first`, `second`: (N, 1, Y, X) float32, where white is 1.

    Returns (N, 1, Y - 10, X - 10) float32, at most 1.
    """
    products = (first, second, first * first, second * second, first * second)
    with torch.autocast(first.device.type, enabled=False):
        blurred = _blurred(torch.cat(products))
    one, other, squared_one, squared_other, both = blurred.chunk(5)
    covariance = both - one * other
    variances = squared_one - one**2 + squared_other - other**2
    luminance = (2 * one * other + _C1) / (one**2 + other**2 + _C1)
    return luminance * (2 * covariance + _C2) / (variances + _C2)


def _blurred(images: Tensor) -> Tensor:
    """Return the mean of each window, along Y and then along X."""
    offsets = torch.arange(_SIDE, device=images.device) - _SIDE // 2
    weights = torch.exp(-((offsets / _SIGMA) ** 2) / 2)
    weights = weights / weights.sum()
    along_y = functional.conv2d(images, weights[None, None, :, None])
    return functional.conv2d(along_y, weights[None, None, None, :])
