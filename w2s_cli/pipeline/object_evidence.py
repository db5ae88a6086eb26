"""The evidence of an input for each object that its output has.

An object is a line or a spot, or a piece of one. The input is explained with it and
without it, its surroundings in its place: the difference is its shape, as the input
shows it. Counts of many photons and of read noise have Gaussian likelihoods, and the
logarithm of the ratio is that of a fit of one number, how much of the shape the input
has: 1 where the object is as it was drawn, 0 where nothing is. Where that is less than
half by more than chance, with as many objects as there are, the input denies it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, maximum_filter
from scipy.special import ndtri
from skimage.segmentation import expand_labels, watershed

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.metrics.structures import line_heights
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.reblurring import Blur

Mask = NDArray[np.bool_]

ALARMS = 0.01
"""Chance of a stack that any right object of it is denied, were counts Gaussian.

At a few photons they are not, and no blur is known exactly: measured, it is more.
"""
_HEIGHT = 0.05  # of the range of the output: the least of an object
_PIECE = 6  # pixels of the input between peaks, about
_AROUND = 3.0  # pixels of the input: surroundings
_REACH = 2  # pixels of the input that an object is spread over by the blur
_PRESENT = 0.5  # of an object that is there
_KNOWN = 0.2  # standard error of the amount, from which the input says nothing


@dataclass(frozen=True, eq=False)
class ObjectEvidence:
    """What the input says of the objects of an output.

    Attributes
    ----------
    labels
        Which object a pixel of the input belongs to, from 1 on; 0 for none.
    amount
        Of each object, how much of it the input has: 1 for all, 0 for none.
    error
        The standard errors of that.
    log_ratio
        Logarithm of the likelihood with each object over that without it.
    denied
        Which the input denies.
    """

    labels: NDArray[np.intp]
    amount: DoubleArray
    error: DoubleArray
    log_ratio: DoubleArray
    denied: Mask

    @property
    def mask(self) -> Mask:
        """Return the pixels of what is denied."""
        return np.asarray(np.concatenate([[False], self.denied])[self.labels])

    @property
    def words(self) -> str:
        """Say how many objects are denied, and where the surest is."""
        count, every = int(self.denied.sum()), len(self.denied)
        least = np.where(self.denied, self.log_ratio, np.inf).argmin()
        y, x = (int(np.median(at)) for at in np.nonzero(self.labels == least + 1))
        return (
            f"of its {every} lines and spots the input denies {count}; most surely at "
            f"y {y}, x {x}, where it has {max(self.amount[least], 0):.0%} of what the "
            "output shows"
        )


def weigh_objects(
    restored: FloatArray,
    residual: FloatArray,
    spread: FloatArray,
    good: Mask,
    blur: Blur,
    noise: NoiseModel,
    planes: int = 1,
) -> ObjectEvidence:
    """Return what the input says of the objects of a plane.

    Parameters
    ----------
    restored
        The output, (Y * scale, X * scale).
    residual, spread
        What is left of the input, in standard deviations of the noise, and these.
    good
        The pixels that count, (Y, X).
    blur
        From the output to the input.
    noise
        Of the input.
    planes
        How many are looked at.
    """
    scale = blur.scale
    height, width = (side * scale for side in good.shape)
    image = restored[:height, :width]
    dark, bright = np.percentile(image, [1, 99.9])
    heights = line_heights(image)
    high = heights > _HEIGHT * (bright - dark)
    outside = gaussian_filter((~high).astype(np.float32), _AROUND * scale)
    light = gaussian_filter(np.where(high, 0, image), _AROUND * scale)
    lifted = np.where(high, image - light / np.maximum(outside, 1e-3), 0)
    shape = np.where(good, blur(lifted.astype(np.float32)) - blur.light, 0) / spread
    labels = _pieces(heights, high, scale)
    count = int(labels.max())
    where = labels.ravel()
    power, match = (
        np.bincount(where, (shape * part).ravel(), count + 1)[1:]
        for part in (shape, residual)
    )
    power = np.maximum(power, 1e-12)
    amount, error = 1 + match / power, np.sqrt(max(noise.shared, 1.0) / power)
    surely = -ndtri(ALARMS / max(count * planes, 1))
    denied = ((_PRESENT - amount) / error > surely) & (error < _KNOWN)
    log_ratio = (amount - 0.5) / error**2
    return ObjectEvidence(labels, amount, error, log_ratio, denied)


def _pieces(heights: FloatArray, high: Mask, scale: int) -> NDArray[np.intp]:
    """Return objects on the pixels of the input, with their reach.

    Each has one peak: a line is as many as it has beads.
    """
    smooth = gaussian_filter(heights, 0.5 * scale)
    peaks = high & (smooth >= maximum_filter(smooth, _PIECE * scale + 1))
    markers, _ = label(peaks, np.ones((3, 3)))
    found = watershed(-smooth, markers, mask=high)
    if scale > 1:
        height, width = (side // scale for side in high.shape)
        found = found.reshape(height, scale, width, scale).max((1, 3))
    _, numbers = np.unique(found, return_inverse=True)
    numbers = numbers.reshape(found.shape) + (1 if found.min() else 0)
    return np.asarray(expand_labels(numbers, _REACH))
