"""OME-Zarr, versions 0.1 to 0.5, and Zarr arrays that are no OME-Zarr."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from w2s_cli.errors import AxesError, InputError
from w2s_cli.io import imagej, ome
from w2s_cli.io.content import Content, History, as_stack
from w2s_cli.io.ngff_images import METADATA, ZarrImage, chosen, images_in
from w2s_cli.io.ngff_metadata import (
    UNKNOWN,
    axes_of,
    calibration,
    channels_of,
    dataset_paths,
    ngff,
    objects,
    others,
    text,
)
from w2s_cli.io.wanted import Wanted
from w2s_cli.io.write_behind import HandOver, at_once
from w2s_cli.io.zarr_planes import ZarrPlanes
from w2s_cli.io.zarr_store import ZarrStore, opened
from w2s_cli.stack import Stack


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open an image of OME-Zarr, as `w2s_cli.io.open_image` says."""
    with _level_of_image(path) as (store, images):
        place, rows, left = chosen(store, images, wanted)
        content = _content(store, images[place], path)
        content = replace(
            content,
            extra={**content.extra, "series": rows, "series number": place + 1},
            warnings=(*left, *content.warnings),
        )
        yield as_stack(content, wanted, path)


@contextmanager
def _level_of_image(path: Path) -> Iterator[tuple[ZarrStore, list[ZarrImage]]]:
    """Open a hierarchy; the array of a level as a part of its image."""
    with opened(path) as store:
        images = images_in(store)
        if images[0].multiscale or not path.is_dir():
            yield store, images
            return
        with opened(path.parent) as above:
            attributes = above.group("") or {}
            for number, one in enumerate(objects(ngff(attributes).get("multiscales"))):
                if path.name in dataset_paths(one):
                    level = ZarrImage("", "", attributes, number, array=path.name)
                    yield above, [level]
                    return
        yield store, images


def _content(store: ZarrStore, image: ZarrImage, path: Path) -> Content:
    """Return what an image holds at its full resolution."""
    multiscale = image.multiscale
    place = (image.places or [""])[0]
    array = store.array(place)
    if array is None or (multiscale and not image.places):
        what = f"its array {place!r} is missing" if place else "it names no arrays"
        raise InputError(
            f"{store.name(image.group)} is damaged or not whole: {what}",
            hint="copy or export it again",
        )
    axes, doubts = _axes(array, multiscale, store.name(place))
    planes = ZarrPlanes(array, axes, store.name(place))
    level = next(
        (
            one
            for one in objects(multiscale.get("datasets"))
            if place == f"{image.group}/{text(one.get('path'))}".strip("/")
        ),
        {},
    )
    sizes = calibration(multiscale, level, axes)
    doubts += sizes.warnings
    if lost := store.chunks_missing(place, array):
        doubts += (
            f"{lost} of its chunks are not stored: they are read as "
            f"{array.fill_value}, which is right where it is blank, and wrong if it "
            "was not copied or recorded to the end",
        )
    content = Content(
        axes=planes.axes,
        shape=planes.shape,
        dtype=array.dtype,
        read=planes.read,
        read_part=planes.read_part,
        chunk=planes.chunk,
        pixel_size=sizes.pixel_size,
        time_step=sizes.time_step,
        channels=channels_of(ngff(image.attributes)),
        extra={
            **_form(store, image, array, sizes.origin),
            "axes stored": axes,
            "kept bytes": planes.kept,
        },
        warnings=doubts,
    )
    return _with_history(_with_xml(content, store, image), image.attributes)


