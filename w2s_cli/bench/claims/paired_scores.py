"""The scores of a bench by row, and differences between rows on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.claims.claim import Difference
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult
from w2s_cli.bench.scores.convention import UNITS
from w2s_cli.bench.scores.intervals import Interval, interval
from w2s_cli.metrics import METRICS

Key = tuple[str, int | None]  # of a row: its name and its level


@dataclass(frozen=True)
class PairedScores:
    """What the claims of a paper are decided by."""

    bench: BenchResult
    # row, level and metric of all means that decided
    rests: set[tuple[str, int | None, str]] = field(default_factory=set, init=False)

    @property
    def clean(self) -> int | None:
        """Return the level without noise; None where the data have none."""
        return self.bench.selection.data.clean

    @property
    def levels(self) -> list[int]:
        """Return the noisy levels that were measured, the noisiest first."""
        levels = {one.row.level for one in self.bench.rows} - {self.clean}
        return sorted(levels)

    def best(self, metric: str, rows: Sequence[Key]) -> Key | None:
        """Return the row with the best mean; None where one has none."""
        self._rest_on(rows, metric)
        found = [self._found(row) for row in rows]
        means = [_values(one, metric).mean() if one else np.nan for one in found]
        if not np.isfinite(means).all():
            return None
        return rows[int(np.argmax(np.multiply(means, _sign(metric))))]

    def gain(
        self,
        what: str,
        metric: str,
        first: Sequence[Key | None],
        second: Sequence[Key | None],
        *,
        decides: bool = True,
        allowed: float = 0.0,
    ) -> Difference:
        """Return by how much the mean over some rows is better than over others.

        `allowed` is how much worse the first may be and still count as good.
        """
        if decides:
            self._rest_on([*first, *second], metric)
        unit = METRICS[metric].unit
        if unit == "image":
            unit = UNITS[self.bench.config.convention.unit]
        found = self._difference(metric, first, second, allowed)
        return Difference(what, metric, unit, found, decides)

    def _difference(
        self,
        metric: str,
        first: Sequence[Key | None],
        second: Sequence[Key | None],
        allowed: float,
    ) -> Interval | None:
        sides = [[self._found(row) for row in side] for side in (first, second)]
        known = [[one for one in side if one] for side in sides]
        if known != sides or not all(known) or metric not in self.bench.metrics:
            return None
        each = [np.mean([_values(one, metric) for one in side], 0) for side in known]
        difference = _sign(metric) * (each[0] - each[1]) + allowed
        if not np.isfinite(difference).all():
            return None
        return interval(difference, [one.group for one in known[0][0].images])

    def _rest_on(self, rows: Sequence[Key | None], metric: str) -> None:
        self.rests.update((*row, metric) for row in rows if row)

    def _found(self, key: Key | None) -> MethodResult | None:
        same = (one for one in self.bench.rows if (one.row.name, one.row.level) == key)
        return next(same, None)


def _values(measured: MethodResult, metric: str) -> NDArray[np.float64]:
    return np.array([one.scores.get(metric, np.nan) for one in measured.images])


def _sign(metric: str) -> int:
    return 1 if METRICS[metric].better == "higher" else -1
