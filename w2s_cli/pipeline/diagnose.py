"""What a file shows before it is restored: its noise, its range, and what is wrong.

`estimate-noise`, `restore`, `adapt`, the bench and the Python API all ask here, so that
they say the same of the same file. A few planes of each channel are read, once.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError, UsageError
from w2s_cli.microscope.defects import Defects, Kinds
from w2s_cli.microscope.fine_contrast import fine_contrast
from w2s_cli.microscope.noise_correlation import correlated_noise
from w2s_cli.microscope.noise_estimation import HINT, Dark, NoiseFit
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.noise_over_planes import (
    NoiseOverPlanes,
    Sample,
    fit_noise_over_planes,
    samples_of,
    white,
)
from w2s_cli.microscope.noise_with_defects import fit_noise_with_defects
from w2s_cli.microscope.plane_sampling import (
    MOST_PLANES,
    MOST_SIDE,
    dark_and_bright,
    grain,
    sample_squares,
    sampled_indices,
    spread,
)
from w2s_cli.microscope.unknown_pixels import KnownPlane
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.held_out import squares_of
from w2s_cli.pipeline.noise_warnings import (
    clipping_warnings,
    defect_warnings,
    misfit_warnings,
    noise_warnings,
)
from w2s_cli.pipeline.plane_warnings import facts_of, plane_warnings
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange
from w2s_cli.stack import Stack

_NO_NUMBERS = {"nan", "inf", "-inf"}
_WORDS = (("Z", "slice"), ("T", "frame"))  # as in Fiji
MOST_JUDGED = 16  # planes of a channel, the first and the last too
BLACK, WHITE = 0.2, 99.8
"""Percentiles of the pixels: about those that W2S's authors stretched its images to."""


