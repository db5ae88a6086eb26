"""Real SIM images taken as truth, and what a widefield microscope would see of them.

The spectra of these images end at twice the cut-off of the blur, so that they are what
can be asked for. Methods are told nothing of the blur; the deconvolution that they are
held against knows it, and counts with the best of its settings for each image.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np

from shipped_models.enlarging import METRICS, PROTOCOL
from shipped_models.finding import Finding, goal
from shipped_models.scoring import Scores, held, scored
from shipped_models.setting import Setting, Subject
from w2s_cli._typing import FloatArray
from w2s_cli.bench.config import Row
from w2s_cli.bench.scores.convention import protocol
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.io import open_image
from w2s_cli.io.psf_file import write_psf
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import diffraction_psf
from w2s_cli.microscope.simulation import Exposure, widefield

STRUCTURES = ("ccp", "er", "factin", "microtubules")
NUMBERS = range(33, 41)  # none of them was learned from
PHOTONS = (5, 20, 100, 500)  # a pixel, in the bright parts
CUTOFF = 0.13  # cycles a pixel of the truth: half of where its spectrum ends
CAMERA = NoiseModel(2, 100, read_noise=1.5)
BACKGROUND = 0.05  # of the bright parts
STEPS, TV = (5, 15, 40, 100), (0.0, 0.002, 0.02)
BRIGHTEST = 0.03  # of the pixels: puncta and filaments, what people measure
_BRIGHT_PARTS = 0.995  # quantile


def structures(subject: Subject, setting: Setting) -> list[Finding]:
    """Return scores for each structure and level of light."""
    return [
        finding
        for name in STRUCTURES
        for photons in PHOTONS
        for finding in _compared(subject, setting, name, photons)
    ]


def _compared(
    subject: Subject, setting: Setting, name: str, photons: int
) -> Iterator[Finding]:
    data = seen(setting, name, photons)
    ours, plain = subject.row(photons), Row("denoise", "bicubic", photons)
    tuned = _deconvolutions(setting, photons)
    rows = (ours, plain, *tuned)
    found = scored(data, rows, setting, protocol(PROTOCOL), metrics=METRICS)
    for metric in METRICS:
        best = _best(found, tuned, metric)
        yield Finding(
            f"{name}, {photons} photons: {metric.upper()}, beside Richardson-Lucy's",
            found.mean(ours, metric),
            "above",
            best + goal("sim-structures", metric),
            f"Richardson-Lucy {best:.4g}, denoise+bicubic "
            f"{found.mean(plain, metric):.4g}",
        )


def brightest(subject: Subject, setting: Setting) -> list[Finding]:
    """Return how much light is kept, of whole images and of their brightest parts."""
    return [
        finding for photons in PHOTONS for finding in _kept(subject, setting, photons)
    ]


def _kept(subject: Subject, setting: Setting, photons: int) -> Iterator[Finding]:
    whole, top = [], []
    for name in STRUCTURES:
        data = seen(setting, name, photons)
        for image, source in data.inputs[photons].items():
            made = CAMERA.photons(setting.restored(subject, source.read()[0], None))
            truth = CAMERA.photons(data.truths[2][image].read()[0])
            bright = truth >= np.quantile(truth, 1 - BRIGHTEST)
            whole.append(made.mean() / truth.mean())
            top.append(made[bright].mean() / truth[bright].mean())
    yield Finding(
        f"{photons} photons: share of all light by which it is off",
        float(np.abs(np.mean(whole) - 1)),
        "at most",
        goal("sim-structures", "off"),
        f"single images {min(whole):.3f} to {max(whole):.3f}",
    )
    yield Finding(
        f"{photons} photons: light kept of the brightest {BRIGHTEST:.0%}",
        float(np.mean(top)),
        "above",
        goal("sim-structures", "bright" if photons >= 20 else "bright-dim"),
        f"single images {min(top):.3f} to {max(top):.3f}",
    )


def seen(setting: Setting, name: str, photons: int) -> DataSet:
    """Return images of a structure in counts, with their truths."""
    inputs, truths = {}, {}
    for number in NUMBERS:
        light = _truth(setting.folder / "sim_truth" / f"{name}_{number:02}.png")
        exposure = Exposure(photons, BACKGROUND)
        image = widefield(light, diffraction_psf(CUTOFF), exposure)
        rng = np.random.default_rng([number, photons])
        inputs[str(number)] = np.asarray(CAMERA.sample(image, rng), np.float32)
        truths[str(number)] = CAMERA.counts((light + BACKGROUND) * photons)
    return held(f"{name} at {photons} photons", {photons: inputs}, {2: truths})


@lru_cache
def _truth(path: Path) -> FloatArray:
    with open_image(path) as stack:
        light = np.asarray(stack.data[()], np.float32)
    light = light.reshape(light.shape[-2:])
    return light / np.quantile(light, _BRIGHT_PARTS)


def _deconvolutions(setting: Setting, photons: int) -> list[Row]:
    kernel = setting.cache / "blur.tif"
    if not kernel.exists():
        kernel.parent.mkdir(exist_ok=True)
        write_psf(diffraction_psf(CUTOFF), kernel)
    settings = [
        ("scale=2", f"kernel={kernel}", f"iterations={steps}", f"tv={tv:g}")
        for steps, tv in product(STEPS, TV)
    ]
    return [Row("", "richardson-lucy", photons, options=one) for one in settings]


def _best(found: Scores, rows: Sequence[Row], metric: str) -> float:
    """Return the mean of the best scores of each image."""
    return float(np.max([found.of[row][metric] for row in rows], axis=0).mean())
