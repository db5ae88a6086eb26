"""LIF, Leica's format: a project of many images. Read by the library liffile."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from w2s_cli.io.maker_files import (
    MOST_PLANES,
    MakerImage,
    WithinFile,
    maker_stack,
    reading,
)
from w2s_cli.io.maker_ome import ChannelFacts, Facts, PlaneFacts
from w2s_cli.io.samples import PRIMARIES
from w2s_cli.io.units import micrometres, positive, seconds
from w2s_cli.io.wanted import Wanted
from w2s_cli.stack import Stack

_KIND = "a Leica LIF file"
_DIMENSIONS = {"X": "1", "Y": "2", "Z": "3", "T": "4"}  # as the file numbers them
_COLOURS = dict(zip(("red", "green", "blue"), PRIMARIES, strict=True)) | {
    "gray": (255, 255, 255),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "yellow": (255, 255, 0),
}
_WORDS = {"M": "tile", "λ": "emission", "Λ": "excitation", "A": "angle", "L": "loop"}
_METRE = 1e6  # micrometres

# liffile logs what is odd in a file; what matters of it is raised here.
logging.getLogger("liffile").addHandler(logging.NullHandler())


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open a LIF file, as `w2s_cli.io.open_image` says."""
    import liffile

    with ExitStack() as files:
        with reading(path, _KIND):
            opened = files.enter_context(WithinFile(path))
            file = files.enter_context(liffile.LifFile(opened))
            planar = [one for one in file.images if _is_planar(one)]
            left = [one.path for one in file.images if one not in planar]
            images = [_described(part) for one in planar for part in _parts(one)]
        yield maker_stack(images, wanted, path, _KIND, left=left)


def _is_planar(image: Any) -> bool:
    """Return whether an image has planes of rows and columns, as counts."""
    if image.is_flim:
        return False
    try:
        return "".join(image.frames.frame_dims) in ("YX", "YXS") and bool(image.dtype)
    except (LookupError, OSError, ValueError):  # its channels are of several types
        return False


@dataclass(frozen=True, slots=True)
class _Part:
    """An image of the project: all of it, or a place on axes that OME has none for."""

    image: Any
    fixed: Mapping[str, int]

    @property
    def sizes(self) -> dict[str, int]:
        """Return the lengths of T, C and Z, in the order of the file."""
        said = self.image.sizes.items()
        return {axis: n for axis, n in said if axis in "TCZ" and n > 1}

    @property
    def name(self) -> str:
        """Return the name in the project, and the number of the tile and the like."""
        places = [f"{_WORDS.get(axis, axis)} {n + 1}" for axis, n in self.fixed.items()]
        return " ".join([self.image.path, *places])

    def read(self, index: tuple[int, ...], rows: slice, columns: slice) -> NDArray[Any]:
        """Return a part of a plane, as `MakerImage` says."""
        at = dict(zip(self.sizes, index, strict=True))
        return np.array(self.image.frame(**self.fixed, **at)[rows, columns])

    def there(self) -> NDArray[np.bool_]:
        """Return which planes lie within the file."""
        shape = (*self.sizes.values(),)
        try:
            block = self.image.memory_block
        except LookupError:  # the file ends before
            return np.zeros(prod(shape), bool)
        end = Path(self.image.parent.filepath).stat().st_size
        if block.offset + block.size <= end:
            return np.ones(prod(shape), bool)
        return np.array([self._is_readable(index) for index in np.ndindex(shape)])

    def _is_readable(self, index: tuple[int, ...]) -> bool:
        try:
            self.read(index, slice(0, 1), slice(0, 1))
        except OSError:
            return False
        return True


def _parts(image: Any) -> Iterator[_Part]:
    apart = {axis: n for axis, n in image.sizes.items() if axis not in "TCZYXS"}
    for place in product(*map(range, apart.values())):
        yield _Part(image, dict(zip(apart, place, strict=True)))


def _described(part: _Part) -> MakerImage:
    sizes = part.image.sizes
    return MakerImage(
        name=part.name,
        sizes=part.sizes,
        plane=(sizes["Y"], sizes["X"]),
        dtype=part.image.dtype,
        samples=sizes.get("S", 1),
        read=part.read,
        facts=lambda: _facts(part),
        extra={"format": "LIF", "compression": "none"},
        there=part.there,
    )


def _facts(part: _Part) -> Facts:
    """Return what the file says of an image."""
    said = part.image.xml_element.find("./Data/Image")
    axes = {
        one.get("DimID"): one
        for one in said.iterfind("ImageDescription/Dimensions/DimensionDescription")
    }
    steps = {axis: _step(axes.get(number)) for axis, number in _DIMENSIONS.items()}
    lens: dict[str, str] = {}
    for one in said.iterfind("Attachment//*[@NumericalAperture]"):
        lens = dict(one.attrib)
        break
    pinhole = positive(lens.get("Pinhole"))
    dates = part.image.timestamps
    return Facts(
        pixel_size={a: step for a in "XYZ" if (step := steps[a])},
        time_step=steps["T"],
        channels=_channels(said, pinhole and pinhole * _METRE),
        planes=_planes(part),
        date="" if dates is None or not len(dates) else str(dates.min()),
        objective=lens.get("ObjectiveName", "").strip(),
        magnification=positive(lens.get("Magnification")),
        aperture=positive(lens.get("NumericalAperture")),
        immersion=lens.get("Immersion", ""),
        index=positive(lens.get("RefractionIndex")),
    )


def _step(axis: Element | None) -> float | None:
    """Return micrometres or seconds between what follows each other along an axis."""
    if axis is None:
        return None
    count, unit = int(axis.get("NumberOfElements", 0)), axis.get("Unit", "")
    length = positive(axis.get("Length", "").lstrip("-"))
    factor = micrometres(unit) or seconds(unit)
    # The length is that from the first to the last.
    return length * factor / (count - 1) if length and factor and count > 1 else None


def _channels(said: Element, pinhole: float | None) -> list[ChannelFacts]:
    rows = said.findall("ImageDescription/Channels/ChannelDescription")
    lamps = said.findall("Attachment//WideFieldChannelInfo")
    found = []
    for number, row in enumerate(rows):
        lamp = lamps[number] if len(lamps) == len(rows) else Element("none")
        dye = next(
            (
                one.findtext("Value") or ""
                for one in row.iterfind("ChannelProperty")
                if one.findtext("Key") == "DyeName"
            ),
            "",
        )
        table = row.get("LUTName", "")
        found.append(
            ChannelFacts(
                lamp.get("UserDefName") or dye or table,
                _COLOURS.get(table.lower()),
                positive(lamp.get("ExcitationWavelength")),
                positive(lamp.get("EmissionWavelength")),
                dye,
                pinhole,
            )
        )
    return found


def _planes(part: _Part) -> list[PlaneFacts]:
    """Return the place of the stage, the same for all planes of a tile."""
    tiles, tile = part.image.tilescan, part.fixed.get("M", 0)
    lengths = {axis: part.sizes.get(axis, 1) for axis in "TCZ"}
    if tiles is None or tile >= len(tiles) or prod(lengths.values()) > MOST_PLANES:
        return []
    stage = {axis: float(tiles[f"pos_{axis.lower()}"][tile]) * _METRE for axis in "XYZ"}
    return [
        PlaneFacts((time, channel, depth), stage=stage)
        for time, channel, depth in np.ndindex(*lengths.values())
    ]
