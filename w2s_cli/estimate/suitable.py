"""Whether two images can be a widefield and a sharp one of the same field."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError

LEAST_SIDES = 4
"""Least length of the sharp image, in sides of the kernel."""


def checked_scale(low: NDArray[Any], sharp: NDArray[Any], side: int, name: str) -> int:
    """Return how many pixels of `sharp` lie along the side of a pixel of `low`.

    Parameters
    ----------
    low, sharp
        The widefield image and the sharp one, (Y, X) each.
    side
        Of the kernel that is sought between them.
    name
        What messages call the pair.

    Raises
    ------
    InputError
        When the sizes do not fit, or an image is too small, constant or not finite.
    """
    scale = _scale(low.shape, sharp.shape, name)
    _check_size(sharp.shape, side, name)
    for image, kind in ((low, "widefield"), (sharp, "sharp")):
        _check_content(image, name, kind)
    return scale


def _scale(low: tuple[int, ...], sharp: tuple[int, ...], name: str) -> int:
    for scale in (1, 2):
        if sharp == tuple(scale * side for side in low):
            return scale
    swapped = low == tuple(2 * side for side in sharp)
    raise InputError(
        f"{name}: the sharp image has {_size(sharp)} pixels, the widefield image "
        f"{_size(low)}: it must have twice as many along Y and X, or as many",
        hint="widefield images come first: are they swapped?"
        if swapped
        else "crop both to the same field",
    )


def _check_size(shape: tuple[int, ...], side: int, name: str) -> None:
    least = LEAST_SIDES * side
    if min(shape) < least:
        raise InputError(
            f"{name}: a sharp image of {_size(shape)} pixels is too small for a kernel "
            f"of {side} x {side}, which takes {least} x {least}",
            hint="use a larger field, or a smaller --side",
        )


def _check_content(image: NDArray[Any], name: str, kind: str) -> None:
    if not np.isfinite(image).all():
        raise InputError(
            f"{name}: the {kind} image holds NaN or infinite values",
            hint="replace them by numbers",
        )
    if (image == image.flat[0]).all():
        raise InputError(
            f"{name}: every pixel of the {kind} image is {image.flat[0]:g}",
            hint="a kernel shows only where there is structure",
        )


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
