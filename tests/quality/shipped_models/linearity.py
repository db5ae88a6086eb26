"""Whether intensities stay in proportion to the light.

The same cell is seen in half, once and twice the light, at several exposures. What is
compared is the light of the whole image, and that of its bright quarter, which a method
that flattens dim structure would lose; each over that of the same pixels before, so
that the chance in the photons that came does not count.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from shipped_models.finding import Finding, goal
from shipped_models.setting import Setting, Subject
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA, simulate_scene

FACTORS = (0.5, 1.0, 2.0)
PHOTONS = (10, 50, 250)  # in the bright parts, once
CELLS = 4
SIDE = 256
BRIGHT = 0.25  # of the pixels
_SEED = 7200


def linearity(subject: Subject, setting: Setting) -> list[Finding]:
    """Return by how much intensities are out of proportion, at each exposure."""
    found: list[Finding] = []
    for photons in PHOTONS:
        for noise, model in (("given", CAMERA), ("estimated", None)):
            found += _at(subject, setting, photons, noise, model)
    return found


def _at(
    subject: Subject,
    setting: Setting,
    photons: int,
    noise: str,
    model: NoiseModel | None,
) -> Iterator[Finding]:
    after, before = np.sum(
        [_intensities(subject, setting, photons, n, model) for n in range(CELLS)],
        axis=0,
    )
    kept = after / before
    kept /= kept[FACTORS.index(1.0)]
    for name, share in zip(("whole image", "bright quarter"), kept.T, strict=True):
        yield Finding(
            f"{photons} photons, noise {noise}, {name}: most out of proportion",
            float(np.abs(share - 1).max()),
            "at most",
            goal("linearity", "off"),
            ", ".join(
                f"{factor:g}x gives {factor * one:.3f}x"
                for factor, one in zip(FACTORS, share, strict=True)
                if factor != 1
            ),
        )


def _intensities(
    subject: Subject,
    setting: Setting,
    photons: int,
    cell: int,
    model: NoiseModel | None,
) -> NDArray[np.float64]:
    """Return (2, factors, 2) photons: restored and seen; all and in the bright part."""
    scene = simulate_scene(_SEED + cell, photons=photons, side=SIDE)
    light = CAMERA.photons(scene.clean)
    bright = light >= np.quantile(light, 1 - BRIGHT)
    fine = np.kron(bright, np.ones((subject.scale,) * 2, bool))
    means = []
    for number, factor in enumerate(FACTORS):
        rng = np.random.default_rng([_SEED, cell, number])
        counts = CAMERA.sample(light * np.float32(factor), rng)
        seen = setting.restored(subject, np.asarray(counts, np.float32), model)
        after, before = CAMERA.photons(seen), CAMERA.photons(counts)
        means.append(
            [[after.mean(), after[fine].mean()], [before.mean(), before[bright].mean()]]
        )
    return np.array(means, np.float64).swapaxes(0, 1)
