"""Half precision, beside the error that a network makes anyway.

`pytest -m quality -rP` prints, for every network whose weights are here, how far bf16
is from fp32 on W2S validation images, over the error of fp32.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli._typing import FloatArray
from w2s_cli.methods.build import build
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.units import EIGHT_BIT
from w2s_cli.weights.catalogue import find

SHARED = Path(__file__).parents[3] / "shared"
IMAGES = ("072_0", "075_1", "078_2")
MOST = 0.1

# Weights in the shared folder: what the catalogue calls them.
WEIGHTS = {
    "fmd_dncnn": "dncnn-fmd",
    "fmd_n2n_unet": "n2n-fmd",
    "memnet_sigma55": "memnet-natural",
    "dncnn_sigma55": "dncnn-natural",
    "kair_dncnn_25": "dncnn-kair-25",
}

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the real images are not here"),
]


def _fields(frames: int) -> list[tuple[FloatArray, FloatArray, NoiseModel]]:
    """Return noisy and clean images in grey values, and their noise.

    The average of several captures is drawn from the clean image.
    """
    with (SHARED / "data" / "w2s" / "index.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["image"] in IMAGES]
    return [_field(row, frames) for row in rows]


def _field(
    row: dict[str, str], frames: int
) -> tuple[FloatArray, FloatArray, NoiseModel]:
    noisy, clean = (_gray(kind, row["image"]) for kind in ("avg1", "avg400"))
    scale = float(row["grey_per_count"])
    gain = float(row["gain_counts"]) * scale / frames
    noise = NoiseModel(gain, float(row["offset_counts"]) * scale)
    clean = clean * np.float32(row["slope"]) + np.float32(row["intercept"])
    if frames > 1:
        clean = np.maximum(clean, np.float32(noise.offset))
        noisy = noise.sample(noise.photons(clean), np.random.default_rng(0))
    return noisy, clean, noise


def _gray(kind: str, name: str) -> FloatArray:
    with Image.open(SHARED / "data" / "w2s" / kind / f"{name}.png") as image:
        return np.asarray(image, np.float32)


def _share(method: str, weights: tuple[Path, ...]) -> float:
    """Return what bf16 changes over the error of fp32, at the worse exposure of two."""
    return max(_mean_share(method, weights, frames) for frames in (1, 16))


def _mean_share(method: str, weights: tuple[Path, ...], frames: int) -> float:
    shares = []
    for noisy, clean, noise in _fields(frames):
        exact, halved = (
            build(method, weights=weights, precision=precision).bound(noise, EIGHT_BIT)(
                noisy[None]
            )[0]
            for precision in ("fp32", "bf16")
        )
        truth = clean if exact.shape == clean.shape else exact
        error = float(np.sqrt(np.mean((exact - truth) ** 2)))
        changed = float(np.sqrt(np.mean((halved - exact) ** 2)))
        shares.append(changed / (error or float(np.sqrt(noise.variance(exact).mean()))))
    return float(np.mean(shares))


@pytest.mark.parametrize("file", WEIGHTS)
def test_bf16_is_allowed_where_it_changes_little(file: str) -> None:
    path = SHARED / "weights" / f"{file}.pth"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    item = find(WEIGHTS[file])
    share = _share(item.network, (path,))
    print(f"\n{item.name:15} bf16 changes {share:.3f} of the error")
    assert item.bf16 == (share <= MOST)


@pytest.mark.parametrize("method", ["denoise", "jdsr", "denoise-fast", "jdsr-fast"])
def test_bf16_changes_the_shipped_networks_little(method: str) -> None:
    share = _share(method, ())
    print(f"\n{method:15} bf16 changes {share:.3f} of the error (of the noise for x2)")
    assert share <= MOST