def _axes(
    array: Any, multiscale: Mapping[str, Any], name: str
) -> tuple[str, tuple[str, ...]]:
    """Return a letter an axis of an array, and what is to be said of them."""
    if multiscale:
        axes, doubts = axes_of(multiscale, array.ndim), list[str]()
        if not axes:
            raise AxesError(
                f"{name} has shape {array.shape}, which the axes of its metadata do "
                f"not fit: {multiscale.get('axes')!r}"[:300],
                hint="export it again, or open the array without its group",
            )
    else:
        axes = _named_axes(array)
        doubts = [
            "it is a Zarr array without OME-NGFF metadata: pixel sizes and names of "
            "channels are not known"
        ]
    if "Y" not in axes or "X" not in axes:
        if array.ndim < 2 or UNKNOWN not in axes[-2:]:
            raise AxesError(
                f"{name} has no axes Y and X: its shape is {array.shape}, "
                f"its axes {axes or 'unknown'}",
                hint="an image has Y and X, and may have T, C and Z before them",
            )
        axes = axes[:-2].replace("Y", UNKNOWN).replace("X", UNKNOWN) + "YX"
    return axes, tuple(doubts)


def _named_axes(array: Any) -> str:
    """Return a letter an axis of a bare array, which may name them."""
    said = getattr(array.metadata, "dimension_names", None)
    said = said or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    if isinstance(said, list | tuple) and len(said) == array.ndim:
        found = axes_of({"axes": [one or "" for one in said]}, array.ndim)
        if found:
            return found
    count: int = array.ndim
    return UNKNOWN * count


def _form(
    store: ZarrStore, image: ZarrImage, array: Any, origin: Mapping[str, float]
) -> dict[str, Any]:
    """Return what a writer or a reader of `w2s info` wants to know of the image."""
    said, multiscale = ngff(image.attributes), image.multiscale
    version = text(said.get("version")) or text(multiscale.get("version"))
    named = [type(one).__name__ for one in (array.compressors or ())]
    form: dict[str, Any] = {
        "format": "OME-Zarr" if multiscale else "Zarr",
        "compression": ", ".join(named).replace("Codec", "") or "none",
    }
    if version:
        form["ngff"] = version
    if len(image.places) > 1:
        form["levels"] = len(image.places)
    if origin:
        form["origin"] = dict(origin)
    if isinstance(omero := said.get("omero"), dict):
        form["omero"] = omero
    if own := others(image.attributes):
        form["attributes"] = own
    if not store.path.exists():
        form["files"] = []
    return form


def _with_xml(content: Content, store: ZarrStore, image: ZarrImage) -> Content:
    """Return the image with what OME-XML beside it says, where there is some."""
    place = image.xml_place
    if place is None and not image.label and not image.group and not image.number:
        place = 0
    xml = "" if place is None else store.text(METADATA)
    if not xml or place is None:
        return content
    try:
        xml = ome.image_first(xml, place)
        said = ome.read_metadata(xml)
    except (ParseError, ValueError, IndexError) as error:
        why = f"its {METADATA} cannot be read ({error}): it is left out"
        return replace(content, warnings=(*content.warnings, why))
    return replace(
        content,
        pixel_size={**said.get("pixel_size", {}), **content.pixel_size},
        time_step=content.time_step or said.get("time_step"),
        channels=content.channels or said.get("channels", ()),
        extra={**content.extra, "ome": xml},
    )


def _with_history(content: Content, attributes: Mapping[str, Any]) -> Content:
    own = attributes.get("w2s")
    if not isinstance(own, dict):
        return content
    return replace(content, history=tuple(objects(own.get("history"))))


def unsupported(stack: Stack) -> str:
    """Return "": OME-Zarr can hold any stack."""
    return ""


def left_out(stack: Stack) -> list[str]:
    """Return what of the stack's source the image will not hold."""
    lost = imagej.has_no_place_in_ome(stack)
    own = [f"ImageJ's own {', '.join(lost)}, which OME has no place for"]
    return ome.left_out(stack) + (own if lost else [])


def write(
    stack: Stack,
    path: Path,
    history: Callable[[], History],
    hand_over: HandOver = at_once,
) -> None:
    """Write an image of OME-Zarr; see `ome_zarr_writing`."""
    from w2s_cli.io.ome_zarr_writing import write_whole

    write_whole(stack, path, history, hand_over)
