"""The noise of a camera as a plot: variance over mean."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from w2s_cli.estimate.noise_fit import NoiseFit
from w2s_cli.evaluation.drawing.lines import Series, line_plot

SIGMAS = 2.0
_PLACES = 200


def plot_noise(path: Path, fits: Mapping[str, NoiseFit], title: str) -> None:
    """Write a PNG with the levels that were measured, the line, and a 2-sigma band.

    Parameters
    ----------
    path
        The PNG.
    fits
        The noise of each channel, by its name.
    title
        What stands above.
    """
    series = [
        one
        for number, (name, fit) in enumerate(fits.items())
        for one in _series(f"channel {name}: " if len(fits) > 1 else "", fit, number)
    ]
    line_plot(path, series, "mean (counts)", "variance (squared counts)", title)


def _series(name: str, fit: NoiseFit, number: int) -> Iterator[Series]:
    levels, line = fit.levels, fit.line
    mean = np.linspace(levels.mean.min(), levels.mean.max(), _PLACES)
    variance, error = line.variance(mean), SIGMAS * line.error(mean)
    sign = "-" if line.intercept < 0 else "+"
    says = f"{name}{line.slope:.3g} mean {sign} {abs(line.intercept):.3g}"
    alone = not name
    yield Series(
        f"{SIGMAS:g} standard errors" if alone else "",
        mean,
        variance - error,
        "band",
        variance + error,
        number,
    )
    yield Series(says, mean, variance, colour=number)
    yield Series(
        "levels of like brightness" if alone else "",
        levels.mean,
        levels.variance,
        "points",
        colour=number if not alone else 1,
    )
