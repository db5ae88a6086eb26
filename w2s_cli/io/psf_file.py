"""Point spread functions as image files: one plane, its pixel size in the metadata."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.formats import format_for, format_of
from w2s_cli.io.npy import memory_map
from w2s_cli.io.targets import check_target
from w2s_cli.microscope.psf import PSF
from w2s_cli.stack import Stack

_CENTRAL = 0.25  # of the side: how far from the middle a peak may be
_SQUARE = 0.01  # relative difference between the sides of a square pixel


def read_psf(path: Path) -> PSF:
    """Return the PSF in an image file, its sum made 1.

    Parameters
    ----------
    path
        A TIFF, PNG or NPY file with one (Y, X) plane; its middle is at `side // 2`.

    Raises
    ------
    InputError
        When the file cannot be read, or what it holds is no PSF: several planes,
        values that are not finite or do not sum to more than 0, a peak far from the
        middle, pixels that are not square.
    """
    weights, pixel_size = _content(path)
    if not np.isfinite(weights).all():
        raise InputError(
            f"{path} is no kernel: it holds NaN or infinite values",
            hint="make one with w2s make-kernel or w2s estimate-kernel",
        )
    if weights.sum() <= 0:
        raise InputError(
            f"{path} is no kernel: its values sum to {weights.sum():g}, not above 0",
            hint="subtract the background only, not the mean",
        )
    peak = np.unravel_index(weights.argmax(), weights.shape)
    middle = [side // 2 for side in weights.shape]
    off = np.abs(np.subtract(peak, middle))
    if (off > np.multiply(_CENTRAL, weights.shape)).any():
        raise InputError(
            f"{path} is no kernel: its peak is at y {peak[0]}, x {peak[1]}, "
            f"its middle at y {middle[0]}, x {middle[1]}",
            hint="crop it so that the peak is in the middle",
        )
    return PSF.normalised(weights, pixel_size)


def write_psf(
    psf: PSF,
    path: Path,
    *,
    overwrite: bool = False,
    record: Callable[[], Mapping[str, Any]] | None = None,
) -> None:
    """Write a PSF as float32; the pixel size is kept where the format can."""
    size = psf.pixel_size
    sizes = dict.fromkeys("YX", size) if size else {}
    write_image(
        Stack(psf.weights, "YX", sizes), path, overwrite=overwrite, record=record
    )


def check_psf_target(path: Path, *, overwrite: bool = False) -> None:
    """Refuse, before the work, a path that no PSF can be written to."""
    check_target(path, overwrite=overwrite)
    if format_for(path).name == "PNG":
        raise UsageError(
            f"{path} cannot hold a kernel: a PNG has whole numbers only",
            hint="write a .tif or a .npy file",
        )


def _content(path: Path) -> tuple[NDArray[np.float64], float | None]:
    """Return the weights, and the pixel size if the file has one."""
    if format_of(path).name == "NPY":
        return _array(path), None
    with open_image(path) as stack:
        leading = stack.data.shape[:-2]
        if any(length > 1 for length in leading):
            raise _several(path, stack.data.shape)
        plane = stack.data[(0,) * len(leading)].astype(np.float64)
        return plane, _pixel_size(stack, path)


def _array(path: Path) -> NDArray[np.float64]:
    """Return an NPY file of any real type: float64 is what numpy saves by default."""
    array = memory_map(path)
    if array.dtype.kind not in "iuf" or array.size == 0:
        raise InputError(
            f"{path} is no kernel: it has {array.size} values of type {array.dtype}",
            hint="a kernel is an array of real numbers with axes Y and X",
        )
    if array.ndim != 2:
        raise _several(path, array.shape)
    return np.array(array, np.float64)


def _pixel_size(stack: Stack, path: Path) -> float | None:
    sizes = [stack.pixel_size[axis] for axis in "YX" if axis in stack.pixel_size]
    if not sizes:
        return None
    if max(sizes) > (1 + _SQUARE) * min(sizes):
        raise InputError(
            f"{path} has pixels of {sizes[0]:g} x {sizes[1]:g} um: they are not square",
            hint="resample the kernel to square pixels",
        )
    return sizes[-1]


def _several(path: Path, shape: tuple[int, ...]) -> InputError:
    found = " x ".join(map(str, shape)) or "a single number"
    return InputError(
        f"{path} is no kernel: it has shape {found}, a kernel has one plane",
        hint="save one plane of it, the one in focus",
    )
