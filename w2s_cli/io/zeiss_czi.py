"""CZI, Zeiss's format: each scene is an image, put together of its tiles."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.io.maker_files import MOST_PLANES, MakerImage, maker_stack, reading
from w2s_cli.io.maker_ome import ChannelFacts, Facts, PlaneFacts, measured_step
from w2s_cli.io.units import positive
from w2s_cli.io.wanted import Wanted
from w2s_cli.io.zisraw import COMPRESSIONS, Container, Subblock
from w2s_cli.stack import Stack

_KIND = "a Zeiss CZI file"
_PLANE_AXES = "TCZ"
_WORDS = {"S": "scene", "H": "phase", "I": "illumination", "R": "rotation", "V": "view"}
_KEPT = 64 << 20  # bytes of decoded tiles
_MOST_TILES = 2000  # of a plane of which gaps are looked for
_MOST_APART = 1000  # times the area of all tiles that their frame may have
_METRE = 1e6  # micrometres
_NANOSECOND = 1e-9


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open a CZI file, as `w2s_cli.io.open_image` says."""
    with ExitStack() as files:
        with reading(path, _KIND):
            container = Container(files.enter_context(path.open("rb")), path)
            images = [_described(one) for one in _scenes(container, path)]
        yield maker_stack(images, wanted, path, _KIND)


@dataclass(frozen=True, slots=True)
class _Scene:
    """The tiles of one image, which has one place on the axes that OME has none for."""

    container: Container
    fixed: dict[str, int]
    tiles: dict[tuple[int, ...], list[Subblock]]  # by T, C and Z; the topmost last
    values: dict[str, list[int]]  # of T, C and Z, those that there are
    corner: tuple[int, int]  # of all tiles: Y and X
    plane: tuple[int, int]
    kept: OrderedDict[int, NDArray[Any]] = field(default_factory=OrderedDict)

    @property
    def sizes(self) -> dict[str, int]:
        """Return the lengths of T, C and Z."""
        return {axis: len(n) for axis, n in self.values.items() if len(n) > 1}

    @property
    def first(self) -> Subblock:
        """Return a tile, which is like the others."""
        return next(iter(self.tiles.values()))[0]

    def at(self, index: tuple[int, ...]) -> list[Subblock]:
        """Return the tiles of a plane."""
        places = dict(zip(self.sizes, index, strict=True))
        key = (self.values[axis][places.get(axis, 0)] for axis in _PLANE_AXES)
        return self.tiles.get((*key,), [])

    def read(self, index: tuple[int, ...], rows: slice, columns: slice) -> NDArray[Any]:
        """Return a part of a plane, as `MakerImage` says; 0 where there is no tile."""
        first = self.first
        sides = (rows.stop - rows.start, columns.stop - columns.start)
        part = np.zeros((*sides, first.samples), first.dtype.newbyteorder("="))
        for tile in self.at(index):
            top, left = (
                tile.start[axis] - corner
                for axis, corner in zip("YX", self.corner, strict=True)
            )
            y = _common(rows, top, tile.size["Y"])
            x = _common(columns, left, tile.size["X"])
            if y.start < y.stop and x.start < x.stop:
                pixels = self._rows(tile, slice(y.start - top, y.stop - top))
                part[
                    y.start - rows.start : y.stop - rows.start,
                    x.start - columns.start : x.stop - columns.start,
                ] = pixels[:, x.start - left : x.stop - left]
        return part if first.samples > 1 else part[..., 0]

    def _rows(self, tile: Subblock, rows: slice) -> NDArray[Any]:
        """Return rows of a tile; those that were decoded last are kept."""
        if not tile.compression or (tile.size["Y"], tile.size["X"]) == self.plane:
            return self.container.read(tile, rows)
        whole = self.kept.pop(tile.offset, None)
        if whole is None:
            whole = self.container.read(tile, slice(0, tile.size["Y"]))
        self.kept[tile.offset] = whole
        while len(self.kept) > 1 and (
            sum(one.nbytes for one in self.kept.values()) > _KEPT
        ):
            self.kept.popitem(last=False)
        return whole[rows]

    def there(self) -> NDArray[np.bool_]:
        """Return which planes have tiles that are whole."""
        planes = [self.at(index) for index in np.ndindex(*self.sizes.values())]
        whole = self.container.is_whole
        return np.array([bool(one) and all(map(whole, one)) for one in planes])


def _common(wanted: slice, start: int, size: int) -> slice:
    return slice(max(wanted.start, start), min(wanted.stop, start + size))


