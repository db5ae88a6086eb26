"""Simulated fields that tempt a method to draw what is not there.

Lengths are in pixels of the truth, half a camera pixel or 40 nm each; the blur is that
of the simulated microscope, 4.8 pixels wide at half its height. Heights are photons a
camera pixel, after the blur.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.interpolation import doubled
from w2s_cli.microscope.psf import PSF, diffraction_psf, halved, widefield_psf
from w2s_cli.microscope.simulation import (
    CAMERA,
    NUMERICAL_APERTURE,
    WAVELENGTH,
    camera_counts,
    drawn,
    stroked,
    texture,
    walk,
)

Points = NDArray[np.float64]  # (N, 2), y and x

SIDE = 128  # camera pixels along a field
_PIXEL = 0.04  # micrometres of the truth
_GAP, _DOTS, _LATTICE = 7, 8, 12
_FAINT = 1.0  # standard deviations of the noise, heights of what is put on a background
_DARK = 0.05  # even light under the structure, over its height
_OTHERS = 0.4  # of the height: light where structure was left out, at most


@dataclass(frozen=True, slots=True)
class Probe:
    """A place where there is structure, or where it was left out."""

    points: Points
    beside: Points  # where there is structure in either case
    there: bool


@dataclass(frozen=True, eq=False)
class Field:
    """A simulated field.

    - `seen`: (Y, X) uint16 camera counts.
    - `clean`: (Y, X) float32, photons without noise.
    - `truth`: (2 Y, 2 X) float32, photons at twice the resolution.
    - `height`: photons of the structure, above its surroundings.
    - `dark`: photons where there is none.
    - `counted`: whether what is false is counted in it; the others only say how high
      the structure is after restoration.
    """

    seen: NDArray[np.uint16]
    clean: FloatArray
    truth: FloatArray
    height: float
    dark: float
    probes: tuple[Probe, ...] = ()
    counted: bool = True
    calibrates: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """A kind of field, at several levels of light."""

    title: str
    probed: str  # what is wrong at its probes; empty where there are none
    lights: tuple[float, ...]  # photons
    fields: Callable[[float, int, np.random.Generator], Iterator[Field]]


def background(light: float, side: int, rng: np.random.Generator) -> Iterator[Field]:
    """Yield even light, and the same with faint lines and dots on it."""
    even = np.full((2 * side, 2 * side), light, np.float32)
    yield _seen(even, 0.0, rng, calibrates=False)
    paths = _rows(2 * side, 10, rng)
    dots = rng.uniform(8, 2 * side - 8, (side * side // 800, 2))
    height = _FAINT * sqrt(light + CAMERA.sigma**2)
    lines = _scaled(_lines(2 * side, paths), np.concatenate(paths), height)
    spots = _scaled(drawn(2 * side, dots, np.ones(len(dots))), dots, height)
    yield _seen(even + lines + spots, height, rng, counted=False)


def gaps(light: float, side: int, rng: np.random.Generator) -> Iterator[Field]:
    """Yield filaments with gaps of 7 pixels, and probes on and off them."""
    paths, parts, probes = _rows(2 * side, 9, rng), [], []
    for path in paths:
        kept = np.ones(len(path), bool)
        for number, start in enumerate(range(40, len(path) - 60, 10 * _GAP)):
            middle = start + _GAP  # two points a pixel
            there = bool(number % 2)
            kept[start : start + 2 * _GAP] &= there
            third = path[middle - _GAP // 3 : middle + _GAP // 3]
            beside = path[[start - 2 * _GAP, start + 4 * _GAP]]
            probes.append(Probe(third, beside, there))
        parts.append(path[kept])
    scale = _scale(_lines(2 * side, paths), np.concatenate(paths), light)
    field = _lines(2 * side, parts) * scale + np.float32(_DARK * light)
    yield _seen(field, light, rng, probes)


def lattice(light: float, side: int, rng: np.random.Generator) -> Iterator[Field]:
    """Yield puncta on a lattice, of which one in eight is missing."""
    steps = np.arange(_LATTICE, 2 * side - _LATTICE // 2, _LATTICE)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    sites = grid + rng.normal(0, 0.7, grid.shape)
    there = rng.random(len(sites)) > 1 / 8
    field = drawn(2 * side, sites[there], np.ones(int(there.sum())))
    field = gaussian_filter(field, 0.7)
    field = _scaled(field, sites[there], light) + np.float32(_DARK * light)
    probes = [
        Probe(site[None], _nearest(sites[there], site), bool(one))
        for site, one in zip(sites, there, strict=True)
    ]
    yield _seen(field, light, rng, probes)


def dotted(light: float, side: int, rng: np.random.Generator) -> Iterator[Field]:
    """Yield lines, every other of them of dots that are 8 pixels apart."""
    dots: list[Points] = []
    lines: list[Points] = []
    probes: list[Probe] = []
    for number, path in enumerate(_rows(2 * side, 9, rng, bend=0.004)):
        if number % 2:
            dots.append(path[:: 2 * _DOTS])
        else:
            lines.append(path)
        probes += [
            Probe(
                path[[middle]], path[[middle - _DOTS, middle + _DOTS]], not number % 2
            )
            for middle in range(_DOTS, len(path) - _DOTS, 2 * _DOTS)
        ]
    points = np.concatenate(dots)
    spots = gaussian_filter(drawn(2 * side, points, np.ones(len(points))), 0.7)
    field = _scaled(spots, points, light)
    field += _scaled(_lines(2 * side, lines), np.concatenate(lines), light)
    even = np.float32(_DARK * light)
    yield _seen(field + even, light, rng, probes)


def nuclei(light: float, side: int, rng: np.random.Generator) -> Iterator[Field]:
    """Yield textured nuclei without outlines, a few photons bright."""
    field = np.zeros((2 * side, 2 * side), np.float32)
    y, x = np.mgrid[: 2 * side, : 2 * side]
    for row in (0.27, 0.73):
        for column in (0.27, 0.73):
            radii = rng.uniform(0.17, 0.22, 2) * 2 * side
            far = np.hypot(
                (y - row * 2 * side) / radii[0], (x - column * 2 * side) / radii[1]
            )
            field += (1 / (1 + np.exp((far - 1) * 12))).astype(np.float32)
    grain = texture(2 * side, rng)
    field = light * field * grain / np.float32(np.quantile(grain, 0.9))
    field += np.float32(_DARK * light)
    yield _seen(field, 0.2 * light, rng)


SCENES: Mapping[str, Scene] = {
    "background": Scene("even light", "", (0.5, 2, 5, 20, 100, 500), background),
    "gaps": Scene("filaments with gaps", "gaps closed", (5, 20, 100, 500), gaps),
    "puncta": Scene(
        "a lattice of puncta, some missing",
        "missing puncta drawn",
        (5, 20, 100, 500),
        lattice,
    ),
    "dots": Scene("dots along lines", "dots joined", (5, 20, 100, 500), dotted),
    "nuclei": Scene("textured nuclei", "", (5, 10, 20), nuclei),
}

_WIDEFIELD: PSF = widefield_psf(NUMERICAL_APERTURE, WAVELENGTH, _PIXEL)
_SHARP: PSF = diffraction_psf(4 * NUMERICAL_APERTURE / WAVELENGTH * _PIXEL)


def _seen(
    light: FloatArray,
    height: float,
    rng: np.random.Generator,
    probes: Sequence[Probe] = (),
    **how: bool,
) -> Field:
    """Return what the camera reads of light, which is not blurred yet.

    Probes near an edge are left out, and those where other structure lies.
    """
    clean = np.maximum(halved(_WIDEFIELD.blur(light)), 0)
    fine, dark = doubled(clean), float(light.min())
    kept = tuple(
        one
        for one in probes
        if _inside(one.points, len(light))
        and (one.there or at(fine, one.points).mean() < dark + _OTHERS * height)
    )
    seen = camera_counts(clean, CAMERA, rng)
    return Field(seen, clean, _SHARP.blur(light), height, dark, kept, **how)


def _rows(
    side: int, count: int, rng: np.random.Generator, bend: float = 0.01
) -> list[Points]:
    """Return curves across a field, one below the other, half a pixel a step."""
    heading = rng.choice([-1, 1]) * rng.uniform(0, 0.2)
    turned = rng.random() < 0.5
    paths = []
    for number in range(count):
        start = np.array([(number + 0.5 + rng.uniform(-0.1, 0.1)) / count * side, 2.0])
        start[0] -= np.tan(heading) * side / 2
        path = walk(start, heading, 0.98 * side, bend, rng)
        path = path[((path > 1) & (path < side - 2)).all(axis=1)]
        if len(path) > side // 2:
            paths.append(path[:, ::-1] if turned else path)
    return paths


def _lines(side: int, paths: list[Points]) -> FloatArray:
    field = stroked(side, [(path, np.ones(len(path))) for path in paths])
    return np.asarray(gaussian_filter(field, 0.7))


def _scale(field: FloatArray, points: Points, height: float) -> float:
    """Return the factor that gives points a median height after the blur."""
    return height / float(np.median(at(_WIDEFIELD.blur(field), points)))


def _scaled(field: FloatArray, points: Points, height: float) -> FloatArray:
    return field * np.float32(_scale(field, points, height))


def at(image: FloatArray, points: Points) -> FloatArray:
    """Return the pixels of an image that are nearest to points."""
    y, x = np.rint(points).astype(int).clip(0, image.shape[0] - 1).T
    return np.asarray(image[y, x])


def _nearest(points: Points, site: Points) -> Points:
    """Return the four of some points that are nearest to a site but not on it."""
    far = np.hypot(*(points - site).T)
    far[far < 1] = np.inf
    return points[np.argsort(far)[:4]]


def _inside(points: Points, side: int) -> bool:
    return bool((points > 6).all() and (points < side - 7).all())
