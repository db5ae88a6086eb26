"""The classical denoisers on W2S, in z-RMSE over that of VST+BM3D.

`pytest -m quality -rP` prints the figures. The absolute ones depend on how well the
grey values of the images are known, the ratios do not. To see a method here, give it a
row in `PAPER`.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from PIL import Image

from w2s_cli._typing import FloatArray
from w2s_cli.methods.build import build
from w2s_cli.microscope.noise_model import NoiseModel

DATA = Path(__file__).parents[3] / "shared" / "data" / "w2s"
Z = 66.02846  # counts in a unit of the papers' z-scores
REFERENCE = "vst+bm3d"
SLACK = 1.05

# Method: frames averaged: the ratio in Table 1 of the W2S paper. None there: no bound.
PAPER: dict[str, dict[int, float]] = {
    "pure-let": {1: 1.11, 16: 1.02},
    "vst+epll": {1: 1.04, 16: 1.02},
    "nlm": {},
    "wavelet": {},
}

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real images are not here"),
]


@dataclass(frozen=True)
class Field:
    """A noisy image, its truth, and which of its pixels are not clipped; in grey."""

    noisy: FloatArray
    clean: FloatArray
    kept: np.ndarray
    noise: NoiseModel
    grey_per_z: float


Errors = Callable[[str, int], float]


def _gray(kind: str, name: str) -> np.ndarray:
    with Image.open(DATA / kind / f"{name}.png") as image:
        return np.asarray(image)


def _field(row: dict[str, str], frames: int) -> Field:
    """Return a real capture; several, averaged, are drawn from the clean image."""
    scale, average = float(row["grey_per_count"]), _gray("avg400", row["image"])
    clean = average * np.float32(row["slope"]) + np.float32(row["intercept"])
    kept = (average > 0) & (average < 255)
    noise = NoiseModel(
        float(row["gain_counts"]) * scale / frames, float(row["offset_counts"]) * scale
    )
    if frames == 1:
        noisy = _gray("avg1", row["image"]).astype(np.float32)
        kept &= (noisy > 0) & (noisy < 255)
    else:
        clean = np.maximum(clean, np.float32(noise.offset))
        seed = int(row["image"].replace("_", ""))
        noisy = noise.sample(noise.photons(clean), np.random.default_rng(seed))
    return Field(noisy, clean, kept, noise, scale * Z)


@cache
def _fields(frames: int) -> list[Field]:
    """Return FOV 071-080, which no model here was trained or tuned on."""
    with (DATA / "index.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["image"] >= "071"]
    return [_field(row, frames) for row in rows]


def _z_rmse(method: str, field: Field) -> float:
    restored = build(method).bound(field.noise)(field.noisy[None])[0]
    square = np.mean((restored - field.clean)[field.kept] ** 2)
    return float(np.sqrt(square)) / field.grey_per_z


@pytest.fixture(scope="module")
def errors() -> Errors:
    """Return the mean z-RMSE of a method at a number of frames, worked out once."""

    @cache
    def mean(method: str, frames: int) -> float:
        start = process_time()
        fields = _fields(frames)
        error = float(np.mean([_z_rmse(method, field) for field in fields]))
        seconds = (process_time() - start) / len(fields)
        print(
            f"\n{method:10} avg{frames:<3} {error:.4f} z, {seconds:.2f} CPU s", end=""
        )
        return error

    return mean


@pytest.mark.parametrize("frames", [1, 16])
@pytest.mark.parametrize("method", PAPER)
def test_as_near_to_bm3d_as_in_the_paper(method, frames, errors) -> None:
    ratio = errors(method, frames) / errors(REFERENCE, frames)
    paper = PAPER[method].get(frames)
    print(f"\n{method:10} avg{frames:<3} {ratio:.3f} of {REFERENCE}, paper {paper}")
    assert paper is None or ratio <= SLACK * paper
