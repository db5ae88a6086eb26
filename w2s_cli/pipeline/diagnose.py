"""What a file shows before it is restored: its noise, its range, and what is wrong.

`estimate-noise`, `restore`, `adapt`, the bench and the Python API all ask here, so that
they say the same of the same file. A few planes of each channel are read, once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, UsageError
from w2s_cli.microscope.defects import Defects, Kinds
from w2s_cli.microscope.noise_estimation import Dark, NoiseFit, fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.noise_with_defects import fit_noise_with_defects
from w2s_cli.microscope.plane_sampling import (
    dark_and_bright,
    grain,
    sample_planes,
    sample_squares,
    saturated_share,
)
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.held_out import squares_of
from w2s_cli.pipeline.noise_warnings import misfit_warnings, noise_warnings
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange
from w2s_cli.stack import Stack

MOST_SATURATED = 0.001  # share of the pixels
BLACK, WHITE = 0.2, 99.8
"""Percentiles of the pixels: about those that W2S's authors stretched its images to."""


Planes = Sequence[NDArray[Any]]


def diagnose(
    stack: Stack,
    given: Sequence[NoiseModel] = (),
    *,
    noise: bool = True,
    display_range: bool = False,
    known_range: DisplayRange | None = None,
    defects: bool = True,
    even_lines: bool = False,
    known_defects: Kinds | None = None,
    levels: bool = False,
) -> Diagnosis:
    """Return what a stack shows; a few planes of each channel are read, once.

    Nothing is read where neither the noise nor a range that isn't known is asked for.

    Parameters
    ----------
    stack
        The image in camera counts.
    given
        The noise model of each channel, one for all, or none: estimated then.
    noise, display_range
        Whether the noise is needed, and whether black and white are.
    known_range
        Black and white, where they need not be measured.
    defects
        Whether pixels that the camera reads wrongly are looked for, with the noise.
    even_lines
        Whether uneven rows and columns are defects as well.
    known_defects
        Those that are known, (Y, X) of a plane.
    levels
        Whether to look, without the noise too, if whole counts can hold the light.

    Raises
    ------
    UsageError
        When the number of noise models is not the number of channels.
    InputError
        When a plane has pixels that are no numbers, or a range is needed and a channel
        has only one value. Noise that can't be measured is raised when it is used.
    """
    models = given_models(stack, given)  # too many are refused, needed or not
    if not (noise or display_range or levels):
        return Diagnosis()
    models = models if noise else [None] * stack.channel_count
    eight_bit = EIGHT_BIT if stack.data.dtype == np.uint8 else None
    known = known_range or eight_bit
    channels = []
    for number, model in enumerate(models):
        # The one place that reads planes to look at them: more that is to be found in
        # a file is found in these.
        planes = sample_planes(stack, number) if noise or levels or not known else []
        facts: dict[str, Any] = {}
        name = stack.channel_name(number)
        if display_range:
            origin = "given" if known_range else "8 bit" if eight_bit else "measured"
            shown = known or _measured_range(planes, name)
            facts = {"display_range": shown, "range_origin": origin}
        channels.append(
            diagnose_channel(
                name,
                planes,
                model,
                look_for_defects=defects,
                even_lines=even_lines,
                known_defects=known_defects,
                **facts,
            )
            if noise
            else ChannelDiagnosis(name, **_levels(planes if levels else []), **facts)
        )
    return Diagnosis(tuple(channels), stack.pixel_size)


