"""Score the images of a folder against those of another."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite, isinf, isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.scores.convention import UNITS, Convention, stated
from w2s_cli.bench.scores.intervals import Interval, interval
from w2s_cli.bench.scores.matching import Match, check_alike, open_match
from w2s_cli.bench.scores.score import (
    NO_RESOURCES,
    Compared,
    Image,
    MetricResources,
    compared,
    scores_of,
)
from w2s_cli.errors import InputError
from w2s_cli.metrics import METRICS

_FEWEST_COUNTS = 50  # W2S has an offset near 100; as z-scores its pixels reach 20


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """What is scored, and how."""

    metrics: tuple[str, ...]  # names in `w2s_cli.metrics.METRICS`
    # units, range, window, border and fit
    convention: Convention = field(default_factory=Convention)
    # what some of the metrics need besides images
    resources: MetricResources = NO_RESOURCES
    axes: str | None = None  # the axes of the files, where they have none or wrong ones
    # the one channel to score, by name or number; None for all
    channel: str | None = None
    # of the intervals: see `w2s_cli.bench.scores.intervals.interval`
    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ImageScores:
    """The scores of one image."""

    match: Match
    group: str  # its field of view
    planes: int  # how many planes were scored
    # by metric, the mean over the planes where it is finite; infinite or NaN where it
    # is on none
    scores: dict[str, float]
    warnings: tuple[str, ...]  # why they should be looked at twice


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of a set of images."""

    config: EvaluationConfig
    images: tuple[ImageScores, ...]
    # by metric, over the images where it is finite; NaN where it is on none
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


def evaluate(
    matches: Sequence[Match], groups: Sequence[str], config: EvaluationConfig
) -> Evaluation:
    """Return the scores of predictions, each against its reference.

    All files are looked at before the first is scored; then a plane of each is in
    memory at a time. The score of a stack is the mean over its planes.
    """
    for match in matches:
        with open_match(match, config.axes, config.channel) as stacks:
            check_alike(match, stacks, config.convention)
    images = tuple(
        _scored(match, group, config)
        for match, group in zip(matches, groups, strict=True)
    )
    means = {name: _mean(name, images, config) for name in config.metrics}
    return Evaluation(config, images, means)


def _scored(match: Match, group: str, config: EvaluationConfig) -> ImageScores:
    """Return the scores of an image, read plane by plane."""
    found: list[dict[str, float]] = []
    counts: Counter[str] = Counter()
    with open_match(match, config.axes, config.channel) as stacks:
        for planes in stacks.planes():
            try:
                scores, warnings = _plane(*planes, config)
            except InputError as error:
                raise InputError(f"{match}: {error}", hint=error.hint) from error
            found.append(scores)
            counts.update(warnings)
    means = {}
    for name in config.metrics:
        values = [scores[name] for scores in found]
        finite = [value for value in values if isfinite(value)]
        means[name] = float(np.mean(finite)) if finite else values[0]
    said = [*counts]
    if len(found) > 1:
        said = [f"{one}, in {n} of {len(found)} planes" for one, n in counts.items()]
    for path, stack in (
        (match.prediction, stacks.prediction),
        (match.reference, stacks.reference),
    ):
        if path and ("kept" in stack.extra or "cut off" in stack.extra):
            said.append(f"{path.name} is not whole: {'; '.join(stack.warnings)}")
    if match.reference and match.prediction.samefile(match.reference):
        said.insert(0, "prediction and reference are the same file")
    return ImageScores(match, group, len(found), means, tuple(said))


