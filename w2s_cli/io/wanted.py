"""What is asked of a file: its axes, which of its images, colours as channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from w2s_cli.errors import UsageError, few


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader is told beside the name of a file."""

    # The axes in the order of the file, some with their lengths, such as "T4C2YX"
    axes: str | None = None
    # The one of several images, by its name or its number, counted from 1
    series: str | None = None
    # Whether the colours of a picture are channels, whatever the picture
    colours: bool = False

    def place(self, names: list[str]) -> int | None:
        """Return the place of the image that is wanted; None where none is named."""
        wanted = self.series
        if wanted is None:
            return None
        listed = ", ".join(
            f"{number} ({name})" if name else str(number)
            for number, name in enumerate(names, 1)
        )
        if names.count(wanted) > 1:
            raise UsageError(
                f"{names.count(wanted)} images in the file are called {wanted!r}",
                hint=f"choose one by its number: {listed}",
            )
        number = int(wanted) - 1 if wanted.isdecimal() else -1
        place = names.index(wanted) if wanted in names else number
        if not 0 <= place < len(names):
            raise UsageError(
                f"there is no image {wanted!r} among the {len(names)} in the file",
                hint=f"they are counted from 1, as in Fiji: {listed}",
            )
        return place

    def chosen(
        self, rows: Sequence[Mapping[str, Any]], merits: Sequence[Any]
    ) -> tuple[int, tuple[str, ...]]:
        """Return the place of the image to open, and what is to be said of the others.

        `rows` have the "number", the "name" and the "shape" of each; without a wish the
        first of the most merit is taken.
        """
        place = self.place([row["name"] for row in rows])
        if place is not None or len(rows) == 1:
            return place or 0, ()
        place = max(range(len(rows)), key=merits.__getitem__)
        here, *others = (
            _in_words(rows[at])
            for at in sorted(range(len(rows)), key=lambda at: at != place)
        )
        return place, (
            f"it holds {len(rows)} images: this is {here}, left were {few(others)}. "
            "--series takes another by its number or name, --series all takes each",
        )


def _in_words(row: Mapping[str, Any]) -> str:
    """Return the number, the name and the size of an image, what is known of them."""
    said = ", ".join(filter(None, [row["name"], " x ".join(map(str, row["shape"]))]))
    return f"{row['number']} ({said})" if said else str(row["number"])


def by_number(wanted: str | int | None) -> str | None:
    """Return an index from 0, as Python counts, as a number from 1; names stay."""
    return str(wanted + 1) if isinstance(wanted, int) else wanted