def _scenes(container: Container, path: Path) -> Iterator[_Scene]:
    """Yield the images: one for each scene, phase and the like, and type of pixels."""
    grouped: dict[Any, list[Subblock]] = defaultdict(list)
    for block in container.subblocks:
        if not block.reduced:
            if any(n > 1 for axis, n in block.size.items() if axis not in "YXM"):
                raise ValueError("it has pieces of several planes, such as line scans")
            others = {a: n for a, n in block.start.items() if a not in "YXMBTCZ"}
            grouped[*sorted(others.items()), ("", block.pixels)].append(block)
    if container.subblocks and not grouped:
        raise InputError(
            f"{path} holds only reduced copies of its image",
            hint="save it in ZEN with its full resolution",
        )
    varied = {
        axis
        for axis in {axis for key in grouped for axis, _ in key}
        if len({dict(key).get(axis) for key in grouped}) > 1
    }
    for key, blocks in sorted(grouped.items()):
        tiles = defaultdict(list)
        for block in sorted(blocks, key=lambda one: one.start.get("M", 0)):
            tiles[*(block.start.get(axis, 0) for axis in _PLANE_AXES),].append(block)
        values = {
            axis: sorted({place[number] for place in tiles})
            for number, axis in enumerate(_PLANE_AXES)
        }
        corner = [min(one.start[axis] for one in blocks) for axis in "YX"]
        far = [max(one.start[a] + one.size[a] for one in blocks) for a in "YX"]
        fixed = {axis: n for axis, n in key if axis in varied or axis == "S"}
        plane = (far[0] - corner[0], far[1] - corner[1])
        largest = max(one.size["Y"] * one.size["X"] for one in blocks)
        if plane[0] * plane[1] > _MOST_APART * largest * len(blocks):
            raise ValueError(f"its tiles lie too far apart, in {plane} pixels")
        yield _Scene(container, fixed, {**tiles}, values, (corner[0], corner[1]), plane)


def _described(scene: _Scene) -> MakerImage:
    first, several = scene.first, any(len(one) > 1 for one in scene.tiles.values())
    scenes = _information(scene.container.xml).iterfind("./Dimensions/S/Scenes/Scene")
    names = {one.get("Index"): one.get("Name", "") for one in scenes}
    words = [
        names.get(str(place)) or f"{_WORDS[axis]} {place + 1}"
        if axis == "S"
        else f"{_WORDS.get(axis, axis)} {place + 1}"
        for axis, place in scene.fixed.items()
        if axis
    ]
    if "" in scene.fixed:
        words.append("colours" if first.samples > 1 else str(first.dtype))
    bare = not first.compression
    chunk = (first.size["Y"], first.size["X"]) if several else None
    return MakerImage(
        name=", ".join(words),
        sizes=scene.sizes,
        plane=scene.plane,
        dtype=first.dtype.newbyteorder("="),
        samples=first.samples,
        read=scene.read,
        facts=lambda: _facts(scene),
        extra={
            "format": "CZI",
            "compression": COMPRESSIONS.get(first.compression, "unknown"),
        },
        chunk=(1, scene.plane[1]) if bare and not several else chunk,
        there=scene.there,
        said=lambda: _said_of_tiles(scene),
        sparse=True,
    )


def _information(xml: str) -> Element:
    """Return what the metadata say of the image."""
    try:
        found = ElementTree.fromstring(xml).find("./Metadata/Information/Image")
    except ElementTree.ParseError:
        found = None
    return Element("Image") if found is None else found


def _facts(scene: _Scene) -> Facts:
    """Return what the file says of an image."""
    root = ElementTree.fromstring(scene.container.xml or "<ImageDocument/>")
    image = _information(scene.container.xml)
    sizes = {
        one.get("Id", ""): positive(one.findtext("Value"))
        for one in root.iterfind("./Metadata/Scaling/Items/Distance")
    }
    rows = image.findall("./Dimensions/Channels/Channel")
    shown = {
        one.get("Id"): one
        for one in root.iterfind("./Metadata/DisplaySetting/Channels/Channel")
    }
    channels = [
        _channel(rows[place], shown.get(rows[place].get("Id"), Element("none")))
        if place < len(rows)
        else ChannelFacts()
        for place in scene.values["C"]
    ]
    exposures = [
        positive(rows[place].findtext("ExposureTime")) if place < len(rows) else None
        for place in scene.values["C"]
    ]
    planes = _planes(scene, exposures)
    date = (image.findtext("AcquisitionDateAndTime") or "").strip()
    return Facts(
        pixel_size={a: n * _METRE for a, n in sizes.items() if n and a in "XYZ" and a},
        time_step=_time_step(scene, image, planes),
        channels=channels,
        planes=planes,
        date=date if _moment(date) else "",
        bits=int(positive(image.findtext("ComponentBitCount")) or 0) or None,
        **_lens(root, image),
    )


