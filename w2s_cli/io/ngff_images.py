"""The images in a Zarr hierarchy: of a group, its labels, a plate, several series."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from w2s_cli.errors import InputError, few
from w2s_cli.io import ome
from w2s_cli.io.ngff_metadata import (
    PENDING,
    axes_of,
    dataset_paths,
    fields_of,
    ngff,
    objects,
    text,
    wells_of,
)
from w2s_cli.io.wanted import Wanted
from w2s_cli.io.zarr_store import ZarrStore

METADATA = "OME/METADATA.ome.xml"
_LISTED = 32  # images up to which the size of each is looked at


@dataclass(frozen=True, slots=True)
class ZarrImage:
    """One of the images in a hierarchy."""

    name: str
    group: str  # the place of its group
    attributes: Mapping[str, Any] = field(default_factory=dict)  # of its group
    number: int = 0  # of several multiscale images of one group
    label: bool = False  # whether its numbers are names of objects
    xml_place: int | None = None  # of its Image in OME-XML; None where it has none
    array: str = ""  # the array that is wanted; the finest without

    @property
    def multiscale(self) -> dict[str, Any]:
        """Return what the metadata say of it; nothing for a bare array."""
        found = objects(ngff(self.attributes).get("multiscales"))
        return found[self.number] if self.number < len(found) else {}

    @property
    def places(self) -> list[str]:
        """Return where its arrays are, the one that is taken first."""
        paths = [self.array] if self.array else dataset_paths(self.multiscale)
        return [f"{self.group}/{path}".strip("/") for path in paths]

    def as_json(self, store: ZarrStore, number: int, *, sized: bool) -> dict[str, Any]:
        """Return what `w2s info` says of it."""
        array = store.array(self.places[0]) if sized and self.places else None
        return {
            "number": number,
            "name": self.name,
            "axes": axes_of(self.multiscale, array.ndim) if array else "",
            "shape": [*array.shape] if array else [],
            "dtype": str(array.dtype) if array else "",
            "colour": False,
            "label": self.label,
        }


def images_in(store: ZarrStore) -> list[ZarrImage]:
    """Return the images in a hierarchy, those of the specimen's light first."""
    attributes = store.group("")
    if attributes is None:
        return [_bare(store)]
    own = attributes.get("w2s")
    if isinstance(own, dict) and PENDING in own:
        raise InputError(
            f"{store.name('')} is not finished: blocks of it may not be written yet",
            hint="write the others, and end with ZarrOutput.finish",
        )
    said = ngff(attributes)
    if "plate" in said:
        found = [one for well in wells_of(said) for one in _well(store, well)]
    elif "well" in said:
        found = [*_well(store, "")]
    elif "multiscales" in said:
        found = [*_image(store, "", attributes)]
    elif "labels" in said:
        found = [*_labels(store, "", attributes)]
    else:
        found = [*_series(store, said)]
    if found:
        return found
    arrays = [one for one in store.children() if store.group(one) is None]
    what = next((key for key in ("plate", "well", "multiscales") if key in said), "")
    raise InputError(
        f"{store.name('')} is a Zarr group without an image: "
        + (f"its {what!r} names none" if what else "its metadata have no 'multiscales'")
        + (f"; it holds the arrays {few(arrays)}" if arrays else ""),
        hint=f"open an array as it is: {store.name(arrays[0])}"
        if arrays
        else "name the group of an image in it, or export it again",
    )


def _bare(store: ZarrStore) -> ZarrImage:
    """Return an array, as the level of an image where its group says so."""
    if store.array("") is None:
        raise InputError(
            f"{store.name('')} holds no Zarr image: it has none of zarr.json, .zgroup "
            "and .zarray",
            hint="name the folder that has them, or copy it again",
        )
    return ZarrImage("", "")


def _image(
    store: ZarrStore,
    group: str,
    attributes: Mapping[str, Any] | None,
    name: str = "",
    xml_place: int | None = None,
) -> Iterator[ZarrImage]:
    """Yield the images of a group, and then their labels."""
    if attributes is None:
        return
    found = objects(ngff(attributes).get("multiscales"))
    for number, one in enumerate(found):
        own = name or text(one.get("name"))
        yield ZarrImage(own, group, attributes, number, xml_place=xml_place)
    if found:
        place = f"{group}/labels".strip("/")
        yield from _labels(store, place, store.group(place))


def _labels(
    store: ZarrStore, group: str, attributes: Mapping[str, Any] | None
) -> Iterator[ZarrImage]:
    listed = ngff(attributes or {}).get("labels")
    for path in listed if isinstance(listed, list) else []:
        place = f"{group}/{text(path)}".strip("/")
        own = store.group(place) if text(path) else None
        for number, _ in enumerate(objects(ngff(own or {}).get("multiscales"))):
            yield ZarrImage(place, place, own or {}, number, label=True)


def _well(store: ZarrStore, well: str) -> Iterator[ZarrImage]:
    attributes = store.group(well) or {}
    for path in fields_of(ngff(attributes)):
        place = f"{well}/{path}".strip("/")
        images = _image(store, place, store.group(place), name=place)
        yield from (one for one in images if not one.label)


def _series(store: ZarrStore, said: Mapping[str, Any]) -> Iterator[ZarrImage]:
    """Yield the images of a file that bioformats2raw has converted."""
    listed = ngff(store.group("OME") or {}).get("series")
    places = [text(one) for one in listed] if isinstance(listed, list) else []
    if not places and "bioformats2raw.layout" not in said:
        return
    names = _names(store.text(METADATA))
    number = 0
    while number < len(places) if places else True:
        place = places[number] if places else str(number)
        attributes = store.group(place)
        if attributes is None:
            if not places:
                return
        else:
            name = names[number] if number < len(names) else place
            at = number if number < len(names) else None
            images = _image(store, place, attributes, name=name, xml_place=at)
            yield from (one for one in images if not one.label)
        number += 1


def _names(xml: str) -> Sequence[str]:
    try:
        return ome.image_names(xml) if xml else []
    except SyntaxError:  # broken XML
        return []


def chosen(
    store: ZarrStore, images: Sequence[ZarrImage], wanted: Wanted
) -> tuple[int, list[dict[str, Any]], tuple[str, ...]]:
    """Return the place of the image to open, rows of all, what is said of the others.

    Without a wish it is the largest that is no label, of many the first.
    """
    sized = len(images) <= _LISTED
    rows = [
        one.as_json(store, number, sized=sized) for number, one in enumerate(images, 1)
    ]
    merits = [
        (not one.label, prod(row["shape"]))
        for one, row in zip(images, rows, strict=True)
    ]
    place, said = wanted.chosen(rows, merits)
    return place, rows, said
