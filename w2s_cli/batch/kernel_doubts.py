"""What makes a kernel that was estimated from images doubtful."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from w2s_cli.estimate.kernel import MOST_LEFTOVER, KernelFit, Pair

LEAST_CERTAINTY = 0.98
MOST_SATURATED = 0.001
_FULL = [2**bits - 1 for bits in range(8, 17)]  # where cameras saturate
_UNLIKE = 0.05  # relative difference of pixel sizes that should agree
_WIDE = 0.22  # standard deviation as a part of the side: a twentieth of it is cut off
_NARROW = 0.3  # standard deviation in pixels: no blur to speak of

Sizes = Sequence[tuple[float | None, float | None]]


def doubts(pairs: Sequence[Pair], sizes: Sizes, fit: KernelFit) -> tuple[str, ...]:
    """Return why a kernel should be looked at twice.

    Parameters
    ----------
    pairs
        The images that it was found from.
    sizes
        Micrometres a pixel of the widefield and of the sharp image of each pair of
        files, where they are known.
    fit
        The kernel.
    """
    scale = pairs[0][1].shape[0] // pairs[0][0].shape[0]
    return (*_of_sizes(sizes, scale), *_of_pixels(pairs), *_of_fit(fit))


def _of_sizes(sizes: Sizes, scale: int) -> list[str]:
    """Return what is odd about the pixel sizes."""
    odd = [
        (low, sharp)
        for low, sharp in sizes
        if low and sharp and abs(low / sharp / scale - 1) > _UNLIKE
    ]
    return [
        f"a pixel of the widefield image is {low:g} um wide, of the sharp one "
        f"{sharp:g} um, yet it has {scale} times as many pixels along an axis"
        for low, sharp in odd[:1]
    ]


def _of_pixels(pairs: Sequence[Pair]) -> list[str]:
    worst = max(_saturated(image) for pair in pairs for image in pair)
    if worst <= MOST_SATURATED:
        return []
    return [f"up to {worst:.1%} of the pixels of an image are saturated"]


def _saturated(image: NDArray[Any]) -> float:
    peak = image.max()
    return float((image == peak).mean()) if peak in _FULL else 0.0


def _of_fit(fit: KernelFit) -> list[str]:
    """Return why the images may not determine the kernel."""
    reasons = []
    if fit.certainty is not None and fit.certainty < LEAST_CERTAINTY:
        reasons.append(
            "the images hold too little light or structure to determine the kernel: a "
            f"correlation of {fit.certainty:.3f} with the true one is to be expected. "
            "Join more pairs, or more light"
        )
    leftover = max(pair.leftover for pair in fit.pairs)
    if leftover > MOST_LEFTOVER:
        reasons.append(
            "what the kernel leaves unexplained is no noise (its neighbouring pixels "
            f"are correlated by {leftover:.2f}): light from out of focus, images that "
            "differ, or a widefield image that was filtered"
        )
    side = len(fit.kernel.weights)
    if fit.width > _WIDE * side:
        reasons.append(
            f"the kernel reaches beyond its side of {side} pixels: give a larger --side"
        )
    if fit.width < _NARROW:
        reasons.append(
            "the kernel is narrower than a pixel: is the sharp image any sharper?"
        )
    return reasons
