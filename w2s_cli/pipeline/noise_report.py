"""What a file says of the noise of its camera.

What the noise of one channel amounts to, and whether to believe it.

What cannot be seen in an image is not said either: an average of K frames looks like
one frame of a camera with a K-th of the gain, and a sum of 2x2 pixels like one frame of
a camera with larger pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import AxesError, UsageError
from w2s_cli.io import open_image
from w2s_cli.io.targets import spooled_input
from w2s_cli.microscope.brightness import extremes, saturated
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_fit import Dark, NoiseFit, dark_of
from w2s_cli.microscope.photon_transfer import fit_repeats
from w2s_cli.microscope.plane_sampling import MOST_PLANES, middle, sampled
from w2s_cli.microscope.quantization import denominator
from w2s_cli.pipeline.diagnosis import MOST_SATURATED, white
from w2s_cli.stack import Stack

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


@dataclass(frozen=True, slots=True)
class Question:
    """How the noise is to be found out.

    Attributes
    ----------
    axes
        The axes of the files, where they have none or wrong ones.
    channel
        The one channel to look at, by name or number; all of them where None.
    repeats
        The axis along which the same view was taken again; None for single exposures.
    dark
        The camera without light: for each channel, one for all, or unknown.
    """

    axes: str | None = None
    channel: str | None = None
    repeats: str | None = None
    dark: tuple[Dark, ...] = ()


@dataclass(frozen=True, eq=False)
class NoiseReport:
    """The noise of each channel of a file."""

    source: Path
    channels: tuple[ChannelNoise, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the file as a JSON object."""
        rows = [channel.as_json() for channel in self.channels]
        return {"source": str(self.source), "channels": rows}


def report_noise(question: Question, source: Path) -> NoiseReport:
    """Return what a file, or "-" for standard input, says of its camera's noise.

    Raises
    ------
    W2SError
        When the file cannot be read, has no such axis or channel, or shows no noise.
    """
    with spooled_input(source) as file, open_image(file, axes=question.axes) as whole:
        stack = whole.only_channel(question.channel) if question.channel else whole
        darks = _darks(question, stack)
        channels = [_channel(stack, n, question, dark) for n, dark in enumerate(darks)]
    return NoiseReport(source, tuple(channels))


def read_dark(path: Path) -> tuple[Dark, ...]:
    """Return the camera without light, for each channel of a file of dark frames.

    Raises
    ------
    W2SError
        When the file cannot be read.
    """
    with open_image(path) as stack:
        places = [*stack.indices()]
        return tuple(
            dark_of(stack.data[at] for at in places if stack.channel_of(at) == channel)
            for channel in range(stack.channel_count)
        )


def _darks(question: Question, stack: Stack) -> list[Dark | None]:
    """Return what is known of each channel without light."""
    count = stack.channel_count
    if len(question.dark) == count:
        return [*question.dark]
    if len(question.dark) > 1:
        raise UsageError(
            f"{len(question.dark)} channels of dark frames for an image of {count}",
            hint="give dark frames of one channel, or of those of the image",
        )
    return [*(question.dark or (None,))] * count


def _channel(
    stack: Stack, number: int, question: Question, dark: Dark | None
) -> ChannelNoise:
    planes = sampled(stack, number)
    if question.repeats:
        fit = fit_repeats(_views(stack, number, question.repeats), dark)
    else:
        fit = fit_noise(planes, dark)
    named = stack.channels[number].name if number < len(stack.channels) else ""
    return verdict(named or str(number), fit, planes, dark)


def _views(stack: Stack, channel: int, axis: str) -> list["_Repeats"]:
    """Return a few evenly spaced views, each the planes along the axis of repeats."""
    if len(axis) != 1 or axis not in stack.axes or axis in "CYX":
        raise AxesError(
            f"there are no repeats along {axis!r}: the axes are {stack.axes}",
            hint="repeats are along T or Z; name the axes of the file with --axes",
        )
    along = stack.axes.index(axis)
    places = [at for at in stack.indices() if stack.channel_of(at) == channel]
    firsts = [at for at in places if at[along] == 0]
    step = -(-len(firsts) // MOST_PLANES)
    return [_Repeats(stack, at, along) for at in firsts[::step]]


@dataclass(frozen=True, slots=True)
class _Repeats:
    """The planes of a stack along one axis, read each time that they are asked for."""

    stack: Stack
    first: tuple[int, ...]
    along: int

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for number in range(self.stack.data.shape[self.along]):
            at = (*self.first[: self.along], number, *self.first[self.along + 1 :])
            yield middle(self.stack, at)
