"""Units of length and time, as OME defines them and as people type them into Fiji."""

import math
import re
import unicodedata
from typing import Any

_POWERS = {
    **{"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2},
    **{"da": 1, "": 0, "d": -1, "c": -2, "m": -3, "µ": -6, "n": -9, "p": -12},
    **{"f": -15, "a": -18, "z": -21, "y": -24},
}
# The symbols of OME, in which Mm is not mm
_OME_LENGTHS = {f"{prefix}m": float(f"1e{n + 6}") for prefix, n in _POWERS.items()} | {
    **{"Å": 1e-4, "thou": 25.4, "li": 25400 / 12, "in": 25400.0, "pt": 25400 / 72},
    **{"ft": 304800.0, "yd": 914400.0, "mi": 1609344000.0, "ua": 149597870700e6},
    **{"ly": 9460730472580800e6, "pc": 3.0856775814913673e22},
}
_OME_TIMES = {f"{prefix}s": float(f"1e{n}") for prefix, n in _POWERS.items()} | {
    **{"min": 60.0, "h": 3600.0, "d": 86400.0}
}

# In free text capitals mean nothing, and languages mix.
_SPELT = {
    **{"kilo": 3, "": 0, "deci": -1, "dezi": -1, "centi": -2, "zenti": -2},
    **{"milli": -3, "micro": -6, "mikro": -6, "nano": -9, "pico": -12, "piko": -12},
    **{"femto": -15},
}
_SHORT = {
    **{"k": 3, "": 0, "d": -1, "c": -2, "m": -3, "μ": -6, "u": -6, "n": -9, "p": -12},
    **{"f": -15},
}
_LENGTHS = (
    {
        f"{prefix}{stem}": float(f"1e{n + 6}")
        for prefix, n in _SPELT.items()
        for stem in ("meter", "meters", "metre", "metres", "metro", "metros")
    }
    | {f"{prefix}m": float(f"1e{n + 6}") for prefix, n in _SHORT.items()}
    | dict.fromkeys(("μ", "u", "mu", "mum", "micron", "microns", "mikron"), 1.0)
    | dict.fromkeys(("micra", "micrones", "mikrons", "microm", "micro"), 1.0)
    | dict.fromkeys(("å", "angstrom", "angstroms", "ångström", "ångstrom"), 1e-4)
    | dict.fromkeys(("angström", "angstroem", "a"), 1e-4)
    | dict.fromkeys(("in", "inch", "inches", '"', "zoll"), 25400.0)
    | dict.fromkeys(("thou", "mil", "mils"), 25.4)
    | dict.fromkeys(("pt", "point", "points"), 25400 / 72)
    | dict.fromkeys(("ft", "foot", "feet"), 304800.0)
    | dict.fromkeys(("yd", "yard", "yards"), 914400.0)
)
_TIMES = (
    {
        f"{prefix}{stem}": float(f"1e{n}")
        for prefix, n in _SPELT.items()
        for stem in ("second", "seconds", "sec", "secs", "sekunde", "sekunden")
    }
    | {f"{prefix}s": float(f"1e{n}") for prefix, n in _SHORT.items() if prefix != "d"}
    | {f"{prefix}sec": float(f"1e{n}") for prefix, n in _SHORT.items()}
    | dict.fromkeys(("min", "mins", "minute", "minutes", "minuten"), 60.0)
    | dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "stunden"), 3600.0)
    | dict.fromkeys(("d", "day", "days"), 86400.0)
)
_UNCALIBRATED = ("", "pixel", "pixels", "px", "reference frame")

# Dots an inch of screens, printers and scanners, also doubled by an enlargement
_PRINTED = (
    *(72, 75, 90, 96, 100, 120, 144, 150, 180, 192, 200, 240, 288, 300, 350, 360, 400),
    *(450, 480, 500, 600, 720, 800, 900, 1000, 1200, 1440, 1500, 1600, 1800, 2000),
    *(2400, 2880, 3000, 3200, 3600, 4000, 4800, 5760, 6400, 7200, 9600, 14400, 19200),
)
_INCH, _CM = 25400.0, 1e4  # micrometres


def micrometres(unit: str, *, ome: bool = False) -> float | None:
    """Return how many micrometres a unit has; None for pixels and the unknown.

    In OME capitals count; other text is read as a person would.
    """
    exact = _OME_LENGTHS.get(unit.strip()) if ome else None
    return exact or _LENGTHS.get(_plain(unit))


def seconds(unit: str, *, ome: bool = False) -> float | None:
    """Return how many seconds a unit has; None for the unknown."""
    exact = _OME_TIMES.get(unit.strip()) if ome else None
    return exact or _TIMES.get(_plain(unit))


def is_ome(unit: str) -> bool:
    """Return whether OME's schema has a unit; it has no other spelling of it."""
    return unit in _OME_LENGTHS or unit in _OME_TIMES


def is_uncalibrated(unit: str) -> bool:
    """Return whether a unit says that sizes are in pixels or in nothing known."""
    return _plain(unit) in _UNCALIBRATED


def _plain(unit: str) -> str:
    """Return a unit in small letters, however its micro sign was written."""
    text = re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))",
        lambda code: chr(int(code[1] or code[2], 16)),
        unit,
    )
    for garbled in ("Âµ", "Î¼"):  # UTF-8 that was read as Latin-1
        text = text.replace(garbled, "µ")
    text = unicodedata.normalize("NFKC", text).lower().strip(" .()[]'\0")
    text = re.sub(r"\s*(/|per|pro)\s*(pixel|px)$", "", text)
    if text in _LENGTHS:
        return text
    # micromètre
    parts = unicodedata.normalize("NFD", text)
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return bare if len(bare) > 1 else text


def positive(value: Any) -> float | None:
    """Return a number above 0 that a file gives, or None for all else."""
    try:
        number = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def is_printed(pixels: float, unit: float) -> bool:
    """Return whether `pixels` a unit of so many micrometres are a print resolution.

    Dots an inch such as 72, 300 or 2400 say nothing of the specimen; nor do they where
    they are given a centimetre, rounded to a whole number or not.
    """
    if unit not in (_INCH, _CM):
        return False
    dots = pixels * _INCH / unit
    rounded = 0.5 * _INCH / _CM if unit == _CM and float(pixels).is_integer() else 0
    return any(abs(dots - one) <= max(one * 1e-3, rounded) for one in _PRINTED)
