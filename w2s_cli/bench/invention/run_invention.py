"""Methods on fields that tempt them: what they draw that is not there.

A method that blurs more draws less of anything, true or false, so counts at one height
or at one PSNR would praise it for what it loses, and a network that makes all lines
higher would be blamed for that. Methods are therefore compared at an equal rate of true
structure: the threshold of each is the height that 90 % of the middle lines of the
truth reach in its own output, over all fields of a scene; where structure was left out,
the light that 90 % of such places show where it was not. What is higher and not in the
truth is false. On a blank image nothing is true, so there the threshold is that of
faint lines and dots on the same light. The PSNR stands beside, and so do counts at a
height that is the same for all methods, half of that of the structure without noise:
what an eye sees on one scale of gray.

The noise of the camera is known to all methods.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_position

from w2s_cli._typing import FloatArray
from w2s_cli.bench.invention.scenes import SCENES, SIDE, Field, at
from w2s_cli.metrics.structures import (
    FoundObjects,
    line_heights,
    middle_lines,
    nearby,
    objects,
)
from w2s_cli.microscope.interpolation import doubled
from w2s_cli.microscope.simulation import CAMERA
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

FOUND = 0.9
"""Share of the true structure that the threshold of a method finds."""
TRUTHS = ("truth", "noise-free")
"""Rows that say what the detector finds where nothing is invented."""
JOINED = 0.735
"""Light between two points, over theirs, from which they are one: Rayleigh's."""
_LEAST = 0.01  # of the height of the structure: the lowest threshold
_INTERVAL = 1.645  # standard errors that hold the truth nine times in ten


@dataclass(frozen=True, slots=True)
class Invented:
    """What a method drew in a field that is not there.

    Counts are objects a megapixel of the truth; shares are None where a field has no
    such place. Those `drawn` are at the height that is the same for all methods.
    """

    scene: str
    light: float  # photons
    method: str
    field: int
    filaments: float
    puncta: float
    worms: float
    drawn_filaments: float
    drawn_puncta: float
    drawn_worms: float
    filled: float | None  # share of the places without structure that show some
    joined: float | None  # share of them with no dip that an eye would see
    psnr: float | None  # dB; None of even light
    # Of false objects, with a map of errors: how many, how many are within 1.645
    # standard errors, and the median of their height over that
    false: int = 0
    covered: int | None = None
    errors: float | None = None


@dataclass(frozen=True, eq=False)
class Example:
    """A field as methods show it, with what is false."""

    scene: str
    light: float
    field: Field
    images: dict[str, tuple[FloatArray, FoundObjects]]  # photons, by method


@dataclass(frozen=True, eq=False)
class Restored:
    """The fields of a scene after a method, in photons on the grid of the truth."""

    images: list[FloatArray]
    errors: list[FloatArray] | None = None


def run_invention(
    specs: Sequence[RestoreSpec],
    seeds: Sequence[int],
    *,
    lights: Sequence[float] = (),
    with_errors: str = "jdsr",
    side: int = SIDE,
    on_row: Callable[[str], None] = lambda _: None,
    on_method: Callable[[], None] = lambda: None,
) -> Iterator[tuple[list[Invented], Example]]:
    """Yield what methods drew, scene by scene and light by light.

    Parameters
    ----------
    specs
        The methods.
    seeds
        Of the fields.
    lights
        The levels of light, in photons; all of each scene where none is given.
    with_errors
        The method whose map of standard errors is asked about its false objects.
    side
        Camera pixels along a field.
    on_row, on_method
        Told what is looked at, and when a method has done it.
    """
    for name, scene in SCENES.items():
        for light in scene.lights:
            if lights and light not in lights:
                continue
            on_row(f"{scene.title}, {light:g} photons")
            made = [
                (seed, field)
                for seed in seeds
                for field in scene.fields(light, side, np.random.default_rng(seed))
            ]
            fields = [field for _, field in made]
            first = next(n for n, field in enumerate(fields) if field.counted)
            found, shown = [], {}
            truths = [_Truth.of(field) for field in fields]
            for method, output in _outputs(specs, fields, with_errors):
                judged = _judged(output, fields, truths)
                shown[method] = output.images[first], judged[first][1]
                found += [
                    Invented(name, light, method, seed, **numbers)
                    for (seed, field), (numbers, _) in zip(made, judged, strict=True)
                    if field.counted
                ]
                if method not in TRUTHS:
                    on_method()
            yield found, Example(name, light, fields[first], shown)


