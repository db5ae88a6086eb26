"""What the noise of one channel amounts to, and whether to believe it.

What cannot be seen in an image is not said either: an average of K frames looks like
one frame of a camera with a K-th of the gain, and a sum of 2x2 pixels like one frame of
a camera with larger pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.batch.trust import MOST_SATURATED, white
from w2s_cli.estimate.dark import Dark
from w2s_cli.estimate.lattice import denominator
from w2s_cli.estimate.light import extremes, saturated
from w2s_cli.estimate.noise_fit import NoiseFit

LEAST_GAIN = 0.1  # counts a photon; coarser counts would drown the noise of light


@dataclass(frozen=True, eq=False)
class ChannelNoise:
    """One channel.

    Attributes
    ----------
    name
        What the file calls it, or its number.
    fit
        Its noise.
    peak_snr
        Contrast between its darkest and brightest parts over the noise of the
        brightest, in dB.
    photons
        Light of its brightest parts, a pixel.
    saturated
        Share of its pixels at the full range of the camera.
    dark_known
        Whether offset and read noise are from a dark frame.
    doubts
        Why the noise should not be relied on, one line a reason.
    """

    name: str
    fit: NoiseFit
    peak_snr: float
    photons: float
    saturated: float
    dark_known: bool
    doubts: tuple[str, ...]

    @property
    def trusted(self) -> bool:
        """Return whether there is no doubt about the noise."""
        return not self.doubts

    @property
    def warnings(self) -> list[str]:
        """Return what a user should know, one line a reason."""
        if self.saturated <= MOST_SATURATED:
            return [*self.doubts]
        full = f"{self.saturated:.1%} of the pixels are saturated"
        return [*self.doubts, f"{full}: their light is unknown"]

    def as_json(self) -> dict[str, Any]:
        """Return the channel as a JSON object; `batch.noise_file` reads it again."""
        model, line = self.fit.model, self.fit.line
        numbers = {
            "gain": model.gain,
            "offset": model.offset,
            "read_noise": model.read_noise,
            "a": line.slope,
            "a_error": line.slope_error,
            "b": line.intercept,
            "b_error": line.intercept_error,
            "peak_snr": self.peak_snr,
            "photons": self.photons,
            "saturated": self.saturated,
            "correlation": self.fit.correlation,
        }
        return {
            "name": self.name,
            **{key: float(f"{value:.6g}") for key, value in numbers.items()},
            "dark_known": self.dark_known,
            "trusted": self.trusted,
            "warnings": self.warnings,
        }


def verdict(
    name: str, fit: NoiseFit, planes: Sequence[NDArray[Any]], dark: Dark | None
) -> ChannelNoise:
    """Return what a fit and a few planes say of a channel.

    Parameters
    ----------
    name
        The channel's.
    fit
        Its noise.
    planes
        Some of its planes, (Y, X) counts each.
    dark
        What the fit was told of the camera without light.
    """
    shown = planes[len(planes) // 2]
    low, high = extremes(shown)
    variance = max(float(fit.line.variance(np.array(high))), 1e-30)
    return ChannelNoise(
        name,
        fit,
        10 * log10(max((high - low) ** 2 / variance, 1e-30)),
        (high - fit.model.offset) / fit.model.gain,
        float(np.mean([saturated(plane) for plane in planes])),
        dark is not None,
        (*_of_noise(fit, shown), *_of_values(fit, shown)),
    )


def _of_noise(fit: NoiseFit, plane: NDArray[Any]) -> Iterator[str]:
    if not white(fit.correlation, plane.size):
        cause = "smoothed, resized, compressed or deconvolved"
        if fit.correlation < 0:
            cause = "sharpened or resized"
        yield (
            f"the noise of neighbouring pixels is correlated ({fit.correlation:.2f}): "
            f"was the image {cause}? Its gain is not that of a camera"
        )
    elif fit.slope < 2 * fit.line.slope_error:
        yield (
            f"the noise hardly grows with the light: the gain of {fit.slope:.2g} has a "
            f"standard error of {fit.line.slope_error:.2g}"
        )


def _of_values(fit: NoiseFit, plane: NDArray[Any]) -> Iterator[str]:
    parts = denominator(plane)
    if parts > 1:
        yield (
            f"every value is a multiple of 1/{parts}: an average of {parts} frames or "
            f"pixels, or counts divided by {parts}, look like a camera with a gain "
            f"{parts} times too small"
        )
    elif parts == 1 and plane.max() > 255 and fit.slope < LEAST_GAIN:
        yield (
            f"a gain of {fit.slope:.2g} counts a photon is implausibly small: is the "
            "image an average, or rescaled? An average of K frames has a K-th of the "
            "gain"
        )
