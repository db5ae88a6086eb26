"""Image files and stacks: `imread`, `imwrite`."""

import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import AxesError
from w2s_cli.io import images_of, open_image, write_image
from w2s_cli.io.wanted import by_number
from w2s_cli.stack import Pixels, Stack

Array = NDArray[Any]


class _OpenPixels:
    """Pixels of a file that is closed when nobody holds them any more."""

    def __init__(self, pixels: Pixels, resources: ExitStack) -> None:
        self.shape, self.dtype, self._pixels = pixels.shape, pixels.dtype, pixels
        weakref.finalize(self, resources.close)

    def __getitem__(self, index: tuple[int, ...], /) -> Array:
        return self._pixels[index]


@overload
def imread(  # type: ignore[overload-overlap]
    path: str | Path, *, axes: str | None = ..., series: Literal["all"]
) -> tuple[Stack, ...]: ...
@overload
def imread(
    path: str | Path, *, axes: str | None = ..., series: str | int | None = ...
) -> Stack: ...
def imread(
    path: str | Path, *, axes: str | None = None, series: str | int | None = None
) -> Stack | tuple[Stack, ...]:
    """Open an image file; a plane is read when it is indexed.

    Parameters
    ----------
    path
        A TIFF, PNG, NPY, ND2, CZI or LIF file, or OME-Zarr: a folder, an archive or
        an address.
    axes
        Names of its axes, such as "TCYX", where the file does not say or is wrong; with
        lengths, such as "T4C2YX", for channels that are stored in turn.
    series
        Of several images in the file the one with this index, from 0, or this name;
        "all" for a tuple of them, without pictures in colours; None for the largest.

    Returns
    -------
    Stack
        In the file's own dtype; `np.asarray` reads all of it. Its `warnings` say what
        of the file was not understood, or left.

    Raises
    ------
    InputError
        When the file cannot be read, or has axes that w2s does not handle.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> np.save("cell.npy", np.ones((3, 64, 48), np.uint16))
    >>> image = w2s.imread("cell.npy", axes="TYX")
    >>> image.axes, image.data.shape
    ('TYX', (3, 64, 48))
    >>> image.data[2,].mean()
    np.float64(1.0)
    """
    if series == "all":
        numbers = images_of(Path(path), colours=axes is not None)
        return tuple(_opened(Path(path), axes, number) for number in numbers)
    return _opened(Path(path), axes, by_number(series))


def _opened(path: Path, axes: str | None, series: str | None) -> Stack:
    resources = ExitStack()
    stack = resources.enter_context(open_image(path, axes=axes, series=series))
    return replace(stack, data=_OpenPixels(stack.data, resources))


def imwrite(
    path: str | Path,
    image: Stack | Array,
    *,
    axes: str | None = None,
    record: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write an image plane by plane, whole or not at all.

    Parameters
    ----------
    path
        Its suffix decides the format.
    image
        A stack, or an array of uint8, uint16, int8, int16 or float32.
    axes
        Names of the axes of an array with more than two, such as "ZYX".
    record
        What was done to it, added to its history: `RestoreResult.record`. One that
        is made as the planes are read is complete in the file.
    overwrite
        Whether an existing file is replaced.

    Raises
    ------
    OutputError
        When the file exists, or cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> w2s.imwrite("plane.tif", np.ones((32, 32), np.float32))
    >>> w2s.imread("plane.tif").axes
    'YX'
    """
    write_image(
        as_stack(image, axes),
        Path(path),
        overwrite=overwrite,
        record=None if record is None else lambda: dict(record),
    )


def as_stack(image: Stack | Array, axes: str | None) -> Stack:
    """Return an image as a stack, the axes of an array named."""
    if isinstance(image, Stack):
        return image
    pixels = np.asarray(image)
    if axes is None and pixels.ndim != 2:
        raise AxesError(
            f"the axes of an array of shape {pixels.shape} are not known",
            hint='name them, for example axes="TCYX"',
        )
    return Stack(pixels, axes or "YX")
