"""The images in a TIFF, which tifffile calls series, and the one that is opened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from w2s_cli.errors import InputError
from w2s_cli.io import ome
from w2s_cli.io.single_precision import can_be_read
from w2s_cli.io.wanted import Wanted

# How microscopes and slide scanners call what is no image of the specimen's light.
_ASIDE = re.compile(
    r"\b(label|macro|overview|thumbnail|preview|mask|labels|masks|segmentation)\b",
    re.IGNORECASE,
)
_RGB, _YCBCR = 2, 6


@dataclass(frozen=True, slots=True)
class TiffImage:
    """One of the images in a TIFF."""

    name: str
    series: tifffile.TiffPageSeries
    place: int | None  # of its Image in the OME-XML; None where it has none

    @property
    def is_colour_picture(self) -> bool:
        """Return whether it is stored as pictures for the eye are."""
        page = self.series.keyframe
        return page.samplesperpixel > 1 and page.photometric in (_RGB, _YCBCR)

    def as_json(self, number: int) -> dict[str, Any]:
        """Return what `w2s info` says of it."""
        axes, shape = self.series.axes, self.series.shape
        return {
            "number": number,
            "name": self.name,
            "axes": axes,
            "shape": [*shape],
            "dtype": str(self.series.dtype),
            "colour": self.is_colour_picture,
        }


def images_in(file: tifffile.TiffFile, xml: str, path: Path) -> list[TiffImage]:
    """Return the images of a file, of a set of OME files those that lie in this one."""
    series = [one for one in file.series if one.size and 0 not in one.keyframe.shaped]
    own = [one for one in series if any(page.parent is file for page in one if page)]
    found = [
        one
        for one in own or series
        if not (one.kind == "lsm" and one.keyframe.is_reduced)
    ]
    if not found:
        raise InputError(f"{path} holds no image", hint="copy or export it again")
    names = ome.image_names(xml) if xml else []
    return [_image(one, names) for one in found]


def _image(series: tifffile.TiffPageSeries, names: Sequence[str]) -> TiffImage:
    if not names:
        return TiffImage(series.name, series, None)
    if series.kind == "ome" and series.name.isdecimal():
        place = int(series.name)  # as `ome.numbered` has written it
    elif len(names) == 1:
        place = 0
    else:
        return TiffImage("", series, None)
    return TiffImage(names[place], series, place)


def chosen(images: Sequence[TiffImage], wanted: Wanted) -> tuple[int, tuple[str, ...]]:
    """Return the place of the image to open, and what is to be said of the others.

    Without a wish it is the largest that shows the light of a specimen: no picture in
    colours, no label or preview, nothing of a type that cannot be read.
    """
    rows = [one.as_json(number) for number, one in enumerate(images, 1)]
    return wanted.chosen(rows, [_merit(one) for one in images])


def _merit(image: TiffImage) -> tuple[bool, bool, int]:
    readable = can_be_read(np.dtype(image.series.dtype))
    return (
        readable and not image.is_colour_picture,
        not _ASIDE.search(image.name),
        int(image.series.size),
    )
