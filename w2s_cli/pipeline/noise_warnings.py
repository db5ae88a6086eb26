"""What speaks against the noise of a channel: filters, averages, a wrong model."""

from collections.abc import Iterator, Sequence
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.microscope.defects import Defects
from w2s_cli.microscope.noise_estimation import NoiseFit
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.noise_over_planes import white
from w2s_cli.microscope.plane_sampling import BRIGHT
from w2s_cli.microscope.quantization import clipping_step, smallest_denominator
from w2s_cli.microscope.unknown_pixels import KnownPlane
from w2s_cli.pipeline.plane_warnings import PlaneFacts, names_of

MOST_MISFIT = 1.5  # between standard deviations, given and measured
LEAST_GAIN = 0.1  # counts a photon; coarser counts would drown the noise of light
MOST_CLIPPED = 0.1  # share of the pixels at the lowest value
_CONTRAST = 3.0  # standard deviations of noise, of a range of light that shows the gain
_FLAT = 0.05  # of the noise that grows with the light, over all of it


def correlated_planes(planes: Sequence[PlaneFacts], pixels: int) -> list[PlaneFacts]:
    """Return those whose neighbouring pixels share noise, of so many pixels each."""
    measured = [one for one in planes if one.correlation is not None]
    return [
        one
        for one in measured
        if one.correlation is not None
        and not white(one.correlation, pixels, len(measured))
    ]


def noise_warnings(
    fit: NoiseFit,
    plane: KnownPlane,
    planes: Sequence[PlaneFacts],
    given: NoiseModel | None,
) -> Iterator[str]:
    """Yield why the noise is not that of a camera; how it grows only if it is used."""
    pixels, where = plane.known.size, ""
    some = correlated_planes(planes, pixels) if len(planes) > 1 else []
    correlation = fit.correlation
    if some:
        correlation = max((one.correlation or 0.0 for one in some), key=abs)
        where = f" in {names_of(some, planes)}" if len(some) < len(planes) else ""
    if some or not white(correlation, pixels):
        cause = "smoothed, shifted, turned, resized, compressed or deconvolved"
        if correlation < 0:
            cause = "sharpened or resized"
        yield (
            f"the noise of neighbouring pixels is correlated ({correlation:.2f})"
            f"{where}: was the image {cause}? Its gain is not that of a camera. "
            "Restore the raw file, before registration; or take --method auto, which "
            "allows for it"
        )
    elif not given and (doubt := _gain_doubt(fit)):
        yield doubt
        if _flat(fit):
            return
    if given:
        return
    parts = smallest_denominator(plane.counts)
    if parts > 1:
        yield (
            f"every value is a multiple of 1/{parts}: an average of {parts} frames or "
            f"pixels, or counts divided by {parts}, look like a camera with a gain "
            f"{parts} times too small"
        )
    elif parts == 1 and plane.counts.max() > 255 and fit.slope < LEAST_GAIN:
        yield (
            f"a gain of {fit.slope:.2g} counts a photon is implausibly small: is the "
            "image an average, or rescaled? An average of K frames has a K-th of the "
            "gain"
        )


def _gain_doubt(fit: NoiseFit) -> str:
    """Say why the gain is not known, or ""."""
    unsure = fit.slope < 2 * fit.line.slope_error
    if not (unsure or _flat(fit)):
        return ""
    mean, variance = fit.levels.mean, fit.levels.variance
    usual = float(np.average(variance, weights=fit.levels.weight))
    if unsure and np.ptp(mean) < _CONTRAST * usual**0.5:
        factor = exp(fit.line.slope_error / fit.slope)
        return (
            "too few photons, or too even a light, to measure the noise: the gain of "
            f"{fit.slope:.2g} may be {factor:.2g} times more or less, and what a "
            "method makes of faint structure hangs on it. Give the noise of the "
            "camera: --noise noise.json, after w2s estimate-noise BRIGHTER.tif --json "
            "> noise.json; or --gain, --offset and --read-noise"
        )
    return (
        f"the noise hardly grows with the light: the gain of {fit.slope:.2g} has a "
        f"standard error of {fit.line.slope_error:.2g}, and photon numbers mean "
        "little. Is the light nearly even? Or is it no raw fluorescence image, but "
        "one of electrons or transmitted light, with gamma or its background "
        "subtracted? Take the raw file; or --method pure-let, which invents least"
    )


def _flat(fit: NoiseFit) -> bool:
    """Return whether next to nothing of the noise grows with the light."""
    mean, variance = fit.levels.mean, fit.levels.variance
    if not len(mean):
        return False
    rise = fit.slope * float(np.ptp(mean))
    return rise < _FLAT * float(np.average(variance, weights=fit.levels.weight))


def clipping_warnings(fit: NoiseFit, plane: KnownPlane) -> Iterator[str]:
    """Yield whether the dark half of the noise is cut off at the lowest value."""
    known = plane.known
    lowest = known.min()
    share = float((known == lowest).mean())
    step = clipping_step([known], float(lowest))
    if step and share > MOST_CLIPPED and fit.model.read_noise > step:
        yield (
            f"{share:.0%} of the pixels are {lowest:g}, where their noise is cut off: "
            "was the background subtracted and clipped? Dark parts are brighter than "
            "they were, before and after any method; take the file from before that"
        )


def misfit_warnings(
    given: NoiseModel, fit: NoiseFit, plane: NDArray[Any]
) -> Iterator[str]:
    """Yield whether the noise that was given is not what the plane shows."""
    shown_at = fit.levels.mean
    levels = np.percentile(plane, [50, BRIGHT])
    if len(shown_at):
        levels = levels.clip(shown_at.min(), shown_at.max())
    levels = levels.astype(np.float32)
    least = np.float32(1e-6)
    shown = np.maximum(fit.model.variance(levels), least)
    ratios = np.sqrt(np.maximum(given.variance(levels), least) / shown)
    worst = float(max(ratios, key=lambda ratio: abs(np.log(ratio))))
    if not 1 / MOST_MISFIT <= worst <= MOST_MISFIT:
        yield (
            f"the noise that was given is {worst:.2g} times what the image shows: "
            "wrong noise makes a method invent structure, or erase it"
        )


def defect_warnings(found: Defects) -> Iterator[str]:
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
