"""What outputs are called, and which of many files are this process's share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Self

from w2s_cli.batch.jobs import FilePair
from w2s_cli.errors import UsageError
from w2s_cli.io.formats import format_for, stem

_FIELDS = ("stem", "suffix", "method")


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of outputs in a folder, such as "{stem}_{method}.ome.tif"."""

    pattern: str
    method: str

    def __post_init__(self) -> None:
        """Refuse what is no name of an image."""
        try:
            parts = [*Formatter().parse(self.pattern)]
        except ValueError as error:
            raise UsageError(f"--name {self.pattern!r}: {error}", hint=_HINT) from error
        for _, field, form, conversion in parts:
            if field is not None and (field not in _FIELDS or form or conversion):
                raise UsageError(
                    f"--name {self.pattern!r} has {{{field}}}, which is not known",
                    hint=_HINT,
                )
        if not any(field == "stem" for _, field, _, _ in parts):
            raise UsageError(
                f"--name {self.pattern!r} would give all outputs one name", hint=_HINT
            )
        format_for(self(Path("name.tif")))
        if re.search(r"[/\\]", self.pattern):
            raise UsageError(
                f"--name {self.pattern!r} has a folder in it",
                hint="name the folder with -o",
            )

    def __call__(self, source: Path) -> Path:
        """Return the name of the output of a file."""
        suffix = source.suffix.lower().removeprefix(".")
        method = re.sub(r"bioimageio:(.*[/\\])?", "bioimageio-", self.method)
        facts = {"stem": stem(source), "suffix": suffix, "method": method}
        return Path(self.pattern.format(**facts))


_HINT = (
    "for example --name '{stem}_{method}.ome.tif'; {suffix} is that of the input, "
    "such as tif"
)


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of many files: every n-th by the names of the outputs."""

    number: int  # counted from 1
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what "2/8" stands for."""
        if not cls.is_one(text.strip()):
            raise UsageError(
                f"--shard is one of several parts, counted from 1, found {text!r}",
                hint="for example --shard 2/8, of 1/8 to 8/8",
            )
        return cls(*map(int, text.split("/")))

    @staticmethod
    def is_one(text: str) -> bool:
        """Find out whether a text is a part of several, such as "2/8"."""
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        return found is not None and 1 <= int(found[1]) <= int(found[2])

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def share(self, pairs: Sequence[FilePair]) -> list[FilePair]:
        """Return this part of the files, which is the same in any order of them."""
        ordered = sorted(pairs, key=lambda pair: pair[1].as_posix())
        return ordered[self.number - 1 :: self.of]