def diagnose(
    stack: Stack,
    given: Sequence[NoiseModel] = (),
    *,
    noise: bool = True,
    display_range: bool = False,
    known_range: DisplayRange | None = None,
    shown_by: Callable[[NDArray[Any]], DisplayRange] | None = None,
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
    shown_by
        What measures them; None for percentiles, and 0 and 255 in 8 bits.
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
    eight_bit = EIGHT_BIT if stack.data.dtype == np.uint8 and not shown_by else None
    known = known_range or eight_bit
    channels = []
    for number, model in enumerate(models):
        # The one place that reads planes to look at them: more that is to be found in
        # a file is found in these.
        planes: dict[str, KnownPlane] = {}
        most = MOST_JUDGED if noise else MOST_PLANES
        if noise or levels or not known:
            planes = judged_planes(stack, number, most)
        facts: dict[str, Any] = {}
        name = stack.channel_name(number)
        if display_range:
            origin = "given" if known_range else "8 bit" if eight_bit else "measured"
            measure = shown_by or partial(_black_and_white, channel=name)
            shown = known or measure(_known_pixels([*planes.values()]))
            facts = {"display_range": shown, "range_origin": origin}
        channels.append(
            diagnose_channel(
                name,
                [*planes.values()],
                model,
                names=[*planes],
                look_for_defects=defects,
                even_lines=even_lines,
                known_defects=[]
                if known_defects is None
                else [
                    known_defects[rows, columns]
                    for _, rows, columns in _judged(stack, number, most).values()
                ],
                **facts,
            )
            if noise
            else ChannelDiagnosis(
                name, **_levels([*planes.values()] if levels else []), **facts
            )
        )
    if all(one.blank for one in channels):
        return Diagnosis(tuple(channels), stack.pixel_size)
    return Diagnosis(tuple(map(_without_noise_if_blank, channels)), stack.pixel_size)


def _without_noise_if_blank(channel: ChannelDiagnosis) -> ChannelDiagnosis:
    """Return a channel that may lie beside others though it shows nothing."""
    if not channel.blank or channel.model or channel.darkest is None:
        return channel
    words = f"blank (every pixel is {channel.darkest:g}): left as it is"
    return replace(
        channel,
        model=NoiseModel(1.0, channel.darkest),
        origin="blank",
        failure=None,
        other_warnings=(words,),
    )


def judged_planes(
    stack: Stack, channel: int, most: int = MOST_JUDGED
) -> dict[str, KnownPlane]:
    """Return the middles of planes from all over a channel, by their names.

    Of large planes they are parts from all over the plane.
    """
    return {
        name: KnownPlane.of(stack.region(*window).copy())
        for name, window in _judged(stack, channel, most).items()
    }


def _judged(
    stack: Stack, channel: int, most: int
) -> dict[str, tuple[tuple[int, ...], slice, slice]]:
    """Return which part of which plane is looked at, by its name."""
    places = sampled_indices(stack, channel, most)
    grid = isqrt(most // len(places)) if stack.large else 1
    side = MOST_SIDE if len(places) * grid**2 <= MOST_PLANES else MOST_SIDE // 2
    lengths = dict(zip(stack.axes, stack.data.shape, strict=True))
    along = [(axis, word) for axis, word in _WORDS if lengths.get(axis, 1) > 1]
    windows = {}
    for at in places:
        number = dict(zip(stack.axes, at, strict=False))
        name = ", ".join(f"{word} {number[axis] + 1}" for axis, word in along)
        parts = [*product(*(spread(n, side, grid) for n in stack.data.shape[-2:]))]
        for rows, columns in parts:
            corner = f"part at y {rows.start}, x {columns.start}"
            of = f" of {name}" if name else ""
            windows[name if len(parts) == 1 else corner + of] = at, rows, columns
    return windows


def diagnose_channel(
    name: str,
    planes: Sequence[KnownPlane],
    given: NoiseModel | None = None,
    *,
    names: Sequence[str] = (),
    dark: Dark | None = None,
    fit: NoiseFit | None = None,
    look_for_defects: bool = True,
    even_lines: bool = False,
    known_defects: Sequence[Kinds] = (),
    **facts: Any,
) -> ChannelDiagnosis:
    """Return what a few planes of counts of a channel show.

    Parameters
    ----------
    name
        The channel's.
    planes
        Some of its planes.
    given
        The noise model to use, where it is known.
    names
        Those of the planes, where there are several.
    dark
        What the camera reads without light, if it is known.
    fit
        The noise, where it was measured otherwise, such as from repeats.
    look_for_defects
        Whether the noise is that of the good pixels alone.
    even_lines
        Whether uneven rows and columns are to be evened out.
    known_defects
        Those that are known, (Y, X) of each plane.
    facts
        What else is known of the channel: fields of `ChannelDiagnosis`.
    """
    failure = found = None
    correlations: Sequence[float | None] = [None] * len(planes)
    try:
        if all(plane.blank and {*plane.filling} <= _NO_NUMBERS for plane in planes):
            raise InputError("no pixel of the image is a number", hint=HINT)
        if fit is None:
            samples = samples_of(planes)
            noise = fit_noise_over_planes(samples, dark)
            fit, correlations = noise.fit, noise.correlations
            if look_for_defects:
                known = [
                    sample_squares([kinds], sample.grid)
                    for kinds, sample in zip(known_defects, samples, strict=False)
                ]
                fit, found = _without_defects(samples, noise, dark, known, even_lines)
    except InputError as error:
        failure = error
    line = fit.line if fit else None
    shown = [
        facts_of(plane, called, line, correlation)
        for plane, called, correlation in zip(
            planes, names or [""] * len(planes), correlations, strict=True
        )
    ]
    seen = [one for one in shown if not one.blank] or shown
    brightest = max(seen, key=lambda one: one.brightest)
    plane = planes[shown.index(brightest)]
    squares = squares_of([one.counts for one in planes if not one.blank])
    model = _told_correlation(given, fit, plane.known.size, squares, dark)
    other = [*defect_warnings(found)] if found else []
    other += plane_warnings(
        shown, (lambda counts: (counts - model.offset) / model.gain) if model else None
    )
    if fit and given:
        other += [*misfit_warnings(given, fit, plane.counts)]
    if fit and not given:
        other += [*clipping_warnings(fit, plane)]
    return ChannelDiagnosis(
        name,
        model,
        "given" if given else "estimated",
        fit,
        failure,
        plane.known.size,
        brightest.darkest,
        brightest.brightest,
        saturated=float(np.mean([one.saturated for one in seen])),
        dark_known=dark is not None,
        noise_warnings=tuple(noise_warnings(fit, plane, shown, given)) if fit else (),
        other_warnings=tuple(other),
        defects=found,
        planes=tuple(shown),
        squares=squares,
        grain=_grain(planes),
        fine=fine_contrast(squares, model) if model else None,
        **facts,
    )


def _told_correlation(
    given: NoiseModel | None,
    fit: NoiseFit | None,
    pixels: int,
    squares: Sequence[FloatArray],
    dark: Dark | None,
) -> NoiseModel | None:
    """Return the model of a channel, with what neighbours share of the noise."""
    model = given or (fit.model if fit else None)
    if not fit or not model or not squares or white(fit.correlation, pixels):
        return model
    shared = correlated_noise(squares, fit, dark)
    if shared is None:
        return model
    if given:
        return replace(given, correlation=shared.model.correlation)
    return shared.model


def _levels(planes: Sequence[KnownPlane]) -> dict[str, Any]:
    """Return how bright and how grainy planes are: fields of `ChannelDiagnosis`."""
    seen = [plane for plane in planes if not plane.blank]
    if not seen:
        return {}
    darkest, brightest = max(map(dark_and_bright, seen), key=lambda ends: ends[1])
    return {"darkest": darkest, "brightest": brightest, "grain": _grain(seen)}


def _grain(planes: Sequence[KnownPlane]) -> float | None:
    grains = (grain(plane.counts) for plane in planes)
    return min((one for one in grains if one is not None), default=None)


def _without_defects(
    samples: Sequence[Sample],
    noise: NoiseOverPlanes,
    dark: Dark | None,
    known: Sequence[Sequence[Kinds]],
    even_lines: bool,
) -> tuple[NoiseFit, Defects | None]:
    """Return the noise of good pixels, and the defects of the square with most.

    They are looked for in a few of the planes that agree on the noise.
    """
    step = -(-len(noise.agreed) // MOST_PLANES)
    taken = noise.agreed[::step]
    fit, found = fit_noise_with_defects(
        [square for number in taken for square in samples[number].squares],
        dark,
        [kinds for number in taken for kinds in known[number]] if known else [],
        noise.fit,
        even_lines=even_lines,
        unknown=[mask for number in taken for mask in samples[number].unknown],
    )
    worst = max(
        found, key=lambda one: (one.found, np.count_nonzero(one.kinds), one.uneven)
    )
    return fit, worst if worst.found or worst.uneven else None


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


def _known_pixels(planes: Sequence[KnownPlane]) -> NDArray[Any]:
    seen = [plane for plane in planes if not plane.blank] or planes
    return np.concatenate([plane.known for plane in seen])


def _black_and_white(pixels: NDArray[Any], channel: str) -> DisplayRange:
    black, white = map(float, np.percentile(pixels, [BLACK, WHITE]))
    if black == white:
        raise InputError(
            f"channel {channel} shows neither black nor white: "
            f"nearly all of it is {black:g}",
            hint="say both: -O black=COUNTS -O white=COUNTS",
        )
    return DisplayRange(black, white)
