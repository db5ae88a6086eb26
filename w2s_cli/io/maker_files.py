"""What the readers of microscopes' own files share: ND2, CZI and LIF."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader, FileIO
from math import prod
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, OutOfMemoryError, W2SError, few
from w2s_cli.io import ome
from w2s_cli.io.axes import SAMPLES
from w2s_cli.io.content import Content, as_stack
from w2s_cli.io.formats import conversion
from w2s_cli.io.maker_ome import ChannelFacts, Facts, maker_xml
from w2s_cli.io.missing_planes import without_missing
from w2s_cli.io.samples import MOST_LOOKED_AT, Kept, Samples, channels_of, check_colours
from w2s_cli.io.single_precision import can_be_read
from w2s_cli.io.wanted import Wanted
from w2s_cli.stack import Stack

MOST_PLANES = 20_000
"""Up to so many planes the time and the place of each are read."""
_RATIO = 1 << 10  # of bytes to those that they are deflated to, at the most
_Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MakerImage:
    """One of the images in the file of a microscope, whose pixels are not yet read."""

    name: str
    sizes: Mapping[str, int]  # of T, C and Z, those that it has, in the file's order
    plane: tuple[int, int]  # rows and columns
    dtype: np.dtype[Any]
    samples: int  # of a pixel: red, green, blue and perhaps how opaque it is
    # Returns rows and columns of the plane at the index along `sizes`, with an axis of
    # samples behind where there are several
    read: Callable[[_Index, slice, slice], NDArray[Any]]
    facts: Callable[[], Facts]
    extra: Mapping[str, Any]  # "format" and "compression"
    # The rows and columns that are read together; None where planes are read whole
    chunk: tuple[int, int] | None = None
    there: Callable[[], NDArray[np.bool_]] | None = None  # which planes are whole
    said: Callable[[], tuple[str, ...]] = tuple  # what is to be known of its pixels
    sparse: bool = False  # whether a plane may be larger than the file

    def as_json(self, number: int) -> dict[str, Any]:
        """Return what `w2s info` says of it."""
        colour = self.samples > 1
        return {
            "number": number,
            "name": self.name,
            "axes": "".join(self.sizes) + "YX" + SAMPLES * colour,
            "shape": [*self.sizes.values(), *self.plane, *[self.samples] * colour],
            "dtype": str(self.dtype),
            "colour": colour,
        }


class WithinFile(BufferedReader):
    """A file of which no more is read than it has: its header may promise anything."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(path))
        self._size = path.stat().st_size

    def read(self, count: int | None = -1, /) -> bytes:
        """Return so many bytes, or all that are left."""
        left = max(self._size - self.tell(), 0)
        return super().read(left if count is None or count < 0 else min(count, left))


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Say in a line what a library, or a parser of bytes, could not read.

    What they raise on a broken file is of every kind.
    """
    try:
        yield
    except (W2SError, GeneratorExit):
        raise
    except MemoryError as error:
        raise OutOfMemoryError(
            f"a plane of {path} does not fit into memory: {error}",
            hint="cut the image into pieces",
        ) from error
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path} starts like {kind} but is truncated, broken, or of a form that is "
            f"not known: {why}",
            hint=f"copy it again; or {conversion(path)}",
        ) from error


def maker_stack(
    images: Sequence[MakerImage],
    wanted: Wanted,
    path: Path,
    kind: str,
    *,
    left: Sequence[str] = (),
) -> Stack:
    """Return the image that is wanted of those in a file, or the largest of light.

    `left` are the names of what is in the file, but no image of rows and columns.
    """
    others = f"it also holds {few(left)}, of a kind that w2s does not read"
    if not images:
        raise InputError(
            f"{path} holds no image with rows and columns of pixels"
            f"{f', but {few(left)}' * bool(left)}",
            hint="open it in the microscope's program to see what was recorded",
        )
    rows = [one.as_json(number) for number, one in enumerate(images, 1)]
    merits = [
        (can_be_read(one.dtype) and one.samples == 1, prod(row["shape"]))
        for one, row in zip(images, rows, strict=True)
    ]
    place, said = wanted.chosen(rows, merits)
    image = images[place]
    size = prod(image.plane) * image.samples * image.dtype.itemsize
    held = path.stat().st_size * (1 if image.extra["compression"] == "none" else _RATIO)
    if not 0 < size <= held and not image.sparse:
        raise InputError(
            f"{path} promises planes of {image.plane[0]} x {image.plane[1]} pixels, "
            "more than the file can hold",
            hint=f"copy it again; or {conversion(path)}",
        )
    try:
        with reading(path, kind):
            facts = image.facts()
    except InputError as error:
        why = " ".join(str(error.__cause__ or error).split())[:200]
        why = f"its metadata cannot be read ({why}): they are not known, and left out"
        facts = Facts(warnings=(why,))
    kept = _samples(image, wanted, path, kind)
    content = _content(image, facts, kept, path, kind)
    content = replace(
        content,
        extra={**content.extra, "series": rows, "series number": place + 1},
        warnings=(*said, *[others] * bool(left), *content.warnings),
    )
    if image.there is not None:
        with reading(path, kind):
            there = image.there().repeat(len(kept.numbers))
        content = without_missing(content, there, path, "")
    return as_stack(content, wanted, path)


def _samples(image: MakerImage, wanted: Wanted, path: Path, kind: str) -> Kept:
    """Return which samples of a pixel are channels; a picture in colours is refused."""
    if image.samples == 1:
        return Kept((0,))
    shape = (*image.sizes.values(),)
    places = np.linspace(0, prod(shape) - 1, min(prod(shape), MOST_LOOKED_AT))
    whole = (slice(0, image.plane[0]), slice(0, image.plane[1]))

    def planes() -> Iterable[NDArray[Any]]:
        for place in sorted({int(place) for place in places}):
            with reading(path, kind):
                plane = image.read(_at(place, shape), *whole)
            yield np.moveaxis(plane, -1, 0)

    samples = Samples(
        image.samples,
        rgb=True,
        eight_bit=image.dtype.itemsize == 1,
        separate=False,
        alpha=(3,) if image.samples == 4 else (),
    )
    return channels_of(samples, planes, path, wanted=wanted.colours)


def _content(
    image: MakerImage, facts: Facts, kept: Kept, path: Path, kind: str
) -> Content:
    count, lead = len(kept.numbers), (*image.sizes.values(),)
    if image.samples > 1:
        named = [ChannelFacts(one.name, one.colour) for one in kept.channels]
        facts = replace(facts, channels=named * image.sizes.get("C", 1))
    xml = maker_xml(
        facts,
        image.name,
        {**image.sizes, "Y": image.plane[0], "X": image.plane[1]},
        {"float32": "float", "float64": "double"}.get(
            str(image.dtype), str(image.dtype)
        ),
        count,
    )
    described = ome.read_metadata(xml)
    del described["history"], described["warnings"]
    several = SAMPLES if count > 1 else ""
    lock = RLock()  # a file has one place at a time

    def read_part(number: int, rows: slice, columns: slice) -> NDArray[Any]:
        plane, sample = divmod(number, count)
        with lock, reading(path, kind):
            part = image.read(_at(plane, lead), rows, columns)
        if image.samples == 1:
            return part
        check_colours(kept, np.moveaxis(part, -1, 0), plane, path)
        return np.array(part[..., kept.numbers[sample]])

    def read(number: int) -> NDArray[Any]:
        return read_part(number, slice(0, image.plane[0]), slice(0, image.plane[1]))

    return Content(
        axes=f"{''.join(image.sizes)}{several}YX",
        shape=(*lead, *[count] * bool(several), *image.plane),
        dtype=image.dtype,
        read=read,
        read_part=read_part if image.chunk else None,
        chunk=image.chunk or (1, 1),
        extra={**image.extra, "ome": xml, "maker": True},
        warnings=(*image.said(), *facts.warnings, *filter(None, [kept.warning])),
        **described,
    )


def _at(number: int, lead: tuple[int, ...]) -> _Index:
    return tuple(int(place) for place in np.unravel_index(number, lead)) if lead else ()
