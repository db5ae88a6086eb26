"""The rows of a bench that compete with each other, and how they rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from w2s_cli.bench.plots import INK, PALE, SeriesStyle, png
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult
from w2s_cli.bench.scores.intervals import Interval, interval
from w2s_cli.metrics import METRICS


@dataclass(frozen=True, eq=False)
class RankedRow:
    """A row with its means."""

    measured: MethodResult  # the row with the scores of each image
    # by metric; None where there is none: see `MethodResult.interval`
    means: dict[str, Interval | None]
    printed: dict[str, float]  # what a paper has printed, by metric

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
    """The rows on the same images: of one scale and one level of noise."""

    # scale, level: of the images
    scale: int
    level: int
    results: Sequence[RankedRow]  # in the order of the table

    @property
    def title(self) -> str:
        """Return what it is called."""
        return f"level {self.level}" + (f", x{self.scale}" if self.scale > 1 else "")

    @property
    def slug(self) -> str:
        """Return what it is called in the names of files."""
        return f"x{self.scale}-level-{self.level}"

    @property
    def methods(self) -> list[RankedRow]:
        """Return the rows of methods, without that of the input itself."""
        return [result for result in self.results if not result.untouched]

    def ranked(self, metric: str) -> list[tuple[RankedRow, Interval]]:
        """Return the methods that have a mean, and it, the best first."""
        sign = -1 if METRICS[metric].better == "higher" else 1
        found = [
            (result, mean) for result in self.methods if (mean := result.means[metric])
        ]
        return sorted(found, key=lambda one: sign * one[1].mean)

    def near_best(self, metric: str) -> list[RankedRow]:
        """Return the methods that differ from the best by what chance may explain.

        The 95 % interval of the mean difference over the same images, drawn by fields
        of view, holds 0.
        """
        ranked = [result for result, _ in self.ranked(metric)]
        near = []
        for result in ranked[1:]:
            images = result.measured.images
            differences = [
                image.scores[metric] - rival.scores[metric]
                for image, rival in zip(images, ranked[0].measured.images, strict=True)
            ]
            found = interval(differences, [image.group for image in images])
            if found.low is not None and found.high is not None:
                near += [result] if found.low <= 0 <= found.high else []
        return near

    @property
    def fastest(self) -> RankedRow | None:
        """Return the method that took the least time an image."""
        timed = [result for result in self.methods if result.measured.done]
        return min(timed, key=lambda result: result.measured.seconds, default=None)


def grouped(bench: BenchResult) -> list[Group]:
    """Return the groups of a bench, in the order of scale and level."""
    found: dict[tuple[int, int], list[RankedRow]] = {}
    for measured in bench.rows:
        means = {metric: measured.interval(metric) for metric in bench.metrics}
        result = RankedRow(measured, means, bench.printed(measured))
        found.setdefault((measured.row.scale, measured.row.level), []).append(result)
    return [Group(*key, results) for key, results in sorted(found.items())]


def noisiest(groups: Sequence[Group]) -> list[Group]:
    """Return the group of the lowest level of each scale."""
    levels = {
        scale: min(group.level for group in groups if group.scale == scale)
        for scale in (group.scale for group in groups)
    }
    return [group for group in groups if group.level == levels[group.scale]]


_WIDTH = 10.0
_ROOM = 0.08  # around the values, as a part of their range
_POINT: dict[str, Any] = {"ms": 7, "elinewidth": 1.6, "capsize": 3}
_LEAST_SECONDS = 1e-6  # what an axis of logarithms can show


def ranks(
    group: Group, metrics: Sequence[str], styles: Mapping[str, SeriesStyle]
) -> bytes:
    """Return a PNG with two panels a metric."""
    ranked = {metric: group.ranked(metric) for metric in metrics}
    heights = [max(2.6, 1.1 + 0.27 * (len(one) + 1)) for one in ranked.values()]

    def draw(figure: Figure) -> None:
        grid = figure.subplots(len(metrics), 2, squeeze=False, height_ratios=heights)
        for (left, right), metric in zip(grid, metrics, strict=True):
            rows = [(one, one.means[metric]) for one in group.results if one.untouched]
            own = next(((one, mean) for one, mean in rows if mean), None)
            if ranked[metric] or own:
                panels = MetricPanels(metric, ranked[metric], own)
                _dots(left, panels, styles)
                _against_time(right, panels, styles)
                continue
            left.text(0, 0.5, f"{metric}: no row has a mean over all images")
            left.axis("off")
            right.axis("off")

    return png((_WIDTH, sum(heights)), draw)


@dataclass(frozen=True, eq=False)
class MetricPanels:
    """What the two panels of a metric show."""

    metric: str  # its name
    # the methods with their means, the best first
    ranked: Sequence[tuple[RankedRow, Interval]]
    # the row of the input itself, if it has a mean: it has no rank
    untouched: tuple[RankedRow, Interval] | None

    @property
    def label(self) -> str:
        """Return what an axis says."""
        return f"{self.metric} ({METRICS[self.metric].better} is better)"

    @property
    def limits(self) -> tuple[float, float]:
        """Return the ends of an axis for all methods; the input may lie outside."""
        shown = [self.untouched] if self.untouched and not self.ranked else self.ranked
        ends = [
            end
            for result, mean in shown
            for end in (mean.low, mean.mean, mean.high, result.printed.get(self.metric))
            if end is not None
        ]
        low, high = min(ends), max(ends)
        room = (high - low) * _ROOM or abs(high) * _ROOM or 1.0
        return low - room, high + room


def _dots(axes: Axes, one: MetricPanels, styles: Mapping[str, SeriesStyle]) -> None:
    """Draw a line a method, the best above; the input itself below."""
    names = []
    for at, (result, mean) in enumerate(one.ranked):
        names.append(f"{result.name}  {at + 1}")
        style = styles[result.name]
        point = {"fmt": style.marker, "color": style.colour, **_POINT}
        axes.errorbar(mean.mean, at, xerr=_reach(mean), **point)
    papers = [
        (result.printed[one.metric], at)
        for at, (result, _) in enumerate(one.ranked)
        if one.metric in result.printed
    ]
    if papers:
        axes.plot(*zip(*papers, strict=True), "d", mfc="none", mec=INK, ms=11)
    if one.untouched:
        names.append(one.untouched[0].name)
        mean, at = one.untouched[1], len(one.ranked)
        low, high = one.limits
        if mean.mean > high:
            text = f"{mean.mean:.3g} \u2192"
            _write(axes, text, (high, at), (-6, 0), ha="right")
        elif mean.mean < low:
            _write(axes, f"\u2190 {mean.mean:.3g}", (low, at), (6, 0))
        else:
            mark = {"fmt": "|", "color": PALE, **_POINT, "ms": 11}
            axes.errorbar(mean.mean, at, xerr=_reach(mean), **mark)
    axes.set(xlim=one.limits, ylim=(len(names) - 0.4, -0.6), xlabel=one.label)
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    title = f"{one.metric}: mean and 95 % interval"
    axes.set_title(f"{title}; \u25c7 as printed" if papers else title)


def _reach(mean: Interval) -> NDArray[np.float64] | None:
    """Return how far the interval reaches below and above the mean."""
    if mean.low is None or mean.high is None:
        return None
    return np.abs([[mean.mean - mean.low], [mean.high - mean.mean]])


def _write(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    points: tuple[int, int],
    **how: Any,
) -> None:
    """Write a text some points beside a place."""
    axes.annotate(
        *(text, place, points),
        textcoords="offset points",
        va="center",
        fontsize=9,
        **how,
    )


def _against_time(
    axes: Axes, one: MetricPanels, styles: Mapping[str, SeriesStyle]
) -> None:
    """Draw quality over seconds, each point with its rank."""
    seconds = [max(result.measured.seconds, _LEAST_SECONDS) for result, _ in one.ranked]
    for rank, (result, mean) in enumerate(one.ranked, 1):
        style, place = styles[result.name], (seconds[rank - 1], mean.mean)
        point = {"fmt": style.marker, "color": style.colour, **_POINT}
        axes.errorbar(*place, yerr=_reach(mean), **point)
        _write(axes, str(rank), place, (7, 7))
    axes.set(xscale="log", ylim=one.limits, ylabel=one.label)
    axes.set(xlabel="seconds an image", title="against time, with the rank")
    # Round numbers of seconds, few enough to read
    first, last = min(seconds, default=1.0) / 1.8, max(seconds, default=1.0) * 1.8
    axes.set_xlim(first, last)
    subs = (1, 2, 5) if last < 300 * first else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = one.limits
    if one.untouched and low <= (level := one.untouched[1].mean) <= high:
        axes.axhline(level, ls=":", color=PALE)
        place = (axes.get_xlim()[1], level)
        _write(axes, one.untouched[0].name, place, (0, 7), ha="right")
