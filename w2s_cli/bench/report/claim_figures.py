"""The figures of claims: their differences, and all methods over the levels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from w2s_cli.bench.claims.claim import Claim, Verdict
from w2s_cli.bench.plots import INK, PALE, PageFigure, SeriesStyle, png
from w2s_cli.bench.report.ranking import Group
from w2s_cli.bench.results import BenchResult
from w2s_cli.metrics import METRICS

_WIDTH, _LINE, _ROOM = 9.0, 0.22, 1.1  # inches: of a figure, of a difference, around
# Colour and marker of each verdict
_LOOKS: Mapping[Verdict, tuple[str, str]] = {
    "holds": ("#009E73", "o"),
    "does not hold": ("#D55E00", "X"),
    "not decided": (PALE, "s"),
}


def claim_figures(
    bench: BenchResult, groups: Sequence[Group], styles: Mapping[str, SeriesStyle]
) -> Iterator[PageFigure]:
    """Yield the differences of each claim, and each scale's methods over the levels."""
    for claim in bench.claims:
        if any(one.interval and one.decides for one in claim.differences):
            yield PageFigure(
                f"claim-{claim.letter}",
                f"Claim {claim.letter}",
                "By how much the first is better than the second, over the same images,"
                " with 95 % intervals over fields of view. Right of 0 the claim holds, "
                "left of it the opposite does; an interval that holds 0 decides "
                "nothing.",
                _differences(claim),
            )
    if not bench.claims:
        return
    metric = bench.metrics[0]
    for scale in sorted({group.scale for group in groups}):
        level = bench.selection.data.clean
        over = [one for one in groups if one.scale == scale and one.level != level]
        if len(over) > 1:
            yield PageFigure(
                f"levels-x{scale}",
                f"{metric} at scale {scale} over the levels of noise",
                "Means over all images, of the methods that were measured at every "
                "level.",
                _over_levels(over, metric, styles),
            )


def _differences(claim: Claim) -> bytes:
    """Return a PNG with a line for each difference that decides."""
    shown = [one for one in claim.differences if one.decides and one.interval]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=INK, lw=1)
        for at, one in enumerate(shown):
            mean, (colour, marker) = one.interval, _LOOKS[one.verdict]
            if mean is None:
                continue
            if mean.low is not None and mean.high is not None:
                axes.plot([mean.low, mean.high], [at, at], color=colour, lw=2)
            axes.plot(mean.mean, at, marker, color=colour, ms=6)
        axes.set_yticks(range(len(shown)), [one.what for one in shown])
        axes.set(ylim=(len(shown) - 0.4, -0.6))
        unit = f" ({shown[0].unit})" if shown[0].unit else ""
        axes.set_xlabel(f"better by, {shown[0].metric}{unit}")
        axes.grid(visible=False, axis="y")
        axes.set_title(f"{claim.letter}: {claim.verdict}")

    return png((_WIDTH, _ROOM + _LINE * max(len(shown), 2)), draw)


def _over_levels(
    groups: Sequence[Group], metric: str, styles: Mapping[str, SeriesStyle]
) -> bytes:
    """Return a PNG with a line for each row that all groups have."""
    levels = [group.level for group in groups]
    means: dict[str, list[float]] = {}
    for group in groups:
        for row in group.results:
            if mean := row.means[metric]:
                means.setdefault(row.name, []).append(mean.mean)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, values in means.items():
            if len(values) < len(levels):
                continue
            if name in styles:
                style = styles[name]
                look: dict[str, Any] = {"color": style.colour, "marker": style.marker}
                axes.plot(levels, values, ls=style.dashes, label=name, **look)
            else:  # the input itself
                axes.plot(levels, values, color=PALE, lw=3, label=name)
        axes.set_xscale("log", base=2)
        axes.set_xticks(levels)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="level of noise")
        axes.set_ylabel(f"{metric} ({METRICS[metric].better} is better)")
        figure.legend(loc="outside right upper")

    return png((_WIDTH, 4.6), draw)
