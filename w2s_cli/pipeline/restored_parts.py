"""Parts of a large output of OME-Zarr, restored and written apart from one another.

What becomes of a part does not depend on who restores it, nor on the order: all that
is measured of the image is decided before. What is found on the way is put together in
the order of the planes, so that the record says what it says of one process.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

from w2s_cli.io.ome_zarr_writing import ZarrOutput
from w2s_cli.io.single_precision import RoundingNotes
from w2s_cli.pipeline.network_check import Sums
from w2s_cli.pipeline.restoration import Restoration
from w2s_cli.restorers.tiling import tile_count

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a plane of the output: whole blocks of it, made of whole tiles."""

    index: Index
    rows: slice
    tiles: int  # in it
    before: int  # tiles of the same channel in the parts before it


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a part."""

    clipped: Mapping[int, int]
    repairs: Mapping[int, dict[str, Any]]
    unknown: Mapping[int, int]
    sums: Sequence[Sums]  # of the tiles that were looked at
    rounded: tuple[float, str] | None  # by the input's type: how much, in words


def parts_of(restoration: Restoration, block_rows: int) -> Iterator[Part]:
    """Yield the parts of an output whose blocks have so many rows, plane by plane."""
    image, traits = restoration.image, restoration.chain.traits
    height, width = image.data.shape[-2:]
    scale = traits.scale
    step = height if traits.whole else lcm(block_rows, restoration.tile * scale)
    before = dict.fromkeys(range(image.channel_count), 0)
    for index in image.indices():
        channel = image.channel_of(index)
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            sides = (rows.stop - top) // scale, width // scale
            tiles = tile_count(*sides, traits, restoration.tile)
            yield Part(index, rows, tiles, before[channel])
            before[channel] += tiles


def restore_part(restoration: Restoration, output: ZarrOutput, part: Part) -> Found:
    """Restore a part, and write it."""
    image, index = restoration.image, part.index
    check = restoration.checks.get(image.channel_of(index))
    if check:
        check.tiles, check.found = part.before, []
    rows = output.block_rows if image.large else part.rows.stop - part.rows.start
    for top in range(part.rows.start, part.rows.stop, rows):
        here = slice(top, min(top + rows, part.rows.stop))
        band = image.region(index, here, slice(0, image.data.shape[-1]))
        output.write_rows(index, top, band)
    return Found(
        restoration.tally.by_plane.get(index, {}),
        restoration.repairs.by_plane.get(index, {}),
        restoration.unknown.pixels.get(index, {}),
        check.found if check else (),
        _rounded(restoration.source.warnings),
    )


def put_together(restoration: Restoration, found: Iterable[tuple[Part, Found]]) -> None:
    """Add what was found in all parts, in their order."""
    notes = restoration.source.warnings
    for part, one in found:
        index = part.index
        tables: tuple[tuple[dict[Index, Any], Mapping[int, Any]], ...] = (
            (restoration.tally.by_plane, one.clipped),
            (restoration.repairs.by_plane, one.repairs),
            (restoration.unknown.pixels, one.unknown),
        )
        for table, rows in tables:
            if rows:
                table.setdefault(index, {}).update(rows)
        if check := restoration.checks.get(restoration.image.channel_of(index)):
            check.tiles += part.tiles
            check.found += one.sums
        if one.rounded and isinstance(notes, RoundingNotes):
            notes.note(*one.rounded)


def _rounded(notes: Sequence[str]) -> tuple[float, str] | None:
    if isinstance(notes, RoundingNotes) and notes.worst:
        return notes.worst, notes[-1]
    return None
