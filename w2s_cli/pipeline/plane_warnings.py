"""What is wrong with some planes of a channel: blank, saturated, empty or dim ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt

import numpy as np

from w2s_cli.microscope.noise_levels import VarianceLine
from w2s_cli.microscope.plane_sampling import dark_and_bright, saturated_share
from w2s_cli.microscope.unknown_pixels import KnownPlane

MOST_SATURATED = 0.001  # share of the pixels
_MUCH_SATURATED = 0.02  # of one plane
_BLOCK = 8  # pixels along the squares that show structure
_EMPTY = 1.25  # variance between them, over that of noise alone
_DARK = 3.0  # photons in the brightest parts
_FADED = 4.0  # light of the brightest over that of the dimmest frame


@dataclass(frozen=True, slots=True)
class PlaneFacts:
    """What one plane shows. The levels are counts, the shares those of the pixels."""

    name: str  # "slice 3, frame 1"; empty where there is one plane
    darkest: float
    brightest: float  # the noise averaged out
    peak: float  # the highest value
    saturated: float
    unknown: float
    filling: tuple[str, ...] = ()  # the values of unknown pixels
    empty: bool = False  # whether it shows nothing but noise
    correlation: float | None = (
        None  # of the noise of neighbours, where it was measured
    )

    @property
    def blank(self) -> bool:
        """Return whether no pixel is known."""
        return self.unknown == 1


def facts_of(
    plane: KnownPlane,
    name: str,
    line: VarianceLine | None,
    correlation: float | None = None,
) -> PlaneFacts:
    """Return what one plane shows, its noise being as the line says."""
    darkest, brightest = dark_and_bright(plane)
    return PlaneFacts(
        name,
        darkest,
        brightest,
        float(plane.known.max()),
        0.0 if plane.blank else saturated_share(plane.known),
        float(plane.unknown.mean()),
        plane.filling,
        line is not None and not plane.blank and _empty(plane, line),
        correlation,
    )


def _empty(plane: KnownPlane, line: VarianceLine) -> bool:
    """Return whether squares of pixels differ by no more than their noise."""
    height, width = (side // _BLOCK * _BLOCK for side in plane.counts.shape)
    tiles = (height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    counts, unknown = (
        one[:height, :width].reshape(tiles) for one in (plane.counts, plane.unknown)
    )
    known = ~unknown.any(axis=(1, 3))
    means = counts.mean(axis=(1, 3), dtype=np.float64)[known]
    if len(means) < 30:
        return False
    noise = float(line.variance(np.array(means.mean()))) / _BLOCK**2
    most = _EMPTY + 4 * sqrt(2 / len(means))
    return float(means.var()) < most * noise


def plane_warnings(
    planes: Sequence[PlaneFacts], photons: Callable[[float], float] | None
) -> Iterator[str]:
    """Yield what is wrong with some planes, and which; `photons` takes counts."""
    yield from _unknown(planes)
    seen = [one for one in planes if not one.blank]
    yield from _saturated(seen)
    empty = [one for one in seen if one.empty]
    # Even light is no reason to warn, where every plane has it.
    dark = photons and all(photons(one.brightest) < _DARK for one in seen)
    if empty and (dark or len(empty) < len(seen)):
        yield (
            f"{_subject(empty, planes)} no structure above the noise: do not trust "
            "what a method draws there"
        )
    frames = [one for one in seen if one.name.startswith("frame ")]
    if photons and len(frames) > 1:
        dim, bright = (
            pick(frames, key=lambda one: one.brightest) for pick in (min, max)
        )
        least, most = photons(dim.brightest), photons(bright.brightest)
        if most > _FADED * max(least, 0.1):
            yield (
                f"the brightest parts have {most:.3g} photons a pixel in {bright.name} "
                f"and {max(least, 0):.2g} in {dim.name}: a method shows less detail in "
                "dim frames, which is no change of the sample"
            )


def _unknown(planes: Sequence[PlaneFacts]) -> Iterator[str]:
    blank = [one for one in planes if one.blank]
    seen = [one for one in planes if not one.blank]
    if blank and seen:
        values = _values(blank)
        are = "is" if len(blank) == 1 else "are"
        yield (
            f"{names_of(blank, planes)} {are} blank (all {values}): left as "
            f"{'it is' if len(blank) == 1 else 'they are'}, and out of the noise"
        )
    share = float(np.mean([one.unknown for one in seen])) if seen else 0.0
    if share:
        yield (
            f"{100 * share:.2g}% of the pixels are outside the field, drawn over or no "
            f"numbers ({_values(seen)}): left as they are, and out of the noise"
        )


def _values(planes: Sequence[PlaneFacts]) -> str:
    found = sorted({value for one in planes for value in one.filling})
    return ", ".join(found[:3]) + (" and others" if len(found) > 3 else "")


def _saturated(planes: Sequence[PlaneFacts]) -> Iterator[str]:
    if not planes:
        return
    share = float(np.mean([one.saturated for one in planes]))
    worst = max(planes, key=lambda one: one.saturated)
    if share <= MOST_SATURATED and worst.saturated <= _MUCH_SATURATED:
        return
    where = ""
    if len(planes) > 1 and worst.saturated > 2 * share:
        where = f", {worst.saturated:.0%} of those of {worst.name}"
    yield (
        f"{share:.1%} of the pixels are saturated at {worst.peak:.0f} counts{where}: "
        "their light is unknown"
    )


def _subject(some: Sequence[PlaneFacts], planes: Sequence[PlaneFacts]) -> str:
    if len(some) == len(planes):
        return "the image shows"
    return f"{names_of(some, planes)} {'shows' if len(some) == 1 else 'show'}"


def names_of(some: Sequence[PlaneFacts], planes: Sequence[PlaneFacts]) -> str:
    """Return the names of some planes: "frames 7 to 12", "slices 1, 2 and 9"."""
    if len(some) == 1:
        return some[0].name
    word = some[0].name.split(" ")[0]
    places = [planes.index(one) for one in some]
    if any(", " in one.name for one in some):
        more = f" and {len(some) - 3} more" if len(some) > 3 else ""
        return "; ".join(one.name for one in some[:3]) + more
    runs = []
    for _, run in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
        numbers = [planes[at].name.split(" ")[1] for _, at in run]
        runs += [f"{numbers[0]} to {numbers[-1]}"] if len(numbers) > 2 else numbers
    listed = ", ".join(runs[:-1]) + " and " + runs[-1] if len(runs) > 1 else runs[0]
    return f"{word}s {listed}"
