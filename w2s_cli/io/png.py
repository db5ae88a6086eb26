"""PNG files: one greyscale plane of 8 or 16 bits."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from w2s_cli.errors import InputError
from w2s_cli.io.axes import SAMPLES
from w2s_cli.io.content import (
    Content,
    History,
    as_stack,
    from_json,
    lookup_colour,
    to_json,
)
from w2s_cli.io.resolution import INCHES, MICROMETRES, Resolution, resolution_tags
from w2s_cli.io.samples import Samples, channels_of
from w2s_cli.io.wanted import Wanted
from w2s_cli.io.write_behind import HandOver, at_once, in_pieces
from w2s_cli.stack import Channel, Stack

_DTYPES = {"L": np.uint8, "I;16": np.uint16, "I": np.uint16, "P": np.uint8}
_COLOURS = ("RGB", "RGBA", "LA")
_BITS_AT, _BYTE = 24, 8  # the place of the bits a sample in the file
_MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # beyond it Pillow reads none
_KEY = "w2s"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = (0, 0, 0, 0)  # colour type, and the only methods that there are
_ROWS = 512  # of a large plane that are computed at a time
_BROKEN = (OSError, SyntaxError, ValueError)  # what Pillow raises on broken files
_HINT = "copy or export it again"


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open a PNG, as `w2s_cli.io.open_image` says."""
    with _image(path) as image:
        yield as_stack(_content(image, wanted, path), wanted, path)


def _image(path: Path) -> Image.Image:
    """Return the image with its pixels: it is one plane, so it is read at once."""
    try:
        with warnings.catch_warnings():  # of images above 89 million pixels
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            # From memory, for Pillow asks a file for as much as it promises
            image = Image.open(BytesIO(path.read_bytes()), formats=["PNG"])
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{path} is larger than a PNG may be here: {error}",
            hint="convert it to TIFF",
        ) from error
    except _BROKEN as error:
        raise InputError(f"{path} is a broken PNG: {error}", hint=_HINT) from error
    try:
        image.load()
    except _BROKEN as error:
        image.close()
        raise InputError(
            f"{path} is truncated or broken: it cannot be decoded: {error}", hint=_HINT
        ) from error
    return image


def _content(image: Image.Image, wanted: Wanted, path: Path) -> Content:
    if image.mode in _COLOURS and _bits(path) == _BYTE:
        return _picture(image, wanted, path)
    palette = image.getpalette("RGB")
    colour = lookup_colour(np.array(palette).reshape(-1, 3)) if palette else None
    if image.mode not in _DTYPES or (image.mode == "P" and not colour):
        raise InputError(
            f"{path} is not a greyscale image of 8 or 16 bits, its mode is "
            f"{image.mode}",
            hint="split the channels of a colour picture, or convert it to greyscale",
        )
    dtype, resolution = np.dtype(_DTYPES[image.mode]), _resolution(image)
    return Content(
        axes="YX",
        shape=(image.height, image.width),
        dtype=dtype,
        read=lambda _: np.asarray(image).astype(dtype),
        pixel_size=resolution.pixel_size(),
        channels=(Channel(colour=colour),) if colour else (),
        history=from_json(str(image.info.get(_KEY, ""))),
        extra={"format": "PNG", "compression": "deflate", "resolution": resolution},
    )


def _picture(image: Image.Image, wanted: Wanted, path: Path) -> Content:
    """Return the channels in a picture, if its colours are channels."""
    planes = np.moveaxis(np.asarray(image), -1, 0)
    count, resolution = len(planes), _resolution(image)
    alpha = (count - 1,) if image.mode in ("RGBA", "LA") else ()
    rgb = image.mode != "LA"
    kept = channels_of(
        Samples(count, rgb=rgb, eight_bit=True, separate=False, alpha=alpha),
        lambda: [planes],
        path,
        wanted=wanted.colours,
    )
    several = len(kept.numbers) > 1
    return Content(
        axes=f"{SAMPLES}YX" if several else "YX",
        shape=(*([len(kept.numbers)] if several else []), image.height, image.width),
        dtype=planes.dtype,
        read=lambda number: planes[kept.numbers[number]].copy(),
        pixel_size=resolution.pixel_size(),
        channels=kept.channels,
        history=from_json(str(image.info.get(_KEY, ""))),
        extra={"format": "PNG", "compression": "deflate", "resolution": resolution},
        warnings=(*filter(None, [kept.warning]),),
    )


