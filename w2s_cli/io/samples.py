"""Several samples a pixel: the colours of a picture, or channels of a microscope."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.stack import Channel

MOST_LOOKED_AT = 16  # planes that tell whether a picture is of one colour
PRIMARIES = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
_NAMES = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Samples:
    """What is known of the samples of a pixel."""

    count: int
    rgb: bool  # whether the first three are red, green and blue
    eight_bit: bool
    separate: bool  # whether each has a plane of its own
    alpha: tuple[int, ...]  # which of them say how opaque the pixel is


@dataclass(frozen=True, slots=True)
class Kept:
    """Which samples are channels, and what is to be said of it."""

    numbers: tuple[int, ...]
    channels: tuple[Channel, ...] = ()
    warning: str = ""
    # Whether the (samples, Y, X) of another plane are as those that were looked at
    fits: Callable[[NDArray[Any]], bool] = lambda planes: True


def channels_of(
    samples: Samples,
    planes: Callable[[], Iterable[NDArray[Any]]],
    path: Path,
    *,
    wanted: bool,
) -> Kept:
    """Return which samples are channels; refuse a picture in colours.

    Colours are channels where that is `wanted`, and where they are stored as pictures
    are not: apart, or not in 8 bits. Else the (samples, Y, X) of some `planes` tell:
    light in one colour, or in some of three, is that of a microscope's channels.
    """
    everything = Kept((*range(samples.count),), _channels(samples))
    pictures = samples.rgb and samples.eight_bit and not samples.separate
    looked = [*planes()] if (pictures or samples.alpha) and not wanted else []
    if wanted or (pictures and not looked):
        return everything
    if pictures:
        return _filled(samples, looked, path)
    opaque = _opaque(samples, looked)
    kept = tuple(n for n in everything.numbers if n not in opaque)
    left = "; its alpha is the same everywhere and was left" if opaque else ""
    if len(kept) == 1:
        return Kept(kept, warning=left.lstrip("; "))
    taken = f"its {len(kept)} samples a pixel are taken for channels; if they are "
    return Kept(
        kept,
        tuple(_channels(samples)[n] for n in kept),
        f"{taken}slices or frames, say --axes ZYX or --axes TYX{left}",
    )


def check_colours(kept: Kept, planes: NDArray[Any], number: int, path: Path) -> None:
    """Refuse a plane, or a part, whose (samples, Y, X) are not like the first's."""
    if not kept.fits(planes):
        raise InputError(
            f"{path}: plane {number + 1} is a picture in other colours than the first",
            hint="take one colour, such as --channel green, or all as channels with "
            "--axes",
        )


def _channels(samples: Samples) -> tuple[Channel, ...]:
    named = samples.rgb and not samples.separate
    return tuple(
        Channel("alpha")
        if number in samples.alpha
        else Channel(_NAMES[number], PRIMARIES[number])
        if named and number < len(_NAMES)
        else Channel()
        for number in range(samples.count)
    )


def _opaque(samples: Samples, looked: list[NDArray[Any]]) -> tuple[int, ...]:
    """Return the samples of opacity that are the same in each pixel."""
    return tuple(
        number
        for number in samples.alpha
        if len({value for plane in looked for value in np.unique(plane[number])}) == 1
    )


def _filled(samples: Samples, planes: list[NDArray[Any]], path: Path) -> Kept:
    """Return the samples that hold all the light of pictures, where that are few."""
    colours = np.stack([plane[:3] for plane in planes], axis=1)  # (colour, plane, Y, X)
    filled = tuple(int(n) for n in range(3) if colours[n].any())
    ratios = _one_colour(colours)
    if ratios is not None:
        brightest = int(np.argmax(ratios))
        colour = tuple(round(255 * ratio) for ratio in ratios)
        grey = len({*colour}) == 1
        what = "shades of grey" if grey else f"one colour, {_hue(colour)}"
        return Kept(
            (brightest,),
            () if grey else (Channel(colour=(colour[0], colour[1], colour[2])),),
            f"it is stored as a picture in colours, but has only {what}: it is read as "
            "one channel",
            lambda plane: _is_colour(plane[:3], ratios),
        )
    if len(filled) == 2:
        empty = ({0, 1, 2} - {*filled}).pop()
        names = " and ".join(_NAMES[n] for n in filled)
        return Kept(
            filled,
            tuple(Channel(_NAMES[n], PRIMARIES[n]) for n in filled),
            f"it is a picture in colours without {_NAMES[empty]}: {names} are read as "
            "channels",
            lambda plane: not plane[empty].any(),
        )
    raise InputError(
        f"{path} is a colour picture: {samples.count} samples a pixel",
        hint="take one of its colours, such as --channel green, or all as channels "
        "with --axes CYX (TCYX for a stack)",
    )


def _one_colour(colours: NDArray[Any]) -> tuple[float, float, float] | None:
    """Return the shares of red, green and blue where they are the same everywhere."""
    sums = colours.sum(axis=(1, 2, 3), dtype=np.float64)
    if not sums.any():
        return 1.0, 1.0, 1.0
    red, green, blue = (float(share) for share in sums / sums.max())
    ratios = red, green, blue
    alike = all(_is_colour(colours[:, n], ratios) for n in range(colours.shape[1]))
    return ratios if alike else None


def _is_colour(plane: NDArray[Any], ratios: tuple[float, float, float]) -> bool:
    """Return whether (colour, Y, X) is a brightness times a colour, if rounded."""
    brightness = plane[int(np.argmax(ratios))].astype(np.float32)
    return all(
        float(np.abs(plane[n] - ratio * brightness).max()) <= (0 < ratio < 1)
        for n, ratio in enumerate(ratios)
    )


def _hue(colour: tuple[int, ...]) -> str:
    if colour in PRIMARIES:
        return _NAMES[PRIMARIES.index(colour)]
    return "red {}, green {}, blue {}".format(*colour)
