"""Repair what a camera reads wrongly, before anything else; and the maps of it.

A map is an image (Y, X) of whole numbers: 0 for a good pixel, 1 for a hot one, 2 for a
dead one, 3 for one that blinks, 4 for one of a lost line. Any other number is a defect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli import __version__
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.microscope.defects import (
    GOOD,
    LINE,
    Defects,
    Kinds,
    find_defects,
    map_defects,
    no_defects,
)
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.noise_with_defects import fit_noise_with_defects
from w2s_cli.microscope.plane_sampling import checked_finite
from w2s_cli.pipeline.diagnosis import Diagnosis
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import LARGEST_WHOLE, Stack

MOST_PLANES = 64  # that a map is made from

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Repairs:
    """What was repaired in each plane that has been read."""

    # Of each plane: the numbers by its rows of cells
    by_plane: dict[Index, dict[int, dict[str, Any]]] = field(default_factory=dict)

    def count(self, index: Index, row: int, cells: Sequence[Mapping[str, Any]]) -> None:
        """Note what was found in a row of cells, if anything."""
        if cells:
            alone = ("lost_rows",)  # cells beside one another share them
            found = _merged(cells, alone)
            self.by_plane.setdefault(index, {})[row] = found

    def as_json(self) -> dict[str, Any]:
        """Return the part of the record: the most of each kind in a plane."""
        found = [
            _merged([*rows.values()], ("lost_columns",))
            for rows in self.by_plane.values()
        ]
        if not found:
            return {}
        most = {key: max((one[key] for one in found), key=abs) for key in found[0]}
        return {"repaired": {"planes": len(found), **most}}


def _merged(parts: Sequence[Mapping[str, Any]], alone: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of parts: summed if whole, else, and those alone, the most."""
    return {
        key: sum(values)
        if all(isinstance(value, int) for value in values) and key not in alone
        else max(values, key=abs)
        for key in parts[0]
        for values in [[part[key] for part in parts]]
    }


def map_for(spec: RestoreSpec, stack: Stack) -> Kinds | None:
    """Return the map of defects that a specification names, for planes of a stack.

    Raises
    ------
    UsageError
        When the map has another size, or when lines are to be evened out in a plane
        that is too large for that.
    InputError
        When the file cannot be read, or is no map.
    """
    if spec.defects == "all" and stack.large:
        height, width = stack.data.shape[-2:]
        raise UsageError(
            f"--defects all compares whole rows and columns, and a plane of {height} x "
            f"{width} pixels is never in memory as a whole",
            hint="leave it out, or cut the image into planes of at most "
            f"{isqrt(LARGEST_WHOLE)} x {isqrt(LARGEST_WHOLE)}",
        )
    if not isinstance(spec.defects, Path):
        return None
    kinds = read_defect_map(spec.defects)
    if kinds.shape != stack.data.shape[-2:]:
        here, there = (
            " x ".join(map(str, shape))
            for shape in (stack.data.shape[-2:], kinds.shape)
        )
        raise UsageError(
            f"the image has {here} pixels, the map of defects {there}",
            hint="make a map from images of the same camera and region: "
            "w2s estimate-defects",
        )
    return kinds


def defect_finders(
    stack: Stack, diagnosis: Diagnosis, known: Kinds | None
) -> dict[int, Callable[[NDArray[Any], slice, slice], Defects]]:
    """Return what finds the defects of some rows and columns of a plane, by channel.

    Planes are looked through where one of those that were looked at before had
    defects, or some are known.

    Parameters
    ----------
    stack
        The image in camera counts.
    diagnosis
        What was found in it.
    known
        A map of defects, if there is one.
    """
    finders: dict[int, Callable[[NDArray[Any], slice, slice], Defects]] = {}
    for number in range(stack.channel_count):
        found = diagnosis.channels[number] if diagnosis.channels else None
        if found and found.defects and found.defects.found and found.fit:
            finders[number] = partial(
                _found_in,
                find_defects,
                known,
                noise=found.fit.model,
                even_lines=found.defects.evens_lines,
            )
        elif known is not None:
            finders[number] = partial(_found_in, _known, known)
    return finders


def _found_in(
    find: Callable[..., Defects],
    known: Kinds | None,
    counts: NDArray[Any],
    rows: slice,
    columns: slice,
    **facts: Any,
) -> Defects:
    part = None if known is None else known[rows, columns]
    return find(checked_finite(counts, ""), known=part, **facts)


def _known(plane: NDArray[Any], known: Kinds) -> Defects:
    return replace(no_defects(plane, NoiseModel(1.0)), kinds=known)


def read_defect_map(path: Path) -> Kinds:
    """Return the map of defects in an image file.

    Raises
    ------
    InputError
        When the file cannot be read, has several planes, or marks all pixels.
    """
    with open_image(path) as stack:
        leading = stack.data.shape[:-2]
        if any(length > 1 for length in leading):
            raise InputError(
                f"{path} is no map of defects: its shape is {stack.data.shape}",
                hint="a map has one plane; w2s estimate-defects makes one",
            )
        values = stack.data[(0,) * len(leading)]
    named = np.isin(values, range(GOOD, LINE + 1))
    kinds = np.where(named, values, LINE).astype(np.uint8)
    if (kinds != GOOD).all():
        raise InputError(
            f"{path} is no map of defects: no pixel is 0, a good one",
            hint="a map is 0 where the camera is right",
        )
    return kinds


def estimate_defects(
    files: Sequence[Path], target: Path, *, axes: str | None = None, overwrite: bool
) -> dict[str, Any]:
    """Write the map of the defects that images of a camera share; return the numbers.

    Parameters
    ----------
    files
        Images of any scenes, or without light, of one size.
    target
        The map.
    axes
        The axes of the files, where they have none or wrong ones.
    overwrite
        Whether a map that exists is replaced.

    Raises
    ------
    InputError
        When a file cannot be read, is of another size, or shows no noise.
    """
    planes: list[NDArray[Any]] = []
    noise: list[NoiseModel] = []
    for path in files:
        with open_image(path, axes=axes) as stack:
            every = [*stack.indices()]
            for at in every[:: -(-len(every) * len(files) // MOST_PLANES)]:
                plane = checked_finite(stack.data[at], stack.plane_name(at))
                if planes and plane.shape != planes[0].shape:
                    raise InputError(
                        f"{path} has {plane.shape} pixels, {files[0]} "
                        f"{planes[0].shape}",
                        hint="a map is of one region of one camera",
                    )
                planes.append(plane)
                noise.append(fit_noise_with_defects([plane])[0].model)
    kinds = map_defects(planes, noise)
    found = replace(no_defects(planes[0], noise[0]), kinds=kinds)
    numbers = {"planes": len(planes), **found.as_json()}
    numbers["lost"] = int(np.count_nonzero(kinds == LINE))
    numbers["share"] = float(np.mean(kinds != GOOD))
    record = {
        "tool": "w2s",
        "version": __version__,
        "command": "estimate-defects",
        "files": [path.name for path in files],
        **numbers,
    }
    write_image(Stack(kinds, "YX"), target, overwrite=overwrite, record=lambda: record)
    return numbers
