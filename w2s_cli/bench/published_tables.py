"""The tables of the papers, to stand beside those of a bench."""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, product
from math import nan
from pathlib import Path

from w2s_cli.bench.config import CLEAN, LEVEL, NOISY, Row
from w2s_cli.errors import few
from w2s_cli.methods import JOINT, METHODS
from w2s_cli.networks import NETWORKS
from w2s_cli.networks.rebuild import describe
from w2s_cli.weights import checkpoint
from w2s_cli.weights.catalogue import WEIGHTS, compact_weights

WHOLE = "all"  # the only condition of a table that is of all images of its data
_FILE = Path(__file__).with_name("published_tables.toml")

# What each paper calls the methods of this program; weights may be called so by a
# label. N2N is what that paper has trained, BM3D alone none of the methods here.
_NAMES: dict[str, dict[str, str]] = {
    "w2s": {
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
        "esrgan": "ESRGAN",
        "jdsr-rcan": "JDSR-RCAN",
        "jdsr-esrgan": "JDSR-ESRGAN",
        "jdsr-texture": "Ours",
    },
    "noise2sr": {"n2v": "N2V", "n2s": "N2S", "n2sr": "N2SR", "n2n": "N2N"},
    "fmd": {"n2n-fmd": "N2N"},
    "video-rate": {},
}
# Networks that W2S also trained to denoise and enlarge at once.
_JOINT = {"rcan": "JDSR-RCAN", "rrdb": "JDSR-ESRGAN"}
_OURS = "Ours"  # W2S's own network, an RRDB with fewer blocks than ESRGAN's 23
_MOST_BLOCKS = 16
# And the networks that were published with W2S, by their kind.
_OF_W2S = {"dncnn": "DnCNN", "memnet": "MemNet", "rrdb": _OURS}
# Millions of parameters of the papers' networks
_MILLIONS = {
    "DnCNN": 0.556,
    "MemNet": 0.195,
    "RIDNet": 1.50,
    "RCAN": 15.4,
    "RDN": 22.1,
    "SAN": 15.7,
    "SRFBN": 2.13,
    "ESRGAN": 16.9,
    _OURS: 11.9,
    "N2SR": 1.39,  # by its text
}
_ALIKE = 0.05  # share by which sizes that are rounded may differ


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
    split: str = "test"  # which images it scores

    @property
    def paper(self) -> str:
        """Return the paper that it stands in, as its name begins."""
        return next(paper for paper in _NAMES if self.name.startswith(paper))

    def figures(self, method: str, condition: str) -> dict[str, float]:
        """Return the printed figures of a method by metric, if there are any."""
        if method not in self.rows or condition not in self.conditions:
            return {}
        cell = self.rows[method][self.conditions.index(condition)]
        return dict(zip(self.metrics, cell, strict=False))

    def row_of(self, row: Row) -> str:
        """Return which of its rows a row of the bench is; empty for none."""
        names = (
            "+".join(filter(None, pair)) for pair in product(*paper_names(row, self))
        )
        return next((name for name in names if name in self.rows), "")


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
    for table in found:
        level = table.conditions[0] if row.denoiser == CLEAN else str(row.level)
        by_part = part in table.conditions and row.level == 1
        condition = part if by_part else level
        if table.conditions == [WHOLE]:
            condition = WHOLE
        if figures := table.figures(table.row_of(row), condition):
            return figures
    return {}


def paper_names(row: Row, table: Table) -> tuple[list[str], list[str]]:
    """Return what the paper of a table may call the denoiser and `sr` of a row.

    A label stands for itself, or else for the method. That images are noisy need not
    be in a name. What has never seen noise does not denoise: on noisy images it stands
    beside a network for super-resolution alone.
    """
    known, last = _NAMES[table.paper], row.weights_by_part[1]
    alone = not row.denoiser and any(map(_is_noise_free, _used(row.sr, last)))
    joint = not row.denoiser and not alone
    found = []
    parts = zip(row.labels, (row.denoiser, row.sr), row.weights_by_part, strict=True)
    for label, method, weights in parts:
        name = known.get(method, "")
        if table.paper == "w2s" and method in WEIGHTS and "-w2s-" in method:
            name = _OF_W2S.get(WEIGHTS[method].network, "")
        elif name == "ESRGAN" and any(weights) and _is_ours(weights[-1]):
            name = _OURS
        elif joint:
            name = _JOINT.get(method, name) if name else ""
        absent = [""] if method in ("", NOISY) else []
        absent += [NOISY] if method == "" and alone else []
        found.append([*filter(None, (label, name)), *absent])
    return found[0], found[1]


def _used(method: str, weights: Sequence[Path | None]) -> list[Path]:
    """Return the files that a method takes its weights from, compact ones that ship."""
    given = [*filter(None, weights)]
    ships = None if given else compact_weights(method)
    return [ships] if ships else given


@lru_cache
def _is_ours(weights: Path) -> bool:
    """Return whether an RRDB is W2S's own network, and no ESRGAN."""
    found = checkpoint.load(weights)
    recipe = found.record.get("recipe", {})
    last = [recipe, *recipe.get("phases", ())][-1]
    if "discriminator" in last:
        return not last["discriminator"].get("network")
    known = describe(found.state)
    return known is not None and known.options["blocks"] <= _MOST_BLOCKS


