"""Stacks into TIFF files: ImageJ's kind for what came from ImageJ, else OME-TIFF."""

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.io import imagej
from w2s_cli.io.ome import History, ome_xml
from w2s_cli.stack import Stack

_LARGEST = 2**32 - 2**25  # bytes in a classic TIFF, less some for the metadata
_PLACEHOLDER = "OME-XML follows the pixels"
_COMPRESSIONS = {"LZW": "lzw", "deflate": "zlib", "zstd": "zstd"}


def problem(stack: Stack) -> str:
    """Return why a TIFF cannot hold the stack: it can."""
    return ""


def write(stack: Stack, path: Path, history: Callable[[], History]) -> None:
    """Write a TIFF of the kind that the stack came from.

    Compression is that of the source where it was deflate, LZW or zstd. The
    description comes last: `history` is complete when the planes are.
    """
    if stack.extra.get("format") == "ImageJ TIFF" and imagej.can_hold(stack):
        _write_imagej(stack, path, history)
    else:
        _write_ome(stack, path, history)


def _write_ome(stack: Stack, path: Path, history: Callable[[], History]) -> None:
    nbytes = prod(stack.data.shape) * stack.data.dtype.itemsize
    sizes = stack.pixel_size
    with tifffile.TiffWriter(path, bigtiff=nbytes > _LARGEST, ome=False) as file:
        file.write(
            _planes(stack, stack.axes),
            shape=stack.data.shape,
            description=_PLACEHOLDER,
            metadata=None,
            resolution=(1e4 / sizes.get("X", 1e4), 1e4 / sizes.get("Y", 1e4)),
            resolutionunit="CENTIMETER" if {"X", "Y"} <= sizes.keys() else "NONE",
            **_settings(stack),
        )
        file.overwrite_description(ome_xml(stack, history()))


def _write_imagej(stack: Stack, path: Path, history: Callable[[], History]) -> None:
    axes = "".join(axis for axis in imagej.ORDER if axis in stack.axes)
    lengths = dict(zip(stack.axes, stack.data.shape, strict=True))
    # The samples axis keeps tifffile from taking a width of 1 for the samples.
    shape = (*(lengths[axis] for axis in axes), 1)
    metadata = imagej.metadata_for(stack)
    with tifffile.TiffWriter(path, imagej=True, byteorder=">") as file:
        file.write(
            _planes(stack, axes),
            shape=shape,
            metadata={**metadata, "axes": f"{axes}S"},
            resolution=imagej.resolution_for(stack, metadata),
            resolutionunit="NONE",
            colormap=imagej.colormap_for(stack),
            **_settings(stack),
        )
        text = imagej.description(shape, f"{axes}S", metadata, history())
        file.overwrite_description(text)


def _settings(stack: Stack) -> dict[str, Any]:
    compression = _COMPRESSIONS.get(stack.extra.get("compression", ""))
    return {
        "dtype": stack.data.dtype,
        "photometric": "minisblack",
        "compression": compression,
        "predictor": bool(compression and stack.extra.get("predictor")),
        "software": "w2s",
        "maxworkers": 1,  # more would compress ahead, and hold many planes
    }


def _planes(stack: Stack, axes: str) -> Iterator[NDArray[Any]]:
    """Yield the planes in the order of the leading `axes`."""
    lengths = dict(zip(stack.axes, stack.data.shape, strict=True))
    leading = stack.axes[:-2]
    for index in np.ndindex(*(lengths[axis] for axis in axes[:-2])):
        place = dict(zip(axes, index, strict=False))
        yield stack.data[tuple(place[axis] for axis in leading)]
