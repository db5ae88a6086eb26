"""Score the images of a folder against those of another."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.evaluation.scores.bootstrap import Interval, interval
from w2s_cli.evaluation.scores.doubts import file_doubts, plane_doubts, score_doubts
from w2s_cli.evaluation.scores.matching import Match
from w2s_cli.evaluation.scores.opening import check_alike, opened_match
from w2s_cli.evaluation.scores.outcome import Evaluation, ImageScores, Question
from w2s_cli.evaluation.scores.score import scores_of
from w2s_cli.evaluation.scores.view import compared

Planes = tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]


def evaluate(
    matches: Sequence[Match], groups: Sequence[str], question: Question
) -> Evaluation:
    """Return the scores of predictions, each against its reference.

    All files are looked at before the first is scored; then a plane of each is in
    memory at a time. The score of a stack is the mean over its planes.

    Parameters
    ----------
    matches
        The files; without references only metrics that need none can be had.
    groups
        The field of view of each match.

    Raises
    ------
    W2SError
        When a file cannot be read, two files do not compare, or a metric lacks what it
        needs. Nothing is scored in part.
    """
    for match in matches:
        with opened_match(match, question.axes, question.channel) as stacks:
            check_alike(match, stacks, question.convention)
    images = tuple(
        _scored(match, group, question)
        for match, group in zip(matches, groups, strict=True)
    )
    means = {name: _mean(name, images, question) for name in question.metrics}
    return Evaluation(question, images, means)


def _scored(match: Match, group: str, question: Question) -> ImageScores:
    """Return the scores of an image, read plane by plane."""
    found: list[dict[str, float]] = []
    doubts: Counter[str] = Counter()
    with opened_match(match, question.axes, question.channel) as stacks:
        for planes in stacks.planes():
            try:
                scores, said = _plane(planes, question)
            except InputError as error:
                raise InputError(f"{match}: {error}", hint=error.hint) from error
            found.append(scores)
            doubts.update(said)
    means = {
        name: _finite_mean([scores[name] for scores in found])
        for name in question.metrics
    }
    warnings = [*file_doubts(match), *_counted(doubts, len(found))]
    return ImageScores(match, group, len(found), means, tuple(warnings))


def _plane(planes: Planes, question: Question) -> tuple[dict[str, float], list[str]]:
    """Return the scores of a plane, and what speaks against them."""
    reference, image, low = planes
    pair = compared(reference, image, question.convention, low=low)
    said = plane_doubts(reference, image, pair, question.convention)
    scores: dict[str, float] = {}
    for name in question.metrics:
        try:
            scores |= scores_of(pair, [name], question.convention, question.aids)
        except InputError as error:
            scores[name] = nan
            said.append(f"{name} has no value: {error}")
        else:
            said += score_doubts(name, scores[name])
    return scores, said


def _counted(doubts: Counter[str], planes: int) -> Iterable[str]:
    if planes == 1:
        return doubts
    return [f"{doubt}, in {n} of {planes} planes" for doubt, n in doubts.items()]


def _finite_mean(values: Sequence[float]) -> float:
    """Return the mean of what is finite, or the first value where nothing is."""
    finite = [value for value in values if isfinite(value)]
    return float(np.mean(finite)) if finite else values[0]


def _mean(metric: str, images: Sequence[ImageScores], question: Question) -> Interval:
    """Return the mean of a metric over the images where it is finite."""
    finite = [image for image in images if isfinite(image.scores[metric])]
    if not finite:
        return Interval(nan, None, None, 0)
    return interval(
        [image.scores[metric] for image in finite],
        [image.group for image in finite],
        level=question.level,
        resamples=question.resamples,
        seed=question.seed,
    )
