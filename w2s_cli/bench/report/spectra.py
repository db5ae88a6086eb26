"""Power over spatial frequency: what noise a method takes away, and what detail."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from w2s_cli.bench.drawing.plots import INK, PALE, Look, png
from w2s_cli.bench.report.examples import Example

Values = NDArray[np.float64]


def radial_spectrum(image: NDArray[Any], pitch: int = 1) -> tuple[Values, Values]:
    """Return the power of an image over its spatial frequency, in rings.

    A Hann window keeps the edges from leaking into all frequencies. Noise without
    correlation, of variance v, has the power v * pitch**2 at all of them.

    Parameters
    ----------
    image
        (Y, X), at least 4 x 4.
    pitch
        The side of its pixels, in those that frequencies are counted in.

    Returns
    -------
    frequency, power
        (N,) cycles a pixel up to `0.5 / pitch`, without 0; (N,) squared units of the
        image times the area of a pixel.
    """
    pixels = np.asarray(image, np.float64)
    height, width = pixels.shape
    window = np.outer(_hann(height), _hann(width))
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


def _hann(length: int) -> Values:
    return np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2


_SIZE = (10.0, 4.6)
_MARKERS = 7  # along a line
_FAINTEST = 1e-5  # of the noise: power below is not drawn, nobody could see it


def spectra(example: Example, looks: Mapping[str, Look], unit: str) -> bytes:
    """Return a PNG with a line each for the input, the truth and every output.

    Parameters
    ----------
    example
        The images.
    looks
        By the name of the row.
    unit
        Of the images.
    """
    scale = example.group.scale
    seen = radial_spectrum(example.image, scale)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(*seen, color=PALE, lw=3, label="input")
        axes.plot(*radial_spectrum(example.truth), color=INK, lw=3, label="truth")
        for number, output in enumerate(example.outputs):
            frequency, power = radial_spectrum(output.plane)
            step = max(len(power) // _MARKERS, 1)
            first = step * number // len(example.outputs)
            look = looks[output.name]
            style = {"ls": look.dashes, "lw": 1.4, "marker": look.marker, "ms": 5}
            axes.plot(
                *(frequency, power),
                color=look.colour,
                label=output.name,
                markevery=(first, step),
                **style,
            )
        pixel = "pixel of the truth" if scale > 1 else "pixel"
        axes.set(yscale="log", xlim=(0, 0.5), xlabel=f"cycles a {pixel}")
        axes.set_ylabel(f"power ({unit} squared, pixels squared)")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
        lowest = max(axes.get_ylim()[0], float(seen[1].min()) * _FAINTEST)
        if lowest > 0:
            axes.set_ylim(bottom=lowest)
        figure.legend(loc="outside right upper")

    return png(_SIZE, draw)
