"""The outcome of a bench: the rows, what their figures mean, and the papers' beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from w2s_cli import __version__
from w2s_cli.evaluation.bench.measured import Measured
from w2s_cli.evaluation.bench.published import Table, lacking, printed, tables_for
from w2s_cli.evaluation.bench.run import Selection
from w2s_cli.evaluation.bench.trial import Trial
from w2s_cli.evaluation.scores.stated import stated


@dataclass(frozen=True)
class Standings:
    """All that a bench has found out.

    Attributes
    ----------
    rows
        The scores, in the order of the table.
    selection
        The images.
    trial
        How they were scored.
    protocol
        The name that the convention started from.
    with_papers
        Whether the figures of the papers stand beside.
    """

    rows: Sequence[Measured]
    selection: Selection
    trial: Trial
    protocol: str
    with_papers: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the metrics, in the order of the columns."""
        return self.trial.metrics

    @cached_property
    def tables(self) -> list[Table]:
        """Return the printed tables that the rows may be compared with."""
        if not self.with_papers:
            return []
        kind = self.selection.data.name
        return [
            table
            for scale in sorted({measured.row.scale for measured in self.rows})
            for table in tables_for(kind, self.part, scale, self.protocol)
        ]

    def printed(self, measured: Measured) -> dict[str, float]:
        """Return the figures that a paper has printed for a row, by metric."""
        return printed(measured.row, self.part, self.tables)

    @property
    def part(self) -> str:
        """Return the part of the data set that all images are of; empty for several."""
        names = {one.name for measured in self.rows for one in measured.images}
        parts = {name.partition("/")[0] for name in names if "/" in name}
        return parts.pop() if len(parts) == 1 else ""

    @property
    def stated(self) -> dict[str, str]:
        """Return what a reader must know beside the numbers, by subject."""
        data = self.selection.data
        said = stated(self.trial.convention)
        noise = "known to the data set" if self.trial.known_noise else "estimated"
        return {
            "data": f"{data.title} ({data.place})",
            "split": self.selection.split,
            "noise": f"{noise}, for methods that need it",
            **said,
            "pixels": f"{said['pixels']}; where the data set knows of clipped ones, "
            "without them",
        }

    @property
    def remarks(self) -> list[str]:
        """Return what speaks against taking the table at its word, a line each."""
        return [*self._failures(), *self._papers()]

    def as_json(self) -> dict[str, Any]:
        """Return the standings as a JSON object; what is not finite is null."""
        return {
            "version": __version__,
            "protocol": self.protocol,
            "stated": self.stated,
            "convention": self.trial.convention.as_json(),
            "tables": [table.title for table in self.tables],
            "rows": [self._row(measured) for measured in self.rows],
            "remarks": self.remarks,
        }

    def _row(self, measured: Measured) -> dict[str, Any]:
        papers = {"printed": self.printed(measured)} if self.with_papers else {}
        return {
            **measured.as_json(self.metrics),
            **papers,
            "scores": [_finite(scored.as_json()) for scored in measured.images],
        }

    def _failures(self) -> list[str]:
        return [
            f"{one.row.name} at level {one.row.level}: {len(one.failed)} of "
            f"{len(one.images)} images were refused, the first {one.failed[0].name}: "
            f"{one.failed[0].error}"
            for one in self.rows
            if one.failed
        ]

    def _papers(self) -> list[str]:
        if not self.with_papers:
            return []
        if not self.tables:
            return [
                f"no printed table is of {self.selection.data.name} by the protocol "
                f"{self.protocol} at this scale"
            ]
        split = self.selection.split
        other = [] if split == "test" else [f"the papers score the test split: {split}"]
        rows = [measured.row for measured in self.rows]
        return other + [f"not measured: {line}" for line in lacking(rows, self.tables)]


def _finite(scored: dict[str, Any]) -> dict[str, Any]:
    scores = scored["scores"]
    return {
        **scored,
        "scores": {k: v if isfinite(v) else None for k, v in scores.items()},
    }
