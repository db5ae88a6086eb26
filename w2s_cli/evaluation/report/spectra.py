"""Power over spatial frequency: what noise a method takes away, and what detail."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from w2s_cli.evaluation.drawing.figure import INK, PALE, Look, png
from w2s_cli.evaluation.report.examples import Example
from w2s_cli.evaluation.report.spectrum import radial_spectrum

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
