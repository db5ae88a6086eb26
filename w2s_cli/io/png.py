"""PNG files: one greyscale plane of 8 or 16 bits."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

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
from w2s_cli.stack import Channel, Stack

_DTYPES = {"L": np.uint8, "I;16": np.uint16, "I": np.uint16, "P": np.uint8}
_COLOURS = ("RGB", "RGBA", "LA")
_BITS_AT, _BYTE = 24, 8  # the place of the bits a sample in the file
_MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # beyond it Pillow reads none
_KEY = "w2s"
_INCH = 25400.0  # micrometres
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
            image = Image.open(path, formats=["PNG"])
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
            f"{path} is truncated or broken: it cannot be decoded: {error}",
            hint=_HINT,
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
    """Return why a PNG cannot hold the stack; nothing where it can."""
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


def write(stack: Stack, path: Path, history: Callable[[], History]) -> None:
    """Write the plane, its pixel size along Y and X, and the history."""
    image = Image.fromarray(np.ascontiguousarray(stack.data[()]))
    notes = PngImagePlugin.PngInfo()
    if said := history():
        notes.add_text(_KEY, to_json(said))
    tags, dots = resolution_tags(stack), {}
    if unit := MICROMETRES.get(tags["resolutionunit"]):
        dots["dpi"] = tuple(_INCH / unit * number for number in tags["resolution"])
    image.save(path, format="PNG", pnginfo=notes, **dots)
