"""What a method makes of even light, and of no light: nothing, or structure.

The noise is given: an image without structure does not show all of it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from shipped_models.finding import Finding, goal
from shipped_models.setting import Setting, Subject
from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel

SIDE = 256
LIGHT = (1.0, 10.0, 100.0, 500.0)  # photons a pixel
DARK = (0.0, 0.05, 0.5)
NOISE = NoiseModel(2.2, 100, 3)
STANDS_OUT = 0.3
"""Standard deviations of the noise by which a bright thing is above its background: a
mean over the image of a point of light, some 12 pixels, has as much by chance."""
_SEED = 7300


def flat(subject: Subject, setting: Setting) -> list[Finding]:
    """Return how even light comes out: its mean, spread and worst pixel."""
    return [
        finding
        for photons in LIGHT
        for finding in _even(_errors(subject, setting, photons), photons)
    ]


def empty(subject: Subject, setting: Setting) -> list[Finding]:
    """Return what is left of noise alone: its spread, and the largest bright thing."""
    found = []
    for photons in DARK:
        errors = _errors(subject, setting, photons)
        size = largest(errors > STANDS_OUT) / subject.scale**2
        where = f"{photons:g} photons"
        found += [
            Finding(
                f"{where}: spread left, in that of the noise",
                float(errors.std()),
                "at most",
                goal("empty", "left"),
            ),
            Finding(
                f"{where}: largest bright thing, in pixels of the input",
                size,
                "at most",
                goal("empty", "bright"),
                f"brightest pixel {errors.max():.2f} of the noise",
            ),
        ]
    return found


def largest(mask: NDArray[np.bool_]) -> int:
    """Return the pixels of the largest connected part of a mask; 0 for an empty one."""
    parts, _ = label(mask, np.ones((3, 3)))
    return int(np.bincount(parts.ravel())[1:].max(initial=0))


def _even(errors: FloatArray, photons: float) -> list[Finding]:
    measured = {
        "off": ("mean, off by", abs(errors.mean())),
        "left": ("spread left", errors.std()),
        "furthest": ("furthest pixel", abs(errors).max()),
    }
    return [
        Finding(
            f"{photons:g} photons: {what}, in the spread of the noise",
            float(value),
            "at most",
            goal("flat", name),
        )
        for name, (what, value) in measured.items()
    ]


def _errors(subject: Subject, setting: Setting, photons: float) -> FloatArray:
    """Return what even light comes out as, off by so many deviations of the noise."""
    light = np.full((SIDE, SIDE), photons, np.float32)
    rng = np.random.default_rng([_SEED, round(100 * photons)])
    counts = np.asarray(NOISE.sample(light, rng), np.float32)
    restored = NOISE.photons(setting.restored(subject, counts, NOISE))
    spread = np.sqrt(photons + NOISE.sigma**2)
    return np.asarray((restored - photons) / spread, np.float32)