def diagnose_channel(
    name: str,
    planes: Planes,
    given: NoiseModel | None = None,
    *,
    dark: Dark | None = None,
    fit: NoiseFit | None = None,
    look_for_defects: bool = True,
    even_lines: bool = False,
    known_defects: Kinds | None = None,
    **facts: Any,
) -> ChannelDiagnosis:
    """Return what a few (Y, X) planes of counts of a channel show of its noise.

    Parameters
    ----------
    name
        The channel's.
    planes
        Some of its planes.
    given
        The noise model to use, where it is known.
    dark
        What the camera reads without light, if it is known.
    fit
        The noise, where it was measured otherwise, such as from repeats.
    look_for_defects
        Whether the noise is that of the good pixels alone.
    even_lines
        Whether uneven rows and columns are to be evened out.
    known_defects
        Those that are known, (Y, X) of a whole plane.
    facts
        What else is known of the channel: fields of `ChannelDiagnosis`.
    """
    failure = found = None
    try:
        if fit is None:
            squares = sample_squares(planes)
            fit = fit_noise(squares, dark)
            if look_for_defects:
                known = [] if known_defects is None else [known_defects] * len(planes)
                fit, found = _without_defects(
                    squares, fit, dark, _cut(known, planes), even_lines
                )
    except InputError as error:
        failure = error
    plane = planes[len(planes) // 2]
    share = float(np.mean([saturated_share(one) for one in planes]))
    other = []
    if found:
        other += [*_defect_warnings(found)]
    if share > MOST_SATURATED:
        most = max(float(one.max()) for one in planes)
        other.append(
            f"{share:.1%} of the pixels are saturated at {most:.0f} counts: "
            "their light is unknown"
        )
    if fit and given:
        other += [*misfit_warnings(given, fit.model, plane)]
    return ChannelDiagnosis(
        name,
        given or (fit.model if fit else None),
        "given" if given else "estimated",
        fit,
        failure,
        plane.size,
        saturated=share,
        dark_known=dark is not None,
        noise_warnings=tuple(noise_warnings(fit, plane, given)) if fit else (),
        other_warnings=tuple(other),
        defects=found,
        squares=squares_of(planes),
        **_levels(planes),
        **facts,
    )


def _levels(planes: Planes) -> dict[str, Any]:
    """Return how bright and how grainy planes are: fields of `ChannelDiagnosis`."""
    if not planes:
        return {}
    darkest, brightest = dark_and_bright(planes[len(planes) // 2])
    grains = [one for one in map(grain, planes) if one is not None]
    return {
        "darkest": darkest,
        "brightest": brightest,
        "grain": min(grains, default=None),
    }


def _without_defects(
    squares: Planes,
    plain: NoiseFit,
    dark: Dark | None,
    known: Sequence[Kinds],
    even_lines: bool,
) -> tuple[NoiseFit, Defects | None]:
    """Return the noise of good pixels, and the defects of the square with most."""
    fit, found = fit_noise_with_defects(
        squares, dark, known, plain, even_lines=even_lines
    )
    worst = max(
        found, key=lambda one: (one.found, np.count_nonzero(one.kinds), one.uneven)
    )
    return fit, worst if worst.found or worst.uneven else None


def _defect_warnings(found: Defects) -> Iterator[str]:
    """Yield what is repaired, and what looks like a defect and is left."""
    if found.found:
        yield (
            f"{found.words}: left out of the noise, and repaired before anything else; "
            "--defects keep leaves them"
        )
    if found.uneven and not found.evens_lines:
        yield (
            f"{found.line_words}: the camera's, or structure along them; they are left "
            "as they are, --defects all evens them out"
        )


def _cut(known: Sequence[Kinds], planes: Planes) -> list[Kinds]:
    """Return the parts of whole maps that belong to the squares of sampled planes."""
    inner = []
    for kinds, plane in zip(known, planes, strict=False):
        top, left = (
            (a - b) // 2 for a, b in zip(kinds.shape, plane.shape, strict=True)
        )
        height, width = plane.shape
        inner.append(kinds[top : top + height, left : left + width])
    return sample_squares(inner)


def given_models(
    stack: Stack, given: Sequence[NoiseModel]
) -> Sequence[NoiseModel | None]:
    """Return the noise model that each channel is given, None for none.

    Raises
    ------
    UsageError
        When there are neither none, nor one, nor as many as channels.
    """
    count = stack.channel_count
    number = stack.extra.get("channel")  # the one taken out of several
    if number is not None and count == 1 < len(given):
        given = given[number : number + 1]
    if len(given) not in (0, 1, count):
        raise UsageError(
            f"{len(given)} noise models for an image of {count} channels",
            hint="give one for all channels, or one for each",
        )
    if len(given) == count:
        return given
    return [given[0] if given else None] * count


def _measured_range(planes: Planes, channel: str) -> DisplayRange:
    pixels = np.concatenate([plane.ravel() for plane in planes])
    black, white = map(float, np.percentile(pixels, [BLACK, WHITE]))
    if black == white:
        raise InputError(
            f"channel {channel} shows neither black nor white: "
            f"nearly all of it is {black:g}",
            hint="say both: -O black=COUNTS -O white=COUNTS",
        )
    return DisplayRange(black, white)