def _outputs(
    specs: Sequence[RestoreSpec], fields: Sequence[Field], with_errors: str
) -> Iterator[tuple[str, Restored]]:
    """Yield the fields as they are, and after each method."""
    yield "truth", Restored([field.truth for field in fields])
    yield "noise-free", Restored([doubled(field.clean) for field in fields])
    stack = Stack(np.stack([field.seen for field in fields]), "TYX")
    for spec in specs:
        wanted = spec.method == with_errors
        full = replace(spec, uncertainty=wanted, dtype="float32", defects="keep")
        result = restore_stack(full, stack, given=(CAMERA,), judge=False)
        larger = result.chain.traits.scale == 1
        planes = [result.image.data[number,] for number in range(len(fields))]
        images = [CAMERA.photons(plane) for plane in planes]
        errors: list[FloatArray] | None = None
        if result.uncertainty:
            maps = result.uncertainty.planes
            errors = [
                np.asarray(maps[number,] / CAMERA.gain, np.float32)
                for number in range(len(fields))
            ]
        if larger:
            images = [doubled(image) for image in images]
            errors = errors and [doubled(error) for error in errors]
        yield spec.method, Restored(images, errors)


@dataclass(frozen=True, eq=False)
class _Truth:
    """What there is in a field, sharp or blurred."""

    near: FloatArray  # heights within reach of each pixel
    lines: NDArray[np.bool_]  # the middle lines of its structure

    @classmethod
    def of(cls, field: Field) -> "_Truth":
        clean = line_heights(doubled(field.clean))
        near = nearby(np.maximum(clean, line_heights(field.truth)))
        lines = middle_lines(clean, field.height / 2) if field.calibrates else clean < 0
        return cls(near, lines)

    def known(self, field: Field, threshold: float) -> NDArray[np.bool_]:
        """Return where there is half of what is asked for, or of the structure."""
        if not field.calibrates:
            return np.zeros(self.near.shape, bool)
        return self.near > min(threshold, field.height / 2) / 2


def _judged(
    output: Restored, fields: Sequence[Field], truths: Sequence[_Truth]
) -> list[tuple[dict[str, Any], FoundObjects]]:
    """Return the numbers of each field, and the false objects in it."""
    heights = [line_heights(image) for image in output.images]
    structure = max(field.height for field in fields)
    reached = [
        nearby(high)[truth.lines] for high, truth in zip(heights, truths, strict=True)
    ]
    equal = float(np.quantile(np.concatenate(reached), 1 - FOUND))
    equal = max(equal, _LEAST * structure)
    present, absent = (_probed(output, fields, there=there) for there in (True, False))
    pooled = np.concatenate(present)
    level = float(np.quantile(pooled, 1 - FOUND)) if pooled.size else np.inf
    judged = []
    for number, (field, truth) in enumerate(zip(fields, truths, strict=True)):
        image, missing = output.images[number], absent[number]
        sharp = (field.truth, doubled(field.clean)) if field.calibrates else ()
        area = image.size / 1e6
        half = structure / 2
        false = objects(image, equal, truth.known(field, equal), sharp)
        plain = objects(image, half, truth.known(field, half), sharp)
        known = len(missing) > 0
        numbers = {
            "filaments": false.filaments / area,
            "puncta": false.puncta / area,
            "worms": false.worms / area,
            "drawn_filaments": plain.filaments / area,
            "drawn_puncta": plain.puncta / area,
            "drawn_worms": plain.worms / area,
            "filled": float((missing > level).mean()) if known else None,
            "joined": _joined(image, field),
            "psnr": _psnr(image, field.truth) if field.height else None,
        }
        if output.errors:
            numbers |= _against_errors(image, output.errors[number], field, false)
        judged.append((numbers, false))
    return judged


def _probed(
    output: Restored, fields: Sequence[Field], *, there: bool
) -> list[NDArray[np.float64]]:
    """Return the light at the probes of each field where structure is, or is not."""
    return [
        np.array([at(image, p.points).mean() for p in field.probes if p.there is there])
        for image, field in zip(output.images, fields, strict=True)
    ]


def _joined(image: FloatArray, field: Field) -> float | None:
    """Return the share of the probes without structure that are as bright as beside."""
    places = [
        [at(image, points).mean() - field.dark for points in (one.points, one.beside)]
        for one in field.probes
        if not one.there
    ]
    if not places:
        return None
    return float(
        np.mean([beside > 0 and own > JOINED * beside for own, beside in places])
    )


def _psnr(image: FloatArray, truth: FloatArray) -> float | None:
    """Return the PSNR over the range of the truth, in dB; None of the truth itself."""
    error = float(((image - truth) ** 2).mean())
    peak = float(np.quantile(truth, 0.999) - truth.min())
    return 10 * log10(peak**2 / error) if error else None


def _against_errors(
    image: FloatArray, errors: FloatArray, field: Field, false: FoundObjects
) -> dict[str, Any]:
    """Return how many false objects the map of errors covers where they are brightest.

    Light above the truth is compared with the standard error at its highest pixel.
    """
    count = len(false.long)
    if not count:
        return {"false": 0, "covered": 0}
    over = image - field.truth
    numbers = range(1, count + 1)
    tops = maximum_position(over, false.labels, numbers)
    ratio = np.array([over[top] / errors[top] for top in tops])
    return {
        "false": count,
        "covered": int((ratio <= _INTERVAL).sum()),
        "errors": float(np.median(ratio)),
    }
