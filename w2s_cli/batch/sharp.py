"""A sharp image as the truth of a simulation: its light, plane by plane."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from w2s_cli.batch.microscope import MOST_UNLIKE
from w2s_cli.errors import InputError
from w2s_cli.restore.apply import finite
from w2s_cli.stack import Stack

LEAST_SIDE = 16  # pixels
MOST_PLANES = 16
SAMPLED_SIDE = 1024
BRIGHT = 99.8  # percentile that stands for the bright parts


def usable(truth: Stack, scale: int, pixel_size: float | None) -> Stack:
    """Return the truth, after a look at its size.

    Parameters
    ----------
    truth
        The image.
    scale
        Its pixels along the side of a camera pixel.
    pixel_size
        Micrometres a pixel, instead of what it says.

    Raises
    ------
    InputError
        When its planes are too small, or do not divide by `scale`.
    """
    height, width = truth.data.shape[-2:]
    if min(height, width) < LEAST_SIDE:
        raise InputError(
            f"the truth has planes of {height} x {width} pixels, at least "
            f"{LEAST_SIDE} x {LEAST_SIDE} are needed",
            hint="use a larger field",
        )
    if height % scale or width % scale:
        raise InputError(
            f"planes of {height} x {width} pixels cannot be halved",
            hint="crop the truth to even sides, or use --scale 1",
        )
    given = dict.fromkeys("YX", pixel_size) if pixel_size is not None else {}
    return replace(truth, pixel_size={**truth.pixel_size, **given})


def square_pixel(truth: Stack) -> float | None:
    """Return the micrometres along the side of a pixel, if known.

    Raises
    ------
    InputError
        When pixels are not square.
    """
    sizes = [truth.pixel_size[axis] for axis in "YX" if axis in truth.pixel_size]
    if sizes and max(sizes) > (1 + MOST_UNLIKE) * min(sizes):
        raise InputError(
            f"the truth has pixels of {sizes[0]:g} x {sizes[1]:g} um: they are not "
            "square",
            hint="give the side of a square pixel with --pixel-size",
        )
    return sizes[-1] if sizes else None


def light(truth: Stack, index: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a plane; light is never below 0."""
    return np.maximum(finite(truth.data[index], index), 0)


def brightness(truth: Stack) -> float:
    """Return the 99.8th percentile of the light, from a sample of planes and pixels.

    Raises
    ------
    InputError
        When it is 0.
    """
    indices = [*truth.indices()]
    step = -(-len(indices) // MOST_PLANES)
    thin = -(-min(truth.data.shape[-2:]) // SAMPLED_SIDE)
    sampled = [light(truth, at)[::thin, ::thin] for at in indices[::step]]
    bright = float(np.percentile(sampled, BRIGHT))
    if bright <= 0:
        raise InputError(
            f"the truth is dark: its {BRIGHT}th percentile is {bright:g}",
            hint="leave --photons out where the truth is in photons a camera pixel",
        )
    return bright
