"""Scores that are kept from one run to the next: a file a trial, a line an image.

A bench that was killed goes on where it was, and nothing is computed twice.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from w2s_cli.errors import OutputError
from w2s_cli.evaluation.bench.scored import Scored


@dataclass
class Journal:
    """The images that a trial has scored already.

    Attributes
    ----------
    path
        The file; it need not exist.
    """

    path: Path
    _kept: dict[str, Scored] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._kept = {scored.content: scored for scored in self._lines()}

    @classmethod
    def of(cls, folder: Path, digest: str) -> "Journal":
        """Return the journal of the trials of a digest."""
        return cls(folder / f"{digest[:24]}.jsonl")

    def get(self, content: str) -> Scored | None:
        """Return what is known of the images of a hash."""
        return self._kept.get(content)

    def add(self, scored: Scored) -> None:
        """Keep the scores of one image.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        self._kept[scored.content] = scored
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as lines:
                # A line that was cut off before must not swallow this one.
                lines.write("\n" + json.dumps(scored.as_json()) + "\n")
        except OSError as error:
            raise self._unusable("write", error) from error

    def _lines(self) -> Iterator[Scored]:
        """Yield the scores of all whole lines; a run that was killed leaves half."""
        try:
            text = self.path.read_text(errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable("read", error) from error
        for line in text.splitlines():
            try:
                yield Scored.from_json(json.loads(line))
            except (ValueError, TypeError):
                continue

    def _unusable(self, what: str, error: OSError) -> OutputError:
        return OutputError(
            f"cannot {what} {self.path}: {error.strerror}",
            hint="name another folder with --cache",
        )
