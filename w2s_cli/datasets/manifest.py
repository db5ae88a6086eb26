"""What was made, and the checksum of each file: `w2s-data.csv` beside the files.

A row is written before its file takes its place, so that a file is never without one
unless somebody else has put it there.
"""

import csv
from dataclasses import astuple, dataclass, fields
from hashlib import file_digest
from pathlib import Path

from w2s_cli.errors import OutputError
from w2s_cli.io.targets import replacing

MANIFEST = "w2s-data.csv"


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
