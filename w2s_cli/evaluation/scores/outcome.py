"""What is asked of a set of images, and what was found out."""

from dataclasses import dataclass, field
from math import isfinite, isnan

from w2s_cli.evaluation.scores.aids import NO_AIDS, Aids
from w2s_cli.evaluation.scores.bootstrap import Interval
from w2s_cli.evaluation.scores.convention import Convention
from w2s_cli.evaluation.scores.matching import Match


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be found out, and how.

    Attributes
    ----------
    metrics
        Names in `w2s_cli.metrics.METRICS`.
    convention
        Units, range, window, border and fit.
    aids
        What some of the metrics need besides images.
    axes
        The axes of the files, where they have none or wrong ones.
    channel
        The one channel to score, by name or number; all of them where None.
    level, resamples, seed
        Of the intervals: see `w2s_cli.evaluation.scores.bootstrap.interval`.
    """

    metrics: tuple[str, ...]
    convention: Convention = field(default_factory=Convention)
    aids: Aids = NO_AIDS
    axes: str | None = None
    channel: str | None = None
    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ImageScores:
    """The scores of one image.

    Attributes
    ----------
    match
        Its files.
    group
        Its field of view.
    planes
        How many planes were scored.
    scores
        By metric, the mean over the planes where it is finite; infinite or NaN where it
        is on none.
    warnings
        Why they should be looked at twice.
    """

    match: Match
    group: str
    planes: int
    scores: dict[str, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of a set of images.

    Attributes
    ----------
    question
        What was asked.
    images
        One an image.
    means
        By metric, over the images where it is finite; NaN where it is on none.
    """

    question: Question
    images: tuple[ImageScores, ...]
    means: dict[str, Interval]

    @property
    def groups(self) -> int:
        """Return the number of fields of view."""
        return len({image.group for image in self.images})

    @property
    def whole(self) -> bool:
        """Return whether every image has a value of every metric, finite or not."""
        return not any(
            isnan(value) for image in self.images for value in image.scores.values()
        )

    def finite(self, metric: str) -> int:
        """Return how many images the mean of a metric is over."""
        return sum(isfinite(image.scores[metric]) for image in self.images)
