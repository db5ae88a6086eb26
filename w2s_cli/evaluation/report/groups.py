"""The rows of a bench that compete with each other, and how they rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from w2s_cli.evaluation.bench.measured import Measured
from w2s_cli.evaluation.bench.standings import Standings
from w2s_cli.evaluation.scores.bootstrap import Interval, interval
from w2s_cli.metrics import METRICS


@dataclass(frozen=True, eq=False)
class Result:
    """A row with its means.

    Attributes
    ----------
    measured
        The row with the scores of each image.
    means
        By metric; None where there is none, as `Measured.interval` has it.
    printed
        What a paper has printed, by metric.
    """

    measured: Measured
    means: dict[str, Interval | None]
    printed: dict[str, float]

    @classmethod
    def of(cls, measured: Measured, standings: Standings) -> Self:
        """Return a row of a bench with its means."""
        means = {metric: measured.interval(metric) for metric in standings.metrics}
        return cls(measured, means, standings.printed(measured))

    @property
    def name(self) -> str:
        """Return what the row is called."""
        return self.measured.row.name

    @property
    def untouched(self) -> bool:
        """Return whether it is the input itself that was scored."""
        return self.measured.row.method == "identity"


@dataclass(frozen=True, eq=False)
class Group:
    """The rows on the same images: of one scale and one level of noise.

    Attributes
    ----------
    scale, level
        Of the images.
    results
        In the order of the table.
    """

    scale: int
    level: int
    results: Sequence[Result]

    @property
    def title(self) -> str:
        """Return what it is called."""
        return f"level {self.level}" + (f", x{self.scale}" if self.scale > 1 else "")

    @property
    def slug(self) -> str:
        """Return what it is called in the names of files."""
        return f"x{self.scale}-level-{self.level}"

    @property
    def methods(self) -> list[Result]:
        """Return the rows of methods, without that of the input itself."""
        return [result for result in self.results if not result.untouched]

    def ranked(self, metric: str) -> list[tuple[Result, Interval]]:
        """Return the methods that have a mean, and it, the best first."""
        sign = -1 if METRICS[metric].better == "higher" else 1
        found = [
            (result, mean) for result in self.methods if (mean := result.means[metric])
        ]
        return sorted(found, key=lambda one: sign * one[1].mean)

    def near_best(self, metric: str) -> list[Result]:
        """Return the methods that differ from the best by what chance may explain.

        The 95 % interval of the mean difference over the same images, drawn by fields
        of view, holds 0.
        """
        ranked = [result for result, _ in self.ranked(metric)]
        return [one for one in ranked[1:] if _may_equal(one, ranked[0], metric)]

    @property
    def fastest(self) -> Result | None:
        """Return the method that took the least time an image."""
        timed = [result for result in self.methods if result.measured.done]
        return min(timed, key=lambda result: result.measured.seconds, default=None)


def grouped(standings: Standings) -> list[Group]:
    """Return the groups of a bench, in the order of scale and level."""
    results = [Result.of(measured, standings) for measured in standings.rows]
    rows = [result.measured.row for result in results]
    return [
        Group(
            *(scale, level),
            [
                result
                for result, row in zip(results, rows, strict=True)
                if (row.scale, row.level) == (scale, level)
            ],
        )
        for scale, level in sorted({(row.scale, row.level) for row in rows})
    ]


def noisiest(groups: Sequence[Group]) -> list[Group]:
    """Return the group of the lowest level of each scale."""
    scales = sorted({group.scale for group in groups})
    return [
        min(
            (group for group in groups if group.scale == scale),
            key=lambda group: group.level,
        )
        for scale in scales
    ]


def _may_equal(one: Result, other: Result, metric: str) -> bool:
    images, others = one.measured.images, other.measured.images
    differences = np.array([image.scores[metric] for image in images]) - np.array(
        [image.scores[metric] for image in others]
    )
    found = interval(differences, [image.group for image in images])
    if found.low is None or found.high is None:
        return False
    return found.low <= 0 <= found.high
