"""Whether images can be scored at all, and the pixels that count."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, UsageError

Image = NDArray[Any]  # (Y, X), any real dtype
FloatImage = NDArray[np.float64]
Mask = NDArray[np.bool_]


def checked_pair(
    reference: Image, image: Image, valid: Mask | None = None
) -> tuple[FloatImage, FloatImage]:
    """Return two images of one shape in float64, 0 where they are not `valid`."""
    named = {"the image": image} | ({} if valid is None else {"the mask": valid})
    for name, other in named.items():
        if other.shape != reference.shape:
            raise InputError(
                f"the reference is {size(reference)} pixels, {name} {size(other)}",
                hint="scores are of images on one grid",
            )
    if reference.size == 0 or (valid is not None and not valid.any()):
        raise InputError(
            "there is no pixel to score", hint="the mask, or the image, is empty"
        )
    pair = [
        np.asarray(
            pixels if valid is None else np.where(valid, pixels, 0), dtype=np.float64
        )
        for pixels in (reference, image)
    ]
    for pixels, name in zip(pair, ("the reference", "the image"), strict=True):
        check_finite(pixels, name)
    return pair[0], pair[1]


def scored_pixels(
    reference: Image, image: Image, valid: Mask | None = None
) -> tuple[FloatImage, FloatImage]:
    """Return the pixels of both images that count, in one dimension and float64."""
    first, second = checked_pair(reference, image, valid)
    if valid is None:
        return first.ravel(), second.ravel()
    return first[valid], second[valid]


def checked_image(image: Image, name: str, least: int) -> FloatImage:
    """Return an image in float64 if there is something in it to measure."""
    if image.ndim != 2 or min(image.shape) < least:
        raise InputError(
            f"{name} must be {least} x {least} pixels or more, found {size(image)}"
        )
    pixels = np.asarray(image, np.float64)
    check_finite(pixels, name)
    if np.ptp(pixels) == 0:
        raise InputError(
            f"every pixel of {name} is {pixels.flat[0]:g}",
            hint="there is nothing to measure",
        )
    return pixels


def check_finite(pixels: FloatImage, name: str) -> None:
    """Raise an InputError where pixels are no numbers."""
    if not np.isfinite(pixels).all():
        raise InputError(
            f"NaN or infinite values in {name}",
            hint="replace them, or leave them out with a mask",
        )


def check_range(data_range: float) -> None:
    """Raise a UsageError where a data range is none."""
    if not 0 < data_range < np.inf:
        raise UsageError(
            f"the data range must be above 0, found {data_range:g}",
            hint="it is the difference of white and black",
        )


def size(image: Image) -> str:
    """Return the shape of an image in words: "512 x 512"."""
    return " x ".join(map(str, image.shape))
