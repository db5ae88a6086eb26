"""Look at every file of a data set: what is there, missing, or broken.

`w2s-data.csv`, beside the files that `w2s data prepare` made, has the checksum of each.
A row is written before its file takes its place, so that a file is never without one
unless somebody else has put it there.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from hashlib import file_digest
from pathlib import Path
from typing import Any

from w2s_cli.datasets.data_set import DataSet
from w2s_cli.errors import InputError, OutputError
from w2s_cli.io.atomic_files import replacing

Progress = Callable[[int, int], None]
Size = tuple[int, int]
MANIFEST = "w2s-data.csv"


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
    named = {
        f"level {level}{' (drawn)' if level in data.drawn else ''}": part
        for level, part in sorted(data.inputs.items())
    }
    named |= {f"truth x{scale}": part for scale, part in sorted(data.truths.items())}
    pairs = {}
    if data.truths:
        first = data.truths[data.scales[0]]
        both = data.inputs[data.levels[0]].keys() & first.keys()
        pairs["all"] = len(both)
        for split, members in data.splits.items():
            pairs[split] = len(both & set(members))
    return CheckResult(
        data,
        [
            Part(name, len(part), sorted(set(data.expected) - part.keys()))
            for name, part in named.items()
        ],
        sorted({data.group_of(name) for name in names}),
        pairs,
        faults,
        len(made),
    )


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


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was made."""

    file: str  # path in the folder of the manifest
    sha256: str
    source: str  # what it was made of
    how: str  # how, for a reader; a file that was made otherwise is made anew


_COLUMNS = [column.name for column in fields(Made)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files that were made in a folder."""

    folder: Path
    made: dict[str, Made]

    @classmethod
    def of(cls, folder: Path) -> "Manifest":
        """Return the manifest of a folder, empty where there is none yet.

        A last row that was cut off, as by a crash, does not count.
        """
        path = folder / MANIFEST
        if not path.is_file():
            return cls(folder, {})
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        rows = csv.DictReader(whole.splitlines())
        found = [
            Made(**row) for row in rows if [*row] == _COLUMNS and all(row.values())
        ]
        return cls(folder, {row.file: row for row in found})

    def has(self, file: str, how: str) -> bool:
        """Say whether a file was made so, and is still what it was."""
        known = self.made.get(file)
        return bool(known and known.how == how and not self.fault(known))

    def fault(self, row: Made) -> str:
        """Say what has become of a file, nothing where it is as it was made."""
        path = self.folder / row.file
        try:
            same = digest_of(path) == row.sha256
        except FileNotFoundError:
            return "is in the manifest, but not there"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        return "" if same else "has another checksum than when it was made"

    def begin(self) -> None:
        """Write what is known, so that rows can be added behind it."""
        with (
            replacing(self.folder / MANIFEST) as path,
            path.open("w", newline="", encoding="utf-8") as lines,
        ):
            rows = csv.writer(lines, lineterminator="\n")
            rows.writerow(_COLUMNS)
            rows.writerows(astuple(row) for row in self.made.values())

    def add(self, row: Made) -> None:
        """Write one row more."""
        path = self.folder / MANIFEST
        try:
            with path.open("a", newline="", encoding="utf-8") as lines:
                csv.writer(lines, lineterminator="\n").writerow(astuple(row))
        except OSError as error:
            raise OutputError(
                f"cannot write {path}: {error.strerror}", hint="check the free space"
            ) from error
        self.made[row.file] = row


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def listed(place: Path) -> list[tuple[Path, str]]:
    """Return the files that a manifest lists, and what has become of each.

    The manifest is in the place, or in the folder around it; it lists files elsewhere
    too, which do not count.
    """
    inside = place.resolve()
    for folder in (inside, inside.parent):
        if (folder / MANIFEST).is_file():
            manifest = Manifest.of(folder)
            return [
                (folder / row.file, manifest.fault(row))
                for row in manifest.made.values()
                if (folder / row.file).is_relative_to(inside)
            ]
    return []
