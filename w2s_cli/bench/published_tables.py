"""The tables of the papers, to stand beside those of a bench."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from w2s_cli.bench.config import CLEAN, LEVEL, NOISY, Row
from w2s_cli.errors import few
from w2s_cli.methods import METHODS
from w2s_cli.weights.catalogue import WEIGHTS

_FILE = Path(__file__).with_name("published_tables.toml")

# What the papers call the methods of this program.
_NAMES = {
    NOISY: NOISY,
    CLEAN: CLEAN,
    "pure-let": "PURE-LET",
    "vst+epll": "VST+EPLL",
    "vst+bm3d": "VST+BM3D",
    "memnet": "MemNet",
    "dncnn": "DnCNN",
    "ridnet": "RIDNet",
    "rcan": "RCAN",
    "rdn": "RDN",
    "san": "SAN",
    "srfbn": "SRFBN",
    "epsr": "EPSR",
    "rrdb": "ESRGAN",
    "n2n-fmd": "N2N",
}
_WITHOUT_WEIGHTS = ("pure-let", "vst+epll", "vst+bm3d")
# Networks that the paper also trained to denoise and enlarge at once.
_JOINT = {"rcan": "JDSR-RCAN", "rrdb": "JDSR-ESRGAN"}
# And the networks that were published with W2S, by their kind.
_OF_W2S = {"dncnn": "DnCNN", "memnet": "MemNet", "rrdb": "W2S"}


@dataclass(frozen=True, slots=True)
class Table:
    """A printed table."""

    # name, title, source: what it is and where it stands
    name: str
    title: str
    source: str
    # data, scale, protocol: what must be the same for its figures to be comparable
    data: str
    scale: int
    protocol: str
    metrics: list[str]  # the figures of each cell
    conditions: list[str]  # its columns: levels of noise, or data sets
    # method -> for each condition the figures; empty where none is printed
    rows: dict[str, list[list[float]]]

    def figures(self, method: str, condition: str) -> dict[str, float]:
        """Return the printed figures of a method by metric, if there are any."""
        if method not in self.rows or condition not in self.conditions:
            return {}
        cell = self.rows[method][self.conditions.index(condition)]
        return dict(zip(self.metrics, cell, strict=False))


@cache
def tables() -> tuple[Table, ...]:
    """Return all printed tables."""
    found = tomllib.loads(_FILE.read_text())
    return tuple(Table(name, **fields) for name, fields in found.items())


def tables_for(data: str, part: str, scale: int, protocol: str) -> list[Table]:
    """Return the printed tables of the same data set, part of it, scale and protocol.

    `part` is such as "test_mix", or empty for all of the data.
    """
    kind = "w2s" if data.startswith("w2s-") else data
    return [
        table
        for table in tables()
        if table.data in (kind, f"{kind}/{part}")
        and (table.scale, table.protocol) == (scale, protocol)
    ]


def printed(row: Row, part: str, found: Iterable[Table]) -> dict[str, float]:
    """Return the printed figures of a row by metric, from the first table that has it.

    A column is for a level, or for a part of the data at the first level. Noise-free
    images are a row of their own, whatever their level.
    """
    name = paper_name(row)
    for table in found:
        level = table.conditions[0] if row.denoiser == CLEAN else str(row.level)
        by_part = part in table.conditions and row.level == 1
        if figures := table.figures(name, part if by_part else level):
            return figures
    return {}


def paper_name(row: Row) -> str:
    """Return what the papers call a row; empty where they have no name for it."""
    if not row.denoiser and row.sr in _JOINT:
        return _JOINT[row.sr]
    parts = [_paper_name(part) for part in (row.denoiser, row.sr) if part]
    return "+".join(parts) if all(parts) else ""


def lacking(rows: Iterable[Row], found: Iterable[Table]) -> Iterator[str]:
    """Yield which printed rows were not measured, and then how each part would be."""
    measured = {paper_name(row) for row in rows}
    parts: list[str] = []
    for table in found:
        names = [name for name in table.rows if name not in measured]
        for name in names:
            # The name of one method may hold a "+", too
            first = [one for one in _NAMES.values() if name.startswith(f"{one}+")][:1]
            parts += [*first, name.removeprefix(f"{first[0]}+") if first else name]
        if len(names) == len(table.rows) > 1:
            yield f"not measured: {table.title}: all {len(names)} rows"
        elif names:
            yield f"not measured: {table.title}: {few(names)}"
    for part in dict.fromkeys(parts):
        yield f"to measure {part}: {_way_to(part)}"


def _paper_name(method: str) -> str:
    if method in _NAMES:
        return _NAMES[method]
    item = WEIGHTS.get(method)
    of_w2s = item is not None and "-w2s-" in method
    return _OF_W2S.get(item.network, "") if item and of_w2s else ""


def _way_to(part: str) -> str:
    """Say how a part of a printed row comes into the table."""
    if part in (NOISY, CLEAN):
        return "--sr alone, with which it comes"
    if published := [name for name in WEIGHTS if _paper_name(name) == part]:
        levels = published[0]
        if len(published) > 1:
            levels = levels.replace("avg1", f"avg{LEVEL}")
        option = "--jdsr" if METHODS[published[0]].scale == 2 else "--denoiser"
        return f"{option} {levels}, after w2s fetch {' '.join(published)}"
    known = [("--jdsr", key) for key, value in _JOINT.items() if value == part]
    for key, value in _NAMES.items():
        if value == part:
            known.append(("--denoiser" if METHODS[key].scale == 1 else "--sr", key))
    if not known:
        return "no weights are published, and no method has this name"
    option, method = known[0]
    if method in _WITHOUT_WEIGHTS:
        return f"{option} {method}"
    return f"{option} {method} --weights {method}=FILE; none are published"
