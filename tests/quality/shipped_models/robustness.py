"""Denoisers on images of cameras and microscopes that they have not seen.

The noise is estimated from each image. No image may come out worse than it went in, nor
much worse than VST+BM3D makes it.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shipped_models.finding import Finding, goal
from shipped_models.scoring import held, scored
from shipped_models.setting import BM3D, Setting, Subject
from w2s_cli._typing import FloatArray
from w2s_cli.bench.config import NOISY, Row
from w2s_cli.bench.scores.convention import Convention
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.errors import InputError
from w2s_cli.io import open_image
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA, simulate_scene

SIDE = 512  # of the part of a real image
STRIDE = 256  # between the parts that it is chosen from
SIMULATED_SIDE = 256
PHOTONS = (10, 200)  # in the bright parts of simulated cells
# What is unlike the usual camera, one at a time; read noise in photons.
SWEEPS = {"gain": (0.3, 8.0, 40.0), "offset": (0.0, 2000.0), "sigma": (0.1, 4.0, 10.0)}
_SEED = 7100


def real(subject: Subject, setting: Setting) -> list[Finding]:
    """Return errors on pairs of little and much light, fitted to much light."""
    data = pairs(setting.folder / "pairs_hagen")
    return _compared(subject, setting, data, Convention(fit="affine"))


def simulated(subject: Subject, setting: Setting) -> list[Finding]:
    """Return errors on simulated cells under cameras of all kinds."""
    return _compared(subject, setting, _sweeps(), Convention())


def cameras() -> dict[str, NoiseModel]:
    """Return the cameras of the sweeps by what is unusual about them."""
    found = {"usual camera": CAMERA}
    for name, values in SWEEPS.items():
        found |= {f"{name} {value:g}": _camera(**{name: value}) for value in values}
    return found


def _camera(
    gain: float = CAMERA.gain, offset: float = CAMERA.offset, sigma: float = 1.0
) -> NoiseModel:
    return NoiseModel(gain, offset, sigma * gain)


def _sweeps() -> DataSet:
    scene = simulate_scene(_SEED, photons=1, side=SIMULATED_SIDE)
    light = CAMERA.photons(scene.clean)
    images: dict[str, FloatArray] = {}
    truths: dict[str, FloatArray] = {}
    for (name, noise), photons in product(cameras().items(), PHOTONS):
        rng = np.random.default_rng([_SEED, len(images)])
        expected = light * np.float32(photons)
        key = f"{name}, {photons} photons"
        images[key] = np.asarray(noise.sample(expected, rng), np.float32)
        truths[key] = noise.counts(expected)
    return held("simulated cameras", {1: images}, {1: truths})


def pairs(folder: Path) -> DataSet:
    """Return the parts with most structure of the pairs in a folder.

    Raises
    ------
    InputError
        When there is no pair.
    """
    parts = {
        path.stem.removesuffix("_low"): part(
            _plane(path), _plane(path.with_stem(path.stem.replace("_low", "_high")))
        )
        for path in sorted(folder.glob("*_low.png"))
    }
    if not parts:
        raise InputError(
            f"{folder} holds no pair", hint="expected NAME_low.png and NAME_high.png"
        )
    low, high = ({name: pair[at] for name, pair in parts.items()} for at in (0, 1))
    return held("pairs of little and much light", {1: low}, {1: high})


def _plane(path: Path) -> FloatArray:
    with open_image(path) as stack:
        return np.asarray(stack.data[()], np.float32)


def part(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the same part of two images, (Y, X) each: that with most structure."""
    starts = (range(0, max(side - SIDE, 0) + 1, STRIDE) for side in high.shape)
    parts = [
        np.s_[top : top + SIDE, left : left + SIDE] for top, left in product(*starts)
    ]
    best = max(parts, key=lambda part: float(high[part].std()))
    return low[best], high[best]


def _compared(
    subject: Subject, setting: Setting, data: DataSet, convention: Convention
) -> list[Finding]:
    ours, before, bm3d = subject.row(), Row(NOISY, "", 1), Row(BM3D, "", 1)
    found = scored(data, [ours, before, bm3d], setting, convention)
    error, untouched, rival = (found.of[row]["rmse"] for row in (ours, before, bm3d))
    return [*_each(found.names[ours], error, untouched, rival)]


def _each(
    names: Sequence[str],
    error: NDArray[np.float64],
    untouched: NDArray[np.float64],
    rival: NDArray[np.float64],
) -> Iterator[Finding]:
    ratios = error / untouched
    # A NaN is the worst of all: argmax gives it precedence.
    worst = int(np.argmax(ratios))
    yield Finding(
        f"RMSE over that of the input, worst of {len(names)} images",
        float(ratios[worst]),
        "at most",
        goal("robustness", "of-input"),
        names[worst],
    )
    for name, one, other in zip(names, error, rival, strict=True):
        yield Finding(
            f"{name}: RMSE over that of {BM3D}",
            float(one / other),
            "at most",
            goal("robustness", "of-bm3d"),
            f"{one:.4g} and {other:.4g}",
        )
