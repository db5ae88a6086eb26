"""Images of a bench that are shown: chosen by rule, and restored once more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.report.ranking import Group
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_image import restored
from w2s_cli.bench.scores.score import Float, View, compared
from w2s_cli.datasets.data_set import ImagePair
from w2s_cli.metrics import METRICS
from w2s_cli.metrics.squirrel import squirrel

MOST = 10  # methods that are shown of one image


@dataclass(frozen=True, eq=False)
class Output:
    """What a method made of an image."""

    name: str  # of the row
    scores: Mapping[str, float]  # by metric
    # (Y * scale, X * scale), in the unit of the scores and fitted as they are
    plane: Float
    # (Y, X), in the unit: the input less what it should be, were the output true
    residual: Float


@dataclass(frozen=True, eq=False)
class Example:
    """An image, its truth and what methods made of it."""

    # name, why: the image, and by which rule it is shown: "median" or "worst"
    name: str
    why: str
    group: Group  # of rows
    # image, truth: (Y, X) and (Y * scale, X * scale), in the unit of the scores
    image: Float
    truth: Float
    valid: NDArray[np.bool_] | None  # where the truth counts; None for everywhere
    scores: Mapping[str, float]  # of the input itself; empty where it was not scored
    outputs: Sequence[Output]  # in the order of the table
    # methods that are not shown, since `MOST` others are better
    left_out: Sequence[str]
    refused: Sequence[str]  # methods that could not restore it

    @property
    def slug(self) -> str:
        """Return what it is called in the names of files."""
        return f"{self.why}-{self.group.slug}"


def examples(bench: BenchResult, group: Group) -> Iterator[Example]:
    """Yield the median and the worst image of a group, each restored by its methods."""
    for name, why in chosen(group, bench.metrics[0]).items():
        pair = bench.selection.data.pair(name, group.level, group.scale)
        yield _example(bench, group, pair, why)


def chosen(group: Group, metric: str) -> dict[str, str]:
    """Return the names of the images to show, each with the rule that chose it.

    Images are ordered by the mean of the metric over the methods that restored them;
    the median one, and the worst where that is another.
    """
    found: dict[str, list[float]] = {}
    for result in group.methods or group.results:
        for scored in result.measured.done:
            found.setdefault(scored.name, []).append(scored.scores[metric])
    means = {name: float(np.mean(values)) for name, values in found.items()}
    sign = 1 if METRICS[metric].better == "lower" else -1
    finite = [name for name, mean in means.items() if np.isfinite(mean)]
    ordered = sorted(finite, key=lambda name: sign * means[name])
    if not ordered:
        return dict.fromkeys([*means][:1], "first")
    median, worst = ordered[(len(ordered) - 1) // 2], ordered[-1]
    return {median: "median"} if median == worst else {median: "median", worst: "worst"}


def _example(bench: BenchResult, group: Group, pair: ImagePair, why: str) -> Example:
    scored = {
        result.name: image
        for result in group.results
        for image in result.measured.images
        if image.name == pair.name
    }
    able = [one for one in group.methods if not scored[one.name].error]
    ranked = [one for one, _ in group.ranked(bench.metrics[0]) if one in able]
    best = [*ranked, *(one for one in able if one not in ranked)][:MOST]
    whole = replace(bench.config.convention, border=0, corners=0)
    unit = whole.scale(pair.truth.dtype).one

    def view(plane: NDArray[Any]) -> View:
        """Return the pair and a plane as they are scored."""
        return compared(pair.truth, plane, whole, pair.valid, low=pair.image).views[0]

    outputs = []
    for one in able:
        if one in best:
            plane = restored(bench.config.of(one.measured.row), pair)
            left = residual(pair.image, plane) / unit
            scores = scored[one.name].scores
            outputs.append(Output(one.name, scores, view(plane).image, left))
    truth = view(pair.truth)
    own = [scored[one.name].scores for one in group.results if one.untouched]
    return Example(
        name=pair.name,
        why=why,
        group=group,
        image=truth.reference if truth.low is None else truth.low,
        truth=truth.reference,
        valid=pair.valid,
        scores=own[0] if own else {},
        outputs=outputs,
        left_out=[one.name for one in able if one not in best],
        refused=[one.name for one in group.methods if one not in able],
    )


def residual(image: NDArray[Any], output: NDArray[Any]) -> Float:
    """Return what an output leaves of its input: noise, and what was not restored.

    An output on finer pixels is blurred first, as SQUIRREL does: by the Gaussian, gain
    and offset that leave least.
    """
    pixels = np.asarray(image, np.float64)
    if output.shape == image.shape:
        return np.asarray(pixels - output)
    if not np.ptp(output):
        return np.asarray(pixels - pixels.mean())
    return pixels - squirrel(image, output).explained