@lru_cache
def _is_noise_free(weights: Path) -> bool:
    """Return whether a network has learned from images without noise."""
    light = checkpoint.load(weights).record.get("recipe", {}).get("light", {})
    return light.get("noisy") is False


def _is_of_noise2sr(weights: Path) -> bool:
    """Return whether a network is that of Noise2SR, which n2sr runs on whole images."""
    known = describe(checkpoint.load(weights).state)
    return known is not None and known.name in ("noise2sr", "noise2sr-paper")


@lru_cache
def _millions(weights: Path) -> float:
    """Return how many million parameters the network of a file has."""
    known = describe(checkpoint.load(weights).state)
    return known.parameters / 1e6 if known else nan


def unlike(rows: Iterable[Row], found: Iterable[Table]) -> Iterator[str]:
    """Yield how measured methods differ from those of the printed rows beside them."""
    matched = [(row, table) for table, row in product(found, rows) if table.row_of(row)]
    said: list[str] = []
    for row, table in matched:
        methods = (row.denoiser, row.sr)
        parts = zip(paper_names(row, table), methods, row.weights_by_part, strict=True)
        for names, method, files in parts:
            name = next(filter(None, names), "")
            if "VST+EPLL" in names:
                said.append(
                    "VST+EPLL: the paper's prior, learned from photographs, is not "
                    "public; vst+epll has another, learned from fluorescence images"
                )
            if table.paper == "noise2sr" and name and not any(files):
                said.append(
                    f"{name}: the paper has trained on other fields of view; "
                    f"{row.denoiser} learns from each image itself"
                )
            thinned = not (
                {"mosaics=0", "n2sr.mosaics=0"} & {*row.options}
                or any(map(_is_of_noise2sr, filter(None, files)))
            )
            if row.denoiser == "n2sr" and name and thinned:
                said.append(
                    f"{name}: the paper restores the image alone; n2sr averages "
                    "thinned copies too, unless -O n2sr.mosaics=0"
                )
            usual = _MILLIONS.get(name.removeprefix("JDSR-"), nan)
            for file in _used(method, files):
                size = _millions(file)
                if abs(size / usual - 1) > _ALIKE:
                    said.append(
                        f"{name}: {file.name} has {size:.3g} million parameters, the "
                        f"paper's network {usual:.3g} million"
                    )
    yield from dict.fromkeys(said)


def lacking(rows: Sequence[Row], found: Iterable[Table]) -> Iterator[str]:
    """Yield which printed rows were not measured, then how to measure each part."""
    ways: list[str] = []
    for table in found:
        measured = {table.row_of(row) for row in rows}
        used = {
            name for row in rows for part in paper_names(row, table) for name in part
        }
        names = [name for name in table.rows if name not in measured]
        for part in dict.fromkeys(chain(*(_parts(name, table) for name in names))):
            if part not in used:
                ways.append(f"to measure {part}: {_way_to(part, table)}")
        if len(names) == len(table.rows) > 1:
            yield f"not measured: {table.title}: all {len(names)} rows"
        elif names:
            yield f"not measured: {table.title}: {few(names)}"
    yield from dict.fromkeys(ways)


def _parts(name: str, table: Table) -> list[str]:
    """Return the methods in the name of a printed row; their own may hold a "+"."""
    for first in _NAMES[table.paper].values():
        if name.startswith(f"{first}+"):
            return [first, name.removeprefix(f"{first}+")]
    return [name]


def _way_to(part: str, table: Table) -> str:
    """Say how a part of a printed row comes into the table."""
    if part in (NOISY, CLEAN):
        return "--sr alone, with which it comes"
    if part == "BM3D":
        return "no method here is BM3D alone; vst+bm3d stabilises the noise before"
    known = {name: method for method, name in _NAMES[table.paper].items()}
    kinds = {v: k for k, v in _OF_W2S.items()} if table.paper == "w2s" else {}
    published = [
        item.name
        for item in WEIGHTS.values()
        if item.name == known.get(part)
        or ("-w2s-" in item.name and item.network == kinds.get(part))
    ]
    option = "--sr" if table.scale == 2 else "--denoiser"
    if published:
        levels = published[0]
        if len(published) > 1:
            levels = levels.replace("avg1", f"avg{LEVEL}")
        if METHODS[published[0]].scale == 1:
            option = "--denoiser"
        elif part == _OURS:
            option = "--jdsr"
        return f"{option} {levels}, after w2s fetch {' '.join(published)}"
    if part in known:
        method = known[part]
        option = "--denoiser" if METHODS[method].scale == 1 else "--sr"
        option = "--jdsr" if method in JOINT else option
    else:
        return f'{option} "{part}=FILE", weights trained so; none are published'
    if method == "n2n":  # a bench has no second capture of an image to learn from
        return f"{option} n2n --weights n2n=FILE, after w2s train n2n data=FOLDER"
    if method == "n2sr":
        recipe = "fmd" if table.data == "fmd" else "paper"
        return f"{option} n2sr --weights n2sr=FILE, after w2s train noise2sr-{recipe}"
    if method not in NETWORKS and method not in JOINT:
        return f"{option} {method}"
    if compact_weights(method):
        return f"{option} {method}; compact weights ship, none are published"
    return f"{option} {method} --weights {method}=FILE; none are published"
