"""A simulated cell, and the microscope that looks at it.

Functions such as `filaments` draw one kind of structure, as a super-resolution
microscope would, on a square field and return it as float32 with a bright part of about
1. Lengths are in pixels of the field.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import Voronoi

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, diffraction_psf, halved, widefield_psf

Points = NDArray[np.float64]  # (N, 2), y and x


def filaments(side: int, rng: np.random.Generator) -> FloatArray:
    """Draw long smooth curves, often from one centre: microtubules, actin."""
    centred = rng.random() < 0.6
    centre = rng.uniform(0.2, 0.8, 2) * side
    spread = 0.04 * side if centred else side
    strokes = []
    heading = rng.uniform(0, 2 * np.pi)
    for _ in range(rng.integers(12, 70)):
        start = centre + rng.normal(0, spread, 2)
        angle = rng.uniform(0, 2 * np.pi) if centred else heading + rng.normal(0, 0.3)
        path = walk(
            start, angle, length=rng.uniform(0.4, 1.6) * side, bend=0.02, rng=rng
        )
        brightness = rng.uniform(0.4, 1) * rng.choice([1, 1, 1, 2])
        strokes.append((path, brightness * _flicker(len(path), 0.15, rng)))
    return _bright(gaussian_filter(stroked(side, strokes), rng.uniform(0.5, 0.9)))


def mitochondria(side: int, rng: np.random.Generator) -> FloatArray:
    """Draw short bent tubes with a darker core."""
    strokes = []
    for _ in range(rng.integers(10, 80)):
        start = rng.uniform(0, side, 2)
        length = rng.lognormal(3.4, 0.6)
        path = walk(start, rng.uniform(0, 2 * np.pi), length, bend=0.05, rng=rng)
        strokes.append((path, rng.uniform(0.4, 1) * _flicker(len(path), 0.3, rng)))
    field = stroked(side, strokes)
    radius = rng.uniform(1.6, 3.6)
    core = gaussian_filter(field, 0.6 * radius)
    tube = gaussian_filter(field, radius)
    hollow = rng.uniform(0, 0.4)
    return _bright(np.maximum(tube - hollow * core, 0))


def network(side: int, rng: np.random.Generator) -> FloatArray:
    """Draw polygons of thin tubes, some filled: endoplasmic reticulum."""
    count = rng.integers(15, 140)
    seeds = rng.uniform(-0.15, 1.15, (count, 2)) * side
    mesh = Voronoi(seeds)
    strokes = []
    for a, b in mesh.ridge_vertices:
        if a < 0 or rng.random() < 0.12:
            continue
        path = _bent(mesh.vertices[a], mesh.vertices[b], side, rng)
        strokes.append((path, rng.uniform(0.4, 1) * _flicker(len(path), 0.3, rng)))
    thin = gaussian_filter(stroked(side, strokes), rng.uniform(0.6, 1.1))
    return _bright(thin * _dim(side, rng))


def puncta(side: int, rng: np.random.Generator) -> FloatArray:
    """Draw points and small blobs: vesicles, pores, adhesion sites."""
    count = int(rng.uniform(0.0005, 0.01) * side**2)
    clusters = rng.uniform(0, side, (max(count // 20, 1), 2))
    where = clusters[rng.integers(0, len(clusters), count)]
    where = where + rng.normal(0, rng.uniform(0.03, 0.3) * side, where.shape)
    field = drawn(side, where, rng.lognormal(0, 0.5, count))
    return _bright(gaussian_filter(field, rng.uniform(0.6, 1.8)))


def bundles(side: int, rng: np.random.Generator) -> FloatArray:
    """Draw crowded fibres that run almost in parallel: stress fibres, muscle."""
    strokes = []
    for _ in range(rng.integers(1, 3)):
        heading, spacing = rng.uniform(0, 2 * np.pi), rng.uniform(2, 9)
        for _ in range(int(side / spacing)):
            start = rng.uniform(-0.2, 1.2, 2) * side
            angle = heading + rng.normal(0, 0.06)
            length = rng.uniform(0.2, 1.5) * side
            path = walk(start, angle, length, bend=0.004, rng=rng)
            brightness = rng.lognormal(0, 0.6)
            strokes.append((path, brightness * _flicker(len(path), 0.1, rng)))
    field = gaussian_filter(stroked(side, strokes), rng.uniform(0.5, 1.2))
    return _bright(field * _dim(side, rng))


def texture(side: int, rng: np.random.Generator) -> FloatArray:
    """Draw uneven light without outlines: cytoplasm, chromatin, a label unbound."""
    total = np.zeros((side, side))
    for _ in range(rng.integers(1, 4)):
        grain = np.exp(rng.uniform(np.log(1.0), np.log(16)))
        waves = gaussian_filter(rng.normal(0, 1, (side, side)), grain, mode="reflect")
        total += rng.uniform(0.1, 0.5) * waves / max(waves.std(), 1e-9)
    return _bright(np.exp(total).astype(np.float32))


STRUCTURES: tuple[Callable[[int, np.random.Generator], FloatArray], ...] = (
    filaments,
    mitochondria,
    network,
    puncta,
    bundles,
    texture,
)


def walk(
    start: Points, angle: float, length: float, bend: float, rng: np.random.Generator
) -> Points:
    """Return points half a pixel apart on a curve whose curvature drifts."""
    steps = max(int(2 * length), 4)
    curvature = gaussian_filter(rng.normal(0, bend, steps), 12, mode="reflect") * 4
    angles = angle + np.cumsum(curvature)
    step = 0.5 * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return np.asarray(start + np.cumsum(step, axis=0))


def _bent(a: Points, b: Points, side: int, rng: np.random.Generator) -> Points:
    """Return points half a pixel apart from `a` to `b`, bowed to one side."""
    middle = np.full(2, side / 2)
    reach = side * 1.5
    a, b = (
        np.clip(a, middle - reach, middle + reach),
        np.clip(b, middle - reach, middle + reach),
    )
    t = np.linspace(0, 1, max(int(2 * np.hypot(*(b - a))), 2))[:, None]
    bow = rng.normal(0, 0.08) * (b - a)[::-1] * [1, -1]
    return np.asarray(a + t * (b - a) + 4 * t * (1 - t) * bow)


def _flicker(length: int, strength: float, rng: np.random.Generator) -> Points:
    """Return a brightness along a path: labels are never even.

    It changes slowly. Beads as small as the noise would teach a network to draw them.
    """
    drift = gaussian_filter(rng.normal(0, 1, length), 10, mode="reflect") * 6
    return np.asarray(np.exp(strength * drift))


def stroked(side: int, strokes: list[tuple[Points, Points]]) -> FloatArray:
    """Return a field with all the paths, each of its own brightness."""
    points, weight = zip(*strokes, strict=True) if strokes else ([[[0, 0]]], [[0]])
    return drawn(side, np.concatenate(points), np.concatenate(weight))


def drawn(side: int, points: Points, weight: Points) -> FloatArray:
    """Return a field with `weight` shared among the four pixels around each point."""
    low = np.floor(points).astype(int)
    part = points - low
    field = np.zeros(side * side)
    for dy in (0, 1):
        for dx in (0, 1):
            y, x = low[:, 0] + dy, low[:, 1] + dx
            share = weight * abs(1 - dy - part[:, 0]) * abs(1 - dx - part[:, 1])
            inside = (y >= 0) & (y < side) & (x >= 0) & (x < side)
            field += np.bincount((y * side + x)[inside], share[inside], side * side)
    return field.reshape(side, side).astype(np.float32)


def _dim(side: int, rng: np.random.Generator) -> FloatArray:
    """Return slow variation of brightness across a field, about 0.3 to 1.7."""
    waves = gaussian_filter(rng.normal(0, 1, (side, side)), side / 8, mode="reflect")
    even = 1 + 0.35 * waves / max(waves.std(), 1e-9)
    return np.asarray(even.clip(0.3, 1.7), np.float32)


def _bright(field: FloatArray) -> FloatArray:
    """Return `field` with its 99.5th percentile of lit pixels at 1."""
    lit = field[field > 1e-4]
    top = np.quantile(lit, 0.995) if lit.size else 1
    return np.asarray(field / top, np.float32)


NUMERICAL_APERTURE = 1.4
WAVELENGTH = 0.525  # micrometres
CAMERA = NoiseModel(gain=2.2, offset=100, read_noise=3)


def simulate_field(side: int, rng: np.random.Generator) -> FloatArray:
    """Return a (side, side) float32 field of one to three kinds of structure."""
    field = np.zeros((side, side), np.float32)
    for number in rng.choice(len(STRUCTURES), rng.integers(1, 4), replace=False):
        field += STRUCTURES[number](side, rng) * np.float32(rng.uniform(0.3, 1))
    return field * _cell(side, rng) if rng.random() < 0.5 else field


def simulate_cell(side: int, rng: np.random.Generator) -> FloatArray:
    """Return a (side, side) float32 cell: filaments, mitochondria and puncta."""
    field = filaments(side, rng) + mitochondria(side, rng) + 0.6 * puncta(side, rng)
    return field * _cell(side, rng)


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much light reaches the camera.

    - `photons`: expected photons a camera pixel where the truth is 1, before the blur.
    - `background`: even light, as a share of `photons`.
    - `haze`: light from above and below the focus, as a share of the light in focus.
    """

    photons: float
    background: float = 0.0
    haze: float = 0.0


