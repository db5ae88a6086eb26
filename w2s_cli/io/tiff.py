"""TIFF files of every kind, plane by plane; ImageJ stays ImageJ, others become OME."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.errors import InputError, few
from w2s_cli.io import imagej, ome
from w2s_cli.io.axes import SAMPLES
from w2s_cli.io.content import Content, History, as_stack, lookup_colour
from w2s_cli.io.maker_metadata import maker_axes, maker_metadata
from w2s_cli.io.missing_planes import without_missing
from w2s_cli.io.ome_sets import files_read, missing_members
from w2s_cli.io.orientation import turned
from w2s_cli.io.resolution import read_resolution, resolution_tags
from w2s_cli.io.samples import Kept, Samples, channels_of
from w2s_cli.io.tiff_opening import BROKEN, check_page, opened
from w2s_cli.io.tiff_planes import (
    check_promise,
    cut_off,
    lacks_description,
    plane_reader,
    promised,
    sample_planes,
    undescribed,
)
from w2s_cli.io.tiff_series import TiffImage, chosen, images_in
from w2s_cli.io.tiff_writing import TILE, asked_of, write_ome
from w2s_cli.io.wanted import Wanted
from w2s_cli.io.write_behind import HandOver, at_once, in_pieces
from w2s_cli.stack import Channel, Stack

_COMPRESSIONS = {
    1: "none",
    5: "LZW",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    50000: "zstd",
}
_WRITTEN_COMPRESSIONS = {
    **{"LZW": "lzw", "lzw": "lzw"},
    **{"deflate": "zlib", "zstd": "zstd"},
}
_WHITE_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 2, 3, 6  # photometric interpretations
_MOST_SAMPLES = 4096  # a pixel; hyperspectral images have some hundreds
_SEPARATE = 2  # planar configuration: samples apart

# tifffile logs what is odd in a file; what matters of it is raised here.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open a TIFF, as `w2s_cli.io.open_image` says."""
    with ExitStack() as files:
        try:
            file, xml, said = opened(path)
            files.enter_context(file)
            images = images_in(file, xml, path)
        except BROKEN as error:
            raise InputError(
                f"{path} starts like a TIFF but is broken: {error}",
                hint="copy or export it again",
            ) from error
        place, left = chosen(images, wanted)
        content = _content(file, images[place], xml, wanted, path)
        extra = {
            **content.extra,
            "series": [one.as_json(number) for number, one in enumerate(images, 1)],
            "series number": place + 1,
        }
        said = (*said, *left, *content.warnings)
        yield as_stack(replace(content, extra=extra, warnings=said), wanted, path)


def _content(
    file: tifffile.TiffFile, image: TiffImage, xml: str, wanted: Wanted, path: Path
) -> Content:
    """Return what an image in a file holds, at its full resolution."""
    series = image.series
    page = series.keyframe
    check_page(page, path)
    axes, shape = _axes(series)
    if promise := promised(file, series):
        axes, shape = f"{promise[0]}YX", (*promise[1], *shape[-2:])
    elif SAMPLES not in axes and (named := maker_axes(file, series)):
        axes, shape = f"{named[0]}YX", (*named[1], *shape[-2:])
    check_promise(file, series, shape, path)
    kept = _samples(file, series, wanted, path)
    if SAMPLES in axes:
        at, count = axes.index(SAMPLES), len(kept.numbers)
        shape = (*shape[:at], *([count] if count > 1 else []), *shape[at + 1 :])
        axes = axes if count > 1 else axes.replace(SAMPLES, "")
    planes = plane_reader(file, series, shape, kept, path)
    content = Content(
        axes=axes,
        shape=shape,
        dtype=series.dtype,
        read=planes.read,
        read_part=planes.read_part,
        chunk=planes.chunk,
        channels=_palette_channel(file, page, path) or kept.channels,
        extra=_form(file, series, page),
        warnings=(
            *filter(None, [kept.warning, undescribed(file, path)]),
            *_what_is_lacking(file, series),
        ),
    )
    own = "" if image.place is None else ome.image_first(xml, image.place)
    try:
        said = _read_metadata(file, series, page, own)
    except BROKEN as error:
        why = f"its metadata cannot be read ({error}): they are not known, and left out"
        said = {"warnings": (why,)}
    extra = {**content.extra, **said.pop("extra", {})}
    extra["files"] = files_read(own, path, file.pages.first.description)
    warnings = (*content.warnings, *said.pop("warnings", ()))
    said["channels"] = said.get("channels") or content.channels
    content = replace(content, **said, extra=extra, warnings=warnings)
    lost = few(missing_members(own, path)) if series.kind == "ome" else ""
    lost = f" ({lost} of its set is not in the folder)" if lost else ""
    content = without_missing(content, planes.there, path, lost)
    if "numbers" in content.extra and "imagej" in content.extra:
        left = imagej.reduced(content.extra)
        content = replace(content, extra={**content.extra, "imagej": left})
    return turned(content, page.tags)


