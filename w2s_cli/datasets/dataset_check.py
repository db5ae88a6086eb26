"""Look at every file of a data set: what is there, missing, or broken."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.manifest import listed
from w2s_cli.errors import InputError

Progress = Callable[[int, int], None]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """One file that is not what it should be."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """The images of a level, or the truths of a scale."""

    name: str  # such as "level 1" or "truth x2"
    count: int  # of the images that are there
    missing: Sequence[str]  # the names that a complete copy would have


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a data set holds, lacks, and what of it is broken."""

    data: DataSet
    parts: Sequence[Part]  # its levels and truths
    groups: Sequence[str]  # the fields of view that are there
    # the number of pairs in each split, at its first level and scale
    pairs: Mapping[str, int]
    faults: Sequence[Fault]  # what is broken
    checksums: int  # how many files were compared with a manifest

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        data = self.data
        return {
            "kind": data.name,
            "title": data.title,
            "place": data.place,
            "unit": data.unit,
            "per_unit": data.per_unit,
            "offset": data.offset,
            "levels": list(data.levels),
            "drawn": list(data.drawn),
            "scales": list(data.scales),
            "splits": dict(self.pairs),
            "fields": list(self.groups),
            "parts": [
                {"part": part.name, "there": part.count, "missing": list(part.missing)}
                for part in self.parts
            ],
            "broken": [
                {"file": fault.where, "reason": fault.reason} for fault in self.faults
            ],
            "checksums": self.checksums,
        }


def check(data: DataSet, progress: Progress) -> CheckResult:
    """Return what a data set holds, after a look at each file.

    The pixels of a PNG or TIFF are decoded, of an NPY file header and length are read.
    What `w2s data prepare` made is compared with its checksum too.
    """
    images = [*data.inputs.values(), *data.truths.values()]
    every = {image.where: image for part in images for image in part.values()}
    sizes: dict[str, Size] = {}
    faults = []
    for number, image in enumerate(every.values(), start=1):
        try:
            sizes[image.where] = image.shape()
        except InputError as error:
            faults.append(Fault(image.where, str(error)))
        progress(number, len(every))
    faults += _unequal(data, sizes)
    made = listed(Path(data.place))
    faults += [Fault(str(file), reason) for file, reason in made if reason]
    names = {name for part in images for name in part}
    return CheckResult(
        data,
        _parts(data),
        sorted({data.group_of(name) for name in names}),
        _pairs(data),
        faults,
        len(made),
    )


def _parts(data: DataSet) -> list[Part]:
    named = {
        f"level {level}{' (drawn)' if level in data.drawn else ''}": part
        for level, part in sorted(data.inputs.items())
    }
    named |= {f"truth x{scale}": part for scale, part in sorted(data.truths.items())}
    return [
        Part(name, len(part), sorted(set(data.expected) - part.keys()))
        for name, part in named.items()
    ]


def _pairs(data: DataSet) -> dict[str, int]:
    if not data.truths:
        return {}
    both = data.inputs[data.levels[0]].keys() & data.truths[data.scales[0]].keys()
    counts = {split: len(both & set(names)) for split, names in data.splits.items()}
    return {"all": len(both), **counts}


def _unequal(data: DataSet, sizes: Mapping[str, Size]) -> Iterator[Fault]:
    """Yield the truths that are not as large as their images ask for."""
    for scale, truths in data.truths.items():
        for name, truth in truths.items():
            size = _first(data, name, sizes)
            known = sizes.get(truth.where)
            if size and known and known != (size[0] * scale, size[1] * scale):
                yield Fault(
                    truth.where,
                    f"has {known[0]} x {known[1]} pixels, expected "
                    f"{size[0] * scale} x {size[1] * scale}",
                )


def _first(data: DataSet, name: str, sizes: Mapping[str, Size]) -> Size | None:
    """Return the size of an image at the first level that has it whole."""
    for level in data.levels:
        image = data.inputs[level].get(name)
        if image and image.where in sizes:
            return sizes[image.where]
    return None
