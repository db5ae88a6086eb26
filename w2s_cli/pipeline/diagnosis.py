"""Look at a few planes of a stack before it is restored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, UsageError
from w2s_cli.microscope.brightness import BRIGHT, brightest, saturated
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_fit import NoiseFit
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import sampled, spread
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Fittable, TrainedRange
from w2s_cli.stack import Stack

MOST_CORRELATION = 0.06  # between the noise of neighbouring pixels
# The estimate from 64 x 64 pixels of raw noise is off by up to 0.1, 512 x 512 by 0.02.
_SPREAD = 4  # that, times the root of the pixels; fine structure adds up to 0.04
MOST_MISFIT = 1.5  # between standard deviations, given and measured
MOST_SATURATED = 0.001  # share of the pixels
_LEARNS_NOISE = (
    "A method that learns from hidden pixels takes such noise for structure; --method "
    "n2v with -O rows=N or -O columns=N hides N neighbours on both sides as well"
)


def channel_warnings(
    seen: TrainedRange | None,
    plane: NDArray[Any],
    noise: NoiseModel,
    pixel_size: Mapping[str, float],
    correlation: float = 0.0,
    measured: NoiseModel | None = None,
    learner: Fittable | None = None,
) -> list[str]:
    """Return why a result should be looked at twice, one line a reason.

    Parameters
    ----------
    seen
        What the method is meant for, if it was.
    plane
        (Y, X) counts of a typical plane.
    noise
        The noise of the plane.
    pixel_size
        Micrometres a pixel of the axes that are known.
    correlation
        Of the noise of neighbouring pixels.
    measured
        What the image itself tells of its noise, where `noise` is from elsewhere.
    learner
        The method that learns from the image, if there is one.
    """
    reasons = [*_of_saturation(plane), *_of_neighbours(plane, correlation, learner)]
    if measured:
        reasons += [*_of_model(noise, measured, plane)]
    if seen:
        reasons += [*of_light(seen, plane, noise), *_of_sampling(seen, pixel_size)]
    return reasons


def white(correlation: float, pixels: int) -> bool:
    """Return whether the noise of so many pixels may well be independent."""
    return abs(correlation) <= MOST_CORRELATION + _SPREAD / sqrt(pixels)


def _of_saturation(plane: NDArray[Any]) -> Iterator[str]:
    share = saturated(plane)
    if share > MOST_SATURATED:
        yield (
            f"{share:.1%} of the pixels are saturated at {plane.max():.0f} counts: "
            "their light is unknown"
        )


def _of_neighbours(
    plane: NDArray[Any], correlation: float, learner: Fittable | None
) -> Iterator[str]:
    """Yield why noise that is alike in neighbours does harm, where it does."""
    bears = learner is not None and not learner.needs_white_noise
    if bears or white(correlation, plane.size):
        return
    cause = "filtered, resized or compressed" if correlation > 0 else "sharpened"
    harm = _LEARNS_NOISE if learner else "The method expects raw pixels"
    yield (
        f"the noise of neighbouring pixels is correlated ({correlation:.2f}): was the "
        f"image {cause}? {harm}"
    )


def _of_model(
    noise: NoiseModel, measured: NoiseModel, plane: NDArray[Any]
) -> Iterator[str]:
    levels = np.percentile(plane, [50, BRIGHT]).astype(np.float32)
    least = np.float32(1e-6)
    shown = np.maximum(measured.variance(levels), least)
    ratios = np.sqrt(np.maximum(noise.variance(levels), least) / shown)
    worst = float(max(ratios, key=lambda ratio: abs(np.log(ratio))))
    if not 1 / MOST_MISFIT <= worst <= MOST_MISFIT:
        yield (
            f"the noise that was given is {worst:.2g} times what the image shows: "
            "wrong noise makes a method invent structure, or erase it"
        )


def of_light(
    seen: TrainedRange, plane: NDArray[Any], noise: NoiseModel
) -> Iterator[str]:
    """Yield why a plane has too little light for a method, or too much, or too noisy.

    Parameters
    ----------
    seen
        What the method is meant for.
    plane
        (Y, X) counts.
    noise
        The noise of the plane.
    """
    least, most = seen.photons
    light = (brightest(plane) - noise.offset) / noise.gain
    if not least <= light <= most:
        yield (
            f"the brightest parts have {light:.3g} photons a pixel, the method is "
            f"meant for {least:g} to {most:g}"
        )
    if noise.sigma > seen.sigma:
        yield (
            f"the read noise is {noise.sigma:.3g} photons, the method is meant for "
            f"at most {seen.sigma:g}"
        )


def _of_sampling(seen: TrainedRange, pixel_size: Mapping[str, float]) -> Iterator[str]:
    if seen.pixel_size is None:
        return
    least, most = seen.pixel_size
    for axis in "YX":
        if axis in pixel_size and not least <= pixel_size[axis] <= most:
            yield (
                f"a pixel is {pixel_size[axis]:.3g} um wide along {axis}, the method "
                f"is meant for {least:g} to {most:g} um"
            )


@dataclass(frozen=True, slots=True)
class ChannelDiagnosis:
    """What is known of one channel.

    Attributes
    ----------
    noise
        Its noise model.
    origin
        Where the noise model is from.
    warnings
        Why a result should be looked at twice, one line a reason.
    correlation
        Of the noise of neighbouring pixels; 0 where it cannot be measured.
    """

    noise: NoiseModel
    origin: Literal["given", "estimated"]
    warnings: tuple[str, ...] = ()
    correlation: float = 0.0


def diagnose_channels(
    stack: Stack, chain: Chain, given: Sequence[NoiseModel] = ()
) -> list[ChannelDiagnosis]:
    """Return the noise of each channel, and what speaks against trusting the result.

    Nothing is read for a chain that needs no noise model; the list is then empty.

    Parameters
    ----------
    stack
        The image in camera counts.
    chain
        The methods.
    given
        The noise model of each channel, one for all, or none: estimated then.

    Raises
    ------
    UsageError
        When the number of noise models is not the number of channels.
    InputError
        When a plane has pixels that are no numbers, or no noise that can be measured.
    """
    if not chain.needs_noise:
        return []
    models = models_of(stack, given)
    return [
        _examined(stack, channel, chain, models[channel])
        for channel in range(stack.channel_count)
    ]


def models_of(stack: Stack, given: Sequence[NoiseModel]) -> Sequence[NoiseModel | None]:
    """Return the noise model that each channel is given, None for none.

    Parameters
    ----------
    stack
        The image.
    given
        One for each channel, one for all, or none.

    Raises
    ------
    UsageError
        When there is another number of them.
    """
    count = stack.channel_count
    number = stack.extra.get("channel", count)  # the one taken out of several
    if count == 1 < len(given) and number < len(given):
        given = given[number : number + 1]
    if len(given) not in (0, 1, count):
        raise UsageError(
            f"{len(given)} noise models for an image of {count} channels",
            hint="give one for all channels, or one for each",
        )
    if len(given) == count:
        return given
    return [given[0] if given else None] * count


def _examined(
    stack: Stack, channel: int, chain: Chain, given: NoiseModel | None
) -> ChannelDiagnosis:
    planes = sampled(stack, channel)
    noise, fit = _noise(planes, given)
    seen = next((s for link in chain.links if (s := link.traits.seen)), None)
    reasons = channel_warnings(
        seen,
        planes[len(planes) // 2],
        noise,
        stack.pixel_size,
        fit.correlation if fit else 0.0,
        fit.model if fit and given else None,
        chain.learner,
    )
    prefix = f"channel {channel}: " if stack.channel_count > 1 else ""
    return ChannelDiagnosis(
        noise,
        "given" if given else "estimated",
        tuple(prefix + reason for reason in reasons),
        fit.correlation if fit else 0.0,
    )


def _noise(
    planes: Sequence[NDArray[Any]], given: NoiseModel | None
) -> tuple[NoiseModel, NoiseFit | None]:
    """Return the noise model to use, and what the planes themselves tell."""
    try:
        fit = fit_noise(spread(planes))
    except InputError:
        if given:
            return given, None
        raise
    return given or fit.model, fit
