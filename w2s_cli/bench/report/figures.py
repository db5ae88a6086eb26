"""The figures of a report, each with what it shows in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from w2s_cli.bench.pictures import Panel, busiest
from w2s_cli.bench.plots import (
    INK,
    PALE,
    GrayScale,
    PageFigure,
    SeriesStyle,
    error_limits,
    gallery,
    gray_limits,
    png,
    residual_limits,
    series_style,
)
from w2s_cli.bench.report.colours import field_in_colours
from w2s_cli.bench.report.examples import Example, examples
from w2s_cli.bench.report.ranking import Group, noisiest, ranks
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.scores.convention import UNITS
from w2s_cli.bench.scores.score import Float

_SIZE = (10.0, 4.6)  # inches
_MARKERS = 7  # along a line
_FAINTEST = 1e-5  # of the noise: power below is not drawn, nobody could see it
_PART, _LEAST_SIDE = 5, 24  # the magnified square: of a side of the input; in pixels


def radial_spectrum(image: NDArray[Any], pitch: int = 1) -> tuple[Float, Float]:
    """Return frequencies, in cycles a pixel without 0, and the power of an image there.

    A Hann window keeps the edges from leaking into all frequencies. Noise without
    correlation, of variance v, has the power v * pitch**2 at all of them; `pitch` is
    the side of its pixels, in those that frequencies are counted in.
    """
    pixels = np.asarray(image, np.float64)
    height, width = pixels.shape
    hann = [np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in pixels.shape]
    window = np.outer(*hann)
    waves = np.fft.fft2((pixels - np.average(pixels, weights=window)) * window)
    power = np.abs(waves) ** 2 / (window**2).sum() * pitch**2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    rings = min(height, width) // 2
    ring = np.rint(frequency * 2 * rings).astype(np.intp).ravel()
    sums = np.bincount(ring, power.ravel())[1 : rings + 1]
    return (
        np.arange(1, rings + 1) / (2 * rings * pitch),
        sums / np.bincount(ring)[1 : rings + 1],
    )


def spectra(example: Example, styles: Mapping[str, SeriesStyle], unit: str) -> bytes:
    """Return a PNG with a line each for the input, the truth and every output."""
    scale = example.group.scale
    input_spectrum = radial_spectrum(example.image, scale)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(*input_spectrum, color=PALE, lw=3, label="input")
        axes.plot(*radial_spectrum(example.truth), color=INK, lw=3, label="truth")
        for number, output in enumerate(example.outputs):
            frequency, power = radial_spectrum(output.plane)
            step = max(len(power) // _MARKERS, 1)
            first = step * number // len(example.outputs)
            style = styles[output.name]
            axes.plot(
                *(frequency, power),
                color=style.colour,
                label=output.name,
                ls=style.dashes,
                lw=1.4,
                marker=style.marker,
                markevery=(first, step),
                ms=5,
            )
        pixel = "pixel of the truth" if scale > 1 else "pixel"
        axes.set(yscale="log", xlim=(0, 0.5), xlabel=f"cycles a {pixel}")
        axes.set_ylabel(f"power ({unit} squared, pixels squared)")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
        lowest = max(axes.get_ylim()[0], float(input_spectrum[1].min()) * _FAINTEST)
        if lowest > 0:
            axes.set_ylim(bottom=lowest)
        figure.legend(loc="outside right upper")

    return png(_SIZE, draw)


@dataclass(frozen=True, eq=False)
class ExampleFigures:
    """An example with its figures."""

    title: str
    rule: str
    figures: Sequence[PageFigure]


def row_styles(groups: Sequence[Group]) -> dict[str, SeriesStyle]:
    """Return how each row looks, the same in all figures."""
    names = dict.fromkeys(one.name for group in groups for one in group.methods)
    return {name: series_style(number) for number, name in enumerate(names)}


def rank_figure(
    group: Group, metrics: Sequence[str], styles: Mapping[str, SeriesStyle]
) -> PageFigure:
    """Return the figure of how the methods of a group rank."""
    images = len(group.results[0].measured.images)
    return PageFigure(
        f"ranks-{group.slug}",
        f"Ranks at {group.title}",
        f"Means over {images} images, with 95 % intervals over fields of view; the "
        "best above. On the right the same against the median time of an image, as it "
        "was when it was scored. Rows without a mean over all images have no rank.",
        ranks(group, metrics, styles),
    )


def example_figures(
    bench: BenchResult, groups: Sequence[Group], styles: Mapping[str, SeriesStyle]
) -> Iterator[ExampleFigures]:
    """Yield the examples of the noisiest images of each scale, restored once more."""
    metric, unit = bench.metrics[0], UNITS[bench.config.convention.unit]
    coloured = set[str]()  # figures of fields, each of which is drawn once
    for group in noisiest(groups):
        for example in examples(bench, group):
            figures = list(_figures(example, bench.metrics, styles, unit))
            colours = field_in_colours(bench.selection.data, example.name)
            if colours and colours.name not in coloured:
                coloured.add(colours.name)
                figures.insert(1, colours)
            yield ExampleFigures(
                f"Image {example.name} at {group.title}",
                _rule(example, metric),
                figures,
            )


def _rule(example: Example, metric: str) -> str:
    """Say why this image, and which methods are not shown."""
    rule = f"The image where {metric}, averaged over the methods, is the {example.why}."
    if example.why == "first":
        rule = f"The first image that was restored: {metric} has no finite value."
    if example.left_out:
        rule += (
            f" Only the {len(example.outputs)} best methods are shown, not "
            f"{', '.join(example.left_out)}."
        )
    if example.refused:
        rule += f" Refused by {', '.join(example.refused)}."
    return rule


def _figures(
    example: Example,
    metrics: Sequence[str],
    styles: Mapping[str, SeriesStyle],
    unit: str,
) -> Iterator[PageFigure]:
    name, slug, scale = f"image {example.name}", example.slug, example.group.scale
    outputs, truth, image = example.outputs, example.truth, example.image
    low, high = gray_limits(truth)
    scored = [(one.name, one.scores, one.plane, scale) for one in outputs]
    panels = []
    for label, scores, plane, fine in [("input", example.scores, image, 1), *scored]:
        shown = [f"{one} {scores[one]:.4g}" for one in metrics[:2] if one in scores]
        panels.append(Panel(f"{label}\n{', '.join(shown)}", plane, fine))
    panels.append(Panel("truth\n", truth, scale))
    side = min(max(min(image.shape) // _PART, _LEAST_SIDE), *image.shape)
    inset = busiest(truth[::scale, ::scale].clip(low, high), side)
    yield PageFigure(
        f"gallery-{slug}",
        f"Gallery of {name}",
        f"All panels on one scale of gray: {low:.4g} {unit} is black and {high:.4g} "
        "white, the percentiles 0.5 and 99.7 of the truth. The square where the truth "
        "is steepest on average is magnified below each.",
        gallery(panels, GrayScale(low, high, unit), inset),
    )
    if not outputs:
        return
    valid = True if example.valid is None else example.valid
    maps = [np.where(valid, abs(one.plane - truth), np.nan) for one in outputs]
    low, high = error_limits(maps)
    missing = " Pixels in pale blue are not scored: they are clipped."
    panels = [
        Panel(f"{one.name}\nmean {np.nanmean(error):.3g}", error)
        for one, error in zip(outputs, maps, strict=True)
    ]
    yield PageFigure(
        f"errors-{slug}",
        f"Error maps of {name}",
        "The absolute difference of output and truth, all from 0 to "
        f"{high:.3g} {unit}." + missing * (not np.all(valid)),
        gallery(panels, GrayScale(low, high, f"|output - truth|, {unit}", "inferno")),
    )
    low, high = residual_limits([one.residual for one in outputs])
    panels = [
        Panel(f"{one.name}\n{_noise_like(one.residual)}", one.residual)
        for one in outputs
    ]
    blurred = (
        " Outputs are blurred to the input's pixels first, by the Gaussian, gain and "
        "offset that leave least."
    )
    yield PageFigure(
        f"residuals-{slug}",
        f"Residuals of {name}",
        "The input less the output: it should look like noise, without the shape of "
        "anything, and neighbouring pixels should not be correlated. All from "
        f"{low:.3g} to {high:.3g} {unit}." + blurred * (scale > 1),
        gallery(panels, GrayScale(low, high, f"input - output, {unit}")),
    )
    pixel = " An input pixel is larger: its line ends earlier."
    yield PageFigure(
        f"spectra-{slug}",
        f"Power spectra of {name}",
        "Averages over rings. Where a line is above the truth there is noise left, or "
        "something made up; where it is below, detail is lost." + pixel * (scale > 1),
        spectra(example, styles, unit),
    )


def _noise_like(residual: Float) -> str:
    """Return the size of a residual, and how alike neighbouring pixels are."""
    spread = residual - residual.mean()
    power = (spread**2).mean()
    if not power:
        return "nothing is left"
    neighbours = (spread[:, 1:] * spread[:, :-1]).mean() / power
    return f"sd {np.sqrt(power):.3g}, neighbours {neighbours:+.2f}"