def widefield(
    truth: FloatArray, psf: PSF, exposure: Exposure, scale: int = 2
) -> FloatArray:
    """Return the expected photons on a camera with larger pixels than `truth`.

    - `truth`: (Y * scale, X * scale) float32, 0 or more, bright parts about 1.
    - `psf`: the blur, on the grid of `truth`.
    - `scale`: pixels of `truth` along the side of a camera pixel, 1 or 2.

    Returns (Y, X) photons a pixel.
    """
    blurred = psf.blur(truth)
    sharp = blurred if scale == 1 else halved(blurred)
    light = sharp + np.float32(exposure.background)
    if exposure.haze:
        light += np.float32(exposure.haze) * out_of_focus(sharp)
    return np.asarray(np.maximum(light * exposure.photons, 0), np.float32)


def camera_counts(
    photons: FloatArray,
    noise: NoiseModel,
    rng: np.random.Generator,
    *,
    multiplied: bool = False,
) -> NDArray[np.uint16]:
    """Return what a 16-bit camera reads of expected `photons`: noisy, whole counts.

    `multiplied` electrons are those of an EMCCD: see `NoiseModel.sample`.
    """
    counts = np.rint(noise.sample(photons, rng, multiplied=multiplied))
    return counts.clip(0, 65535).astype(np.uint16)