def _plane(
    reference: NDArray[Any],
    image: NDArray[Any],
    low: NDArray[Any] | None,
    config: EvaluationConfig,
) -> tuple[dict[str, float], list[str]]:
    """Return the scores of a plane, and what speaks against them."""
    convention = config.convention
    pair = compared(reference, image, convention, low=low)
    warnings = [*plane_warnings(reference, image, pair, convention)]
    scores: dict[str, float] = {}
    for name in config.metrics:
        try:
            scores |= scores_of(pair, [name], convention, config.resources)
        except InputError as error:
            scores[name] = nan
            warnings.append(f"{name} has no value: {error}")
        else:
            if isinf(scores[name]):
                warnings.append(f"{name} is infinite")
            if isnan(scores[name]):
                warnings.append(f"{name} has no value")
    return scores, warnings


def plane_warnings(
    reference: Image, image: Image, pair: Compared, convention: Convention
) -> Iterator[str]:
    """Yield what speaks against the scores of a plane of counts."""
    if np.ptp(reference) == 0:
        yield "the reference is constant"
    if convention.fit != "none" and not pair.gain > 0:
        constant = np.ptp(image) == 0
        what = "constant" if constant else "dark where the reference is bright"
        yield f"the prediction is {what}: the gain of its fit is not above 0"
    if convention.unit == "z" and reference.dtype == np.uint8:
        yield (
            "the reference has gray values of 8 bit, and z-scores are of counts: for "
            "W2S in 8 bit, say --protocol w2s-v1"
        )
    elif convention.unit == "z" and reference.max() < _FEWEST_COUNTS:
        yield (
            f"the reference stays below {_FEWEST_COUNTS} and looks like z-scores "
            "already: for files of z-scores, say --unit counts"
        )
    if convention.fit == "none" and image.max() <= 1 < _FEWEST_COUNTS < reference.max():
        yield (
            "the prediction stays within 1 and the reference does not: they are in "
            "different units"
        )


def _mean(
    metric: str, images: Sequence[ImageScores], config: EvaluationConfig
) -> Interval:
    """Return the mean of a metric over the images where it is finite."""
    finite = [image for image in images if isfinite(image.scores[metric])]
    if not finite:
        return Interval(nan, None, None, 0)
    return interval(
        [image.scores[metric] for image in finite],
        [image.group for image in finite],
        level=config.level,
        resamples=config.resamples,
        seed=config.seed,
    )


def as_json(evaluation: Evaluation, protocol: str) -> dict[str, Any]:
    """Return an evaluation as a JSON object; what is not finite is null."""
    config = evaluation.config
    metrics = {
        name: {
            "mean": _number(mean.mean),
            "low": mean.low,
            "high": mean.high,
            "images": evaluation.finite(name),
            "fields": mean.groups,
            "unit": unit_of(name, evaluation),
            "better": METRICS[name].better,
        }
        for name, mean in evaluation.means.items()
    }
    scores = [
        {
            **_files(image),
            "scores": {name: _number(value) for name, value in image.scores.items()},
            "warnings": [*image.warnings],
        }
        for image in evaluation.images
    ]
    return {
        "images": len(evaluation.images),
        "fields": evaluation.groups,
        "protocol": protocol,
        "convention": config.convention.as_json(),
        "stated": stated(config.convention, config.metrics),
        "level": config.level,
        "resamples": config.resamples,
        "seed": config.seed,
        "metrics": metrics,
        "scores": scores,
    }


def rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return a row an image; each says in words what its numbers mean."""
    facts = stated(evaluation.config.convention, evaluation.config.metrics)
    words = "; ".join(f"{subject}: {text}" for subject, text in facts.items())
    return [
        {
            **_files(image),
            **image.scores,
            "warnings": "; ".join(image.warnings),
            "convention": words,
        }
        for image in evaluation.images
    ]


def unit_of(metric: str, evaluation: Evaluation) -> str:
    """Return the unit of a metric's figures; empty where they have none."""
    unit = METRICS[metric].unit
    return UNITS[evaluation.config.convention.unit] if unit == "image" else unit


def _files(image: ImageScores) -> dict[str, Any]:
    match = image.match
    return {
        "name": match.name,
        "field": image.group,
        "prediction": str(match.prediction),
        "reference": str(match.reference) if match.reference else None,
        "planes": image.planes,
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