def _what_is_lacking(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> Iterator[str]:
    """Say what the end of a file that is cut off would have held, beside planes."""
    if lacks_description(file):
        yield (
            "it is cut off before its description, so that its axes, pixel sizes and "
            "history are not known: copy it again"
        )
    if not promised(file, series) and (why := cut_off(file, series)):
        yield why
    if _is_inverted(series.keyframe) and not file.is_imagej:
        yield (
            "it is to be shown with low numbers bright (MinIsWhite): its numbers are "
            "taken as they are; if light makes them lower, invert the image first"
        )


def _is_inverted(page: tifffile.TiffPage) -> bool:
    """Return whether low numbers are shown bright; of single bits it says nothing."""
    return page.photometric == _WHITE_IS_ZERO and page.bitspersample > 1


def _axes(series: tifffile.TiffPageSeries) -> tuple[str, tuple[int, ...]]:
    """Return the axes longer than 1 and Y and X, with those two at the end."""
    names = series.get_axes(squeeze=False)
    lengths = series.get_shape(squeeze=False)
    page = series.keyframe
    kept = [
        (axis, length)
        for axis, length in zip(names, lengths, strict=True)
        if length > 1 and axis not in "YX"
    ]
    axes = "".join(axis for axis, _ in kept)
    shape = (*(length for _, length in kept), page.imagelength, page.imagewidth)
    return f"{axes}YX", shape


def _samples(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries, wanted: Wanted, path: Path
) -> Kept:
    """Return which samples of a pixel are channels."""
    page = series.keyframe
    count = page.samplesperpixel
    if count > _MOST_SAMPLES:
        raise InputError(
            f"{path} is broken: {count} samples a pixel", hint="copy or export it again"
        )
    if SAMPLES not in series.get_axes(squeeze=False) or count == 1:
        return Kept((*range(count),))
    said = file.imagej_metadata or {}
    if said.get("channels") == count:  # written by ImageJ for channels
        return Kept((*range(count),))
    first = count - len(page.extrasamples)
    alpha = tuple(first + n for n, kind in enumerate(page.extrasamples) if kind)
    samples = Samples(
        count,
        rgb=page.photometric in (_RGB, _YCBCR),
        eight_bit=series.dtype.itemsize == 1,
        separate=page.planarconfig == _SEPARATE,
        alpha=alpha,
    )
    return channels_of(
        samples, lambda: sample_planes(series, path), path, wanted=wanted.colours
    )


def _palette_channel(
    file: tifffile.TiffFile, page: tifffile.TiffPage, path: Path
) -> tuple[Channel, ...]:
    """Return the channel whose look-up table a palette is; nothing without palette."""
    if page.photometric != _PALETTE or file.is_imagej or page.colormap is None:
        return ()
    colour = lookup_colour(page.colormap.T // 257)
    if colour is None:
        raise InputError(
            f"{path} has a colour palette: its numbers are no intensities",
            hint="convert it to 8-bit or 16-bit greyscale",
        )
    return (Channel(colour=colour),)


def _form(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries, page: tifffile.TiffPage
) -> dict[str, Any]:
    """Return what a writer or a reader of `w2s info` wants to know of the file."""
    number = int(page.compression)
    form: dict[str, Any] = {
        "format": _format(file, series),
        "resolution": read_resolution(page),
        "compression": _COMPRESSIONS.get(number, f"TIFF compression {number}"),
    }
    if page.predictor != 1:
        form["predictor"] = True
    if file.is_bigtiff:
        form["bigtiff"] = True
    if file.is_imagej and page.colormap is not None:
        form["colormap"] = page.colormap
    if _is_inverted(page):
        form["inverted"] = True
    if cut_off(file, series):
        form["cut off"] = True
    if len(series.levels) > 1:
        form["levels"] = len(series.levels)
    return form


def _format(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> str:
    if file.is_ome and series.kind != "imagej":
        return "OME-TIFF"
    return "ImageJ TIFF" if file.is_imagej else "TIFF"


def _read_metadata(
    file: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    page: tifffile.TiffPage,
    xml: str,
) -> dict[str, Any]:
    """Return pixel size, time step, channels, history and more, as in `Content`."""
    kind, resolution = _format(file, series), read_resolution(page)
    if kind == "OME-TIFF" and xml:
        return {**ome.read_metadata(xml), "extra": {"ome": xml}}
    if kind == "ImageJ TIFF" and file.imagej_metadata:
        return imagej.read_metadata(file.imagej_metadata, resolution)
    said = maker_metadata(file, series)
    sizes = {**resolution.pixel_size(), **said.pop("pixel_size", {})}
    return {**said, "pixel_size": sizes}


def unsupported(stack: Stack) -> str:
    """Return "": a TIFF can hold any stack."""
    return ""


def write(
    stack: Stack,
    path: Path,
    history: Callable[[], History],
    hand_over: HandOver = at_once,
) -> None:
    """Write a TIFF of the kind that the stack came from.

    Compression is that of the source where it was deflate, LZW or zstd, unless
    another is asked for, or smaller sizes: see `tiff_writing`. The
    description comes last: `history` is complete when the planes are.
    """
    if _stays_imagej(stack):
        _write_imagej(stack, path, history, hand_over)
    else:
        settings = {**resolution_tags(stack), **_settings(stack)}
        write_ome(stack, path, history, settings, hand_over)


def _stays_imagej(stack: Stack) -> bool:
    in_tiles = (stack.large and _compression(stack)) or asked_of(stack)
    own = stack.extra.get("format") == "ImageJ TIFF" and not in_tiles
    return own and imagej.can_hold(stack)


def left_out(stack: Stack) -> list[str]:
    """Return what of the stack's source the file will not hold."""
    if _stays_imagej(stack):
        return imagej.left_out(stack)
    lost = imagej.has_no_place_in_ome(stack)
    own = [f"ImageJ's own {few(lost)}, which OME-TIFF has no place for"] if lost else []
    return ome.left_out(stack) + own


def _write_imagej(
    stack: Stack, path: Path, history: Callable[[], History], hand_over: HandOver
) -> None:
    axes = "".join(axis for axis in imagej.ORDER if axis in stack.axes)
    lengths = dict(zip(stack.axes, stack.data.shape, strict=True))
    # The samples axis keeps tifffile from taking a width of 1 for the samples.
    shape = (*(lengths[axis] for axis in axes), 1)
    metadata = imagej.metadata_for(stack)
    in_tags = {key: metadata[key] for key in imagej.BINARY if key in metadata}

    def pieces(band: NDArray[Any]) -> Iterator[Any]:
        if not stack.large:
            yield band
            return
        for piece in in_pieces(band):
            yield piece.astype(piece.dtype.newbyteorder(">")).tobytes()

    with tifffile.TiffWriter(path, imagej=True, byteorder=">") as file:
        write_pixels = partial(
            file.write,
            shape=shape,
            metadata={**in_tags, "axes": f"{axes}S"},
            **imagej.resolution_for(stack, metadata),
            colormap=imagej.colormap_for(stack),
            **_settings(stack),
        )
        hand_over(_bands(stack, axes), pieces, write_pixels)
        text = imagej.description(shape, f"{axes}S", metadata, history())
        file.overwrite_description(text)


def _compression(stack: Stack) -> str | None:
    return _WRITTEN_COMPRESSIONS.get(stack.extra.get("compression", ""))


def _settings(stack: Stack) -> dict[str, Any]:
    asked = asked_of(stack).get("compression")
    compression = _WRITTEN_COMPRESSIONS.get(asked) if asked else _compression(stack)
    predictor = stack.extra.get("predictor") or asked
    return {
        "dtype": stack.data.dtype,
        "photometric": "miniswhite" if stack.extra.get("inverted") else "minisblack",
        "compression": compression,
        "predictor": bool(compression and predictor),
        "software": "w2s",
        "maxworkers": 1,  # more would compress ahead, and hold many planes
    }


def _bands(stack: Stack, axes: str) -> Iterator[NDArray[Any]]:
    """Yield the planes, or rows of large ones, in the order of the leading `axes`."""
    lengths = dict(zip(stack.axes, stack.data.shape, strict=True))
    leading = stack.axes[:-2]
    for index in np.ndindex(*(lengths[axis] for axis in axes[:-2])):
        place = dict(zip(axes, index, strict=False))
        at = tuple(place[axis] for axis in leading)
        yield from stack.bands(at, TILE if stack.large else stack.data.shape[-2])