def out_of_focus(light: FloatArray) -> FloatArray:
    """Return what light from above and below the focus would add to (Y, X) `light`.

    It is the same light blurred far, to about 12 pixels of standard deviation, and
    computed on a grid four times as coarse.
    """
    height, width = light.shape
    coarse = zoom(
        gaussian_filter(light, 3), 0.25, order=1, mode="reflect", grid_mode=True
    )
    far = gaussian_filter(coarse, 3, mode="reflect")
    scale = (height / far.shape[0], width / far.shape[1])
    haze: FloatArray = zoom(far, scale, order=1, mode="reflect", grid_mode=True)
    return haze


def _cell(side: int, rng: np.random.Generator) -> FloatArray:
    """Return a soft mask of the inside of one cell, without its nucleus."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    wobble = gaussian_filter(rng.normal(0, 1, (side, side)), side / 10, mode="wrap")
    wobble *= 0.06 / max(wobble.std(), 1e-9)
    cy, cx = rng.uniform(-0.2, 0.2, 2)
    stretch = rng.uniform(0.7, 1.4)
    far = np.hypot((y - cy) * stretch, (x - cx) / stretch) + wobble
    outline = 1 / (1 + np.exp((far - rng.uniform(0.3, 0.6)) * 60))
    nucleus = 1 / (1 + np.exp((far - rng.uniform(0.05, 0.12)) * 80))
    return np.asarray(outline * (1 - 0.9 * nucleus), np.float32)


@dataclass(frozen=True, eq=False)
class Scene:
    """Three images of one simulated cell, all in camera counts.

    - `seen`: (Y, X) uint16, what the widefield camera reads.
    - `truth`: (2Y, 2X) float32, the cell without noise at twice the resolution.
    - `clean`: (Y, X) float32, `seen` without noise.
    - `pixel_size`: micrometres a pixel of `seen`.
    """

    seen: NDArray[np.uint16]
    truth: FloatArray
    clean: FloatArray
    pixel_size: float


def simulate_scene(
    seed: int, *, photons: float = 200, side: int = 512, pixel_size: float = 0.08
) -> Scene:
    """Return a scene, always the same for the same arguments.

    - `seed`: chooses the cell and the noise.
    - `photons`: expected photons a camera pixel in the brightest parts of the cell, if
      there were no blur.
    - `side`: pixels along each side of the camera image.
    - `pixel_size`: micrometres a camera pixel.
    """
    rng = np.random.default_rng(seed)
    exposure = Exposure(photons, background=0.02, haze=0.3)
    cell = simulate_cell(2 * side, rng)
    blur = widefield_psf(NUMERICAL_APERTURE, WAVELENGTH, pixel_size / 2)
    # Structured illumination doubles the cut-off frequency.
    fine = diffraction_psf(4 * NUMERICAL_APERTURE / WAVELENGTH * pixel_size / 2)
    light = widefield(cell, blur, exposure)
    seen = camera_counts(light, CAMERA, rng)
    truth = (fine.blur(cell) + np.float32(exposure.background)) * exposure.photons
    return Scene(seen, CAMERA.counts(truth), CAMERA.counts(light), pixel_size)
