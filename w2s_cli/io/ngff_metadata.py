"""What the JSON of OME-NGFF, versions 0.1 to 0.5, says of an image.

Source: https://ngff.openmicroscopy.org/specifications/0.5. Files say many things
wrongly: what is not understood is left out, and said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from w2s_cli.io.units import micrometres, positive, seconds
from w2s_cli.stack import Channel

_KEYS = ("multiscales", "omero", "plate", "well", "labels", "image-label", "_creator")
_GROUPS = ("bioformats2raw.layout", "series")
_TYPES = {"time": "T", "channel": "C"}
_OLD = "TCZYX"  # the axes before version 0.3, of which files hold the last ones
PENDING = "pending"
"""The key under "w2s" for an image that is not whole yet."""

UNKNOWN = "Q"
"""The letter of an axis whose meaning is not known."""


def ngff(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metadata of OME-NGFF among the attributes of a group."""
    own = attributes.get("ome")
    return own if isinstance(own, dict) else attributes


def others(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that neither NGFF nor w2s has written."""
    known = ("ome", "w2s", *_KEYS, *_GROUPS)
    return {key: value for key, value in attributes.items() if key not in known}


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in what should be a list of them."""
    found = value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, dict)]


def text(value: Any) -> str:
    """Return what should be text; "" for all else."""
    return value if isinstance(value, str) else ""


def _numbers(value: Any, count: int) -> list[float] | None:
    """Return what should be a list of so many numbers; None for all else."""
    if not isinstance(value, list) or len(value) != count:
        return None
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in value):
        return None
    try:
        return [float(one) for one in value]
    except OverflowError:
        return None


def _letter(axis: Any, *, old: bool) -> str:
    """Return the letter of an axis: its name, or else what its type has only one of."""
    if old:
        name, kind = text(axis), ""
    else:
        name, kind = text(axis.get("name")), text(axis.get("type"))
    if name.upper() in set(_OLD):
        return name.upper()
    return _TYPES.get(kind, UNKNOWN)


def axes_of(multiscale: Mapping[str, Any], dimensions: int) -> str:
    """Return a letter an axis; "" where there are none that fit the array."""
    said = multiscale.get("axes")
    if said is None:
        return _OLD[-dimensions:] if 2 <= dimensions <= len(_OLD) else ""
    if not isinstance(said, list) or len(said) != dimensions:
        return ""
    old = all(isinstance(one, str) for one in said)
    if not old and len(objects(said)) != dimensions:
        return ""
    letters = [_letter(one, old=old) for one in said]
    known = [one for one in letters if one != UNKNOWN]
    return "".join(letters) if len({*known}) == len(known) else ""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The sizes of pixels, and where the image lies."""

    pixel_size: dict[str, float]  # micrometres
    time_step: float | None  # seconds
    origin: dict[str, float]  # micrometres, by axis, for those that are not 0
    warnings: tuple[str, ...]


def calibration(
    multiscale: Mapping[str, Any], dataset: Mapping[str, Any], axes: str
) -> Calibration:
    """Return what the scales and translations of a level say, in w2s's units."""
    scales, origins, wrong = _transformed(multiscale, dataset, len(axes))
    doubts = [*wrong]
    said = multiscale.get("axes")
    units = [text(one.get("unit")) for one in objects(said)] or [""] * len(axes)
    sizes: dict[str, float] = {}
    placed: dict[str, float] = {}
    for axis, scale, origin, unit in zip(axes, scales, origins, units, strict=False):
        # Without a unit, 1 is how files say that nothing is known.
        if axis not in "TZYX" or wrong or (not unit and scale == 1):
            continue
        factor = (seconds if axis == "T" else micrometres)(unit)
        if not unit or not factor:
            called = f"the unit {unit!r}, which is not known" if unit else "no unit"
            doubts.append(
                f"its {axis} has a scale of {scale:g} and {called}: it is not used"
            )
        elif not (size := positive(scale * factor)):
            doubts.append(
                f"its {axis} has a scale of {scale:g}, which is no size: it is left out"
            )
        else:
            sizes[axis] = size
            if origin and axis != "T":
                placed[axis] = origin * factor
    return Calibration(sizes, sizes.pop("T", None), placed, tuple(doubts))


def _transformed(
    multiscale: Mapping[str, Any], dataset: Mapping[str, Any], count: int
) -> tuple[list[float], list[float], list[str]]:
    """Return the scales and origins of so many axes, and what is wrong with them.

    Without any scale there are none.
    """
    scales: list[float] = []
    origins, wrong = [0.0] * count, []
    for holder in (dataset, multiscale):
        for transform in objects(holder.get("coordinateTransformations")):
            kind = text(transform.get("type"))
            numbers = _numbers(transform.get(kind), count)
            if kind == "identity":
                continue
            if kind not in ("scale", "translation") or numbers is None:
                wrong.append(
                    f"its {kind or 'coordinate'} transformation is no list of {count} "
                    "numbers: it is left out"
                )
            elif kind == "scale":
                before = scales or [1.0] * count
                scales = [a * b for a, b in zip(before, numbers, strict=True)]
                origins = [a * b for a, b in zip(origins, numbers, strict=True)]
            else:
                origins = [a + b for a, b in zip(origins, numbers, strict=True)]
    return scales, origins, wrong


def channels_of(said: Mapping[str, Any]) -> tuple[Channel, ...]:
    """Return the channels that the part for OMERO describes."""
    omero = said.get("omero")
    listed = objects(omero.get("channels")) if isinstance(omero, dict) else []
    found = tuple(
        Channel(text(one.get("label")), _colour(text(one.get("color"))))
        for one in listed
    )
    return found if any(one != Channel() for one in found) else ()


def _colour(text: str) -> tuple[int, int, int] | None:
    try:
        red, green, blue = bytes.fromhex(text.removeprefix("#")[:6])
    except ValueError:
        return None
    return red, green, blue


def dataset_paths(multiscale: Mapping[str, Any]) -> list[str]:
    """Return where the arrays of a multiscale image are, the finest first."""
    named = [text(one.get("path")) for one in objects(multiscale.get("datasets"))]
    return [path for path in named if path]


def fields_of(well: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the images of a well are."""
    inside = well.get("well")
    for one in objects(inside.get("images")) if isinstance(inside, dict) else []:
        if path := text(one.get("path")):
            yield path


def wells_of(said: Mapping[str, Any]) -> Sequence[str]:
    """Return where the wells of a plate are."""
    plate = said.get("plate")
    found = objects(plate.get("wells")) if isinstance(plate, dict) else []
    return [path for one in found if (path := text(one.get("path")))]