def _bits(path: Path) -> int:
    """Return the bits of a sample: Pillow makes 8 of the 16 in a picture's colours."""
    with path.open("rb") as file:
        return file.read(_BITS_AT + 1)[_BITS_AT]


def _resolution(image: Image.Image) -> Resolution:
    """Return the dots an inch, which a PNG has as whole dots a metre."""
    x, y = image.info.get("dpi", (0.0, 0.0))
    return Resolution(x or None, y or None, INCHES)


def unsupported(stack: Stack) -> str:
    """Return why a PNG cannot hold the stack; "" where it can."""
    if len(stack.axes) > 2:
        return f"PNG holds one plane, not axes {stack.axes}"
    if stack.data.dtype.name not in ("uint8", "uint16"):
        return f"PNG holds uint8 or uint16, not {stack.data.dtype}"
    height, width = stack.data.shape
    if height * width > _MOST_PIXELS:
        return f"a PNG of {height} x {width} pixels could not be opened again"
    return ""


def left_out(stack: Stack) -> list[str]:
    """Return what of the stack the file will not hold."""
    return ["channel names"] if any(one.name for one in stack.channels) else []


def write(
    stack: Stack,
    path: Path,
    history: Callable[[], History],
    hand_over: HandOver = at_once,
) -> None:
    """Write the plane, its pixel size along Y and X, and the history.

    Source: Portable Network Graphics, third edition, W3C 2025.
    """
    height, width = stack.data.shape
    bits = stack.data.dtype.itemsize * 8
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        _write_chunk(
            file, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, *_GREY)
        )
        tags = resolution_tags(stack)
        if unit := MICROMETRES.get(tags["resolutionunit"]):
            metre = [round(1e6 / unit * number) for number in tags["resolution"]]
            _write_chunk(file, b"pHYs", struct.pack(">IIB", *metre, 1))
        rows = _ROWS if stack.large else height
        hand_over(stack.bands((), rows), in_pieces, partial(_write_rows, file))
        if said := history():
            _write_chunk(file, b"tEXt", f"{_KEY}\0{to_json(said)}".encode("ascii"))
        _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    checked = zlib.crc32(data, zlib.crc32(kind))
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checked))


def _write_rows(file: BinaryIO, pieces: Iterator[NDArray[Any]]) -> None:
    """Write rows, each as it is or less its neighbours, whichever is nearest to 0."""
    packing, above = zlib.compressobj(), None
    for piece in pieces:
        size = piece.dtype.itemsize
        stored = np.ascontiguousarray(piece.astype(piece.dtype.newbyteorder(">")))
        rows = stored.view(np.uint8).reshape(len(piece), -1)
        forms = np.stack([rows, rows, rows])
        forms[1, :, size:] -= rows[:, :-size]
        forms[2, 1:] -= rows[:-1]
        forms[2, 0] -= 0 if above is None else above
        above = rows[-1]
        distances = np.minimum(forms, -forms).sum(axis=2, dtype=np.int64)
        best = distances.argmin(axis=0)
        lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
        lines[:, 0] = best  # the numbers of these filters are 0, 1 and 2
        lines[:, 1:] = forms[best, np.arange(len(rows))]
        if data := packing.compress(lines.data):
            _write_chunk(file, b"IDAT", data)
    _write_chunk(file, b"IDAT", packing.flush())
