"""The scores of a row on all its images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from w2s_cli.evaluation.bench.rows import Row
from w2s_cli.evaluation.bench.scored import Scored
from w2s_cli.evaluation.scores.bootstrap import Interval, interval


@dataclass(frozen=True)
class Measured:
    """A row with all its scores.

    Attributes
    ----------
    row
        The methods and the level.
    images
        What became of each image.
    """

    row: Row
    images: Sequence[Scored]

    @property
    def done(self) -> list[Scored]:
        """Return the images that could be restored."""
        return [scored for scored in self.images if not scored.error]

    @property
    def failed(self) -> list[Scored]:
        """Return those that could not."""
        return [scored for scored in self.images if scored.error]

    @property
    def seconds(self) -> float:
        """Return the median time of an image; NaN where none was restored."""
        times = [scored.seconds for scored in self.done]
        return float(np.median(times)) if times else float("nan")

    def interval(self, metric: str) -> Interval | None:
        """Return the mean of a metric and its interval over fields of view.

        None where a value is missing or no number: a mean without it would be of
        other images than those of the rows beside.
        """
        values = [scored.scores.get(metric, np.nan) for scored in self.images]
        if not values or not np.isfinite(values).all():
            return None
        return interval(values, [scored.group for scored in self.images])

    def as_json(self, metrics: Sequence[str]) -> dict[str, Any]:
        """Return the row as a JSON object."""
        found = {metric: self.interval(metric) for metric in metrics}
        return {
            **self.row.as_json(),
            "images": len(self.images),
            "failed": len(self.failed),
            "seconds": round(self.seconds, 4) if self.done else None,
            **{
                metric: None
                if one is None
                else {"mean": one.mean, "low": one.low, "high": one.high}
                for metric, one in found.items()
            },
        }
