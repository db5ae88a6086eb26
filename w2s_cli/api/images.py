"""Image files and stacks: `imread`, `imwrite`."""

import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import AxesError
from w2s_cli.io import open_image, write_image
from w2s_cli.stack import Pixels, Stack

Array = NDArray[Any]


class _OpenPixels:
    """Pixels of a file that is closed when nobody holds them any more."""

    def __init__(self, pixels: Pixels, resources: ExitStack) -> None:
        self.shape, self.dtype, self._pixels = pixels.shape, pixels.dtype, pixels
        weakref.finalize(self, resources.close)

    def __getitem__(self, index: tuple[int, ...], /) -> Array:
        return self._pixels[index]


def imread(path: str | Path, *, axes: str | None = None) -> Stack:
    """Open an image file; a plane is read when it is indexed.

    Parameters
    ----------
    path
        A TIFF, PNG or NPY file.
    axes
        Names of its axes, such as "TCYX", where it doesn't say or is wrong.

    Returns
    -------
    Stack
        In the file's own dtype; `np.asarray` reads all of it.

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
    resources = ExitStack()
    stack = resources.enter_context(open_image(Path(path), axes=axes))
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
        Of an array that is no plane, such as "ZYX".
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