def _lens(root: Element, image: Element) -> dict[str, Any]:
    settings = image.find("./ObjectiveSettings")
    settings = Element("none") if settings is None else settings
    reference = settings.find("./ObjectiveRef")
    wanted = None if reference is None else reference.get("Id")
    lenses = root.findall("./Metadata/Information/Instrument/Objectives/Objective")
    for lens in lenses:
        if wanted in (None, lens.get("Id")):
            return {
                "objective": lens.findtext("./Manufacturer/Model")
                or lens.get("Name", ""),
                "magnification": positive(lens.findtext("NominalMagnification")),
                "aperture": positive(lens.findtext("LensNA")),
                "immersion": lens.findtext("Immersion") or "",
                "index": positive(settings.findtext("RefractiveIndex")),
            }
    return {}


def _channel(said: Element, shown: Element) -> ChannelFacts:
    colour = said.findtext("Color") or shown.findtext("Color") or ""
    digits = colour.removeprefix("#")[-6:]
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError:
        rgb = None
    else:
        rgb = (red, green, blue)
    return ChannelFacts(
        said.get("Name", "") or shown.get("Name", ""),
        rgb,
        positive(said.findtext("ExcitationWavelength")),
        positive(said.findtext("EmissionWavelength")),
        said.findtext("Fluor") or shown.findtext("DyeName") or "",
    )


def _planes(scene: _Scene, exposures: Sequence[float | None]) -> list[PlaneFacts]:
    """Return exposure, time and stage of each plane; the stage is that of one tile."""
    lengths = {axis: len(n) for axis, n in scene.values.items()}
    if len(scene.tiles) > MOST_PLANES:
        return []
    found: list[tuple[tuple[int, int, int], datetime | None, dict[str, float]]] = []
    for time, channel, depth in np.ndindex(*lengths.values()):
        key = (scene.values["T"][time], scene.values["C"][channel])
        tiles = scene.tiles.get((*key, scene.values["Z"][depth]))
        if tiles and scene.container.is_whole(tiles[0]):
            tags = _tags(scene.container.metadata(tiles[0]))
            stage = {
                axis: float(tags[name])
                for axis, name in (("X", "StageXPosition"), ("Y", "StageYPosition"))
                if name in tags
            }
            place = (time, channel, depth)
            found.append((place, _moment(tags.get("AcquisitionTime", "")), stage))
    moments = [moment for _, moment, _ in found if moment]
    return [
        PlaneFacts(
            place,
            (exposures[place[1]] or 0) * _NANOSECOND or None,
            (moment - min(moments)).total_seconds() if moment else None,
            stage,
        )
        for place, moment, stage in found
    ]


def _tags(xml: str) -> dict[str, str]:
    """Return what is said of a tile."""
    try:
        root = ElementTree.fromstring(xml.strip("\0 \r\n") or "<METADATA/>")
    except ElementTree.ParseError:
        return {}
    return {one.tag: one.text for one in root.iterfind("./Tags/*") if one.text}


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _time_step(
    scene: _Scene, image: Element, planes: Sequence[PlaneFacts]
) -> float | None:
    """Return seconds between frames: as measured, or else as it was asked for."""
    if "T" not in scene.sizes:
        return None
    asked = positive(image.findtext("./Dimensions/T/Positions/Interval/Increment"))
    return measured_step(planes) or asked


def _said_of_tiles(scene: _Scene) -> tuple[str, ...]:
    """Say what an image that is put together of tiles is."""
    tiles = max(scene.tiles.values(), key=len)
    if len(tiles) == 1:
        return ()
    gaps = _uncovered(tiles, scene) if len(tiles) <= _MOST_TILES else 0.0
    lacking = f"; {100 * gaps:.2g} % of it has no tile, and is 0" if gaps else ""
    return (
        f"it is put together of {len(tiles)} tiles, at the places that the microscope "
        f"gave them, the later on top: nothing is blended{lacking}",
    )


def _uncovered(tiles: Sequence[Subblock], scene: _Scene) -> float:
    """Return how much of a plane no tile covers."""
    lines = [
        np.unique(
            [one.start[axis] + end * one.size[axis] for one in tiles for end in (0, 1)]
            + [corner, corner + length]
        )
        for axis, corner, length in zip("YX", scene.corner, scene.plane, strict=True)
    ]
    covered = np.zeros([len(one) - 1 for one in lines], bool)
    for tile in tiles:
        rows, columns = (
            slice(*np.searchsorted(at, [tile.start[a], tile.start[a] + tile.size[a]]))
            for a, at in zip("YX", lines, strict=True)
        )
        covered[rows, columns] = True
    areas = np.outer(*map(np.diff, lines))
    return float(areas[~covered].sum() / areas.sum())
