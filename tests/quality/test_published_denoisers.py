"""The published denoisers on real images, as `w2s restore` runs them on PNG files.

`pytest -m quality -rP` prints the figures: on pairs of little and much light the PSNR
in dB, grey values fitted to the truth; on W2S the z-RMSE of single captures.
"""

import csv
from itertools import product
from math import log10
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli._typing import FloatArray
from w2s_cli.pipeline.file_restoration import restore_file
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.weights.cache import fetched_path

SHARED = Path(__file__).parents[3] / "shared"
PAIRS = SHARED / "data" / "pairs_hagen"
W2S = SHARED / "data" / "w2s"
SIDE = 256
Z = 66.02846  # counts in a unit of the papers' z-scores

# Method: the least gain in dB on the pairs, and the most z-RMSE on W2S. KAIR's has
# learned one noise level only, and smooths what is less noisy than that.
METHODS = {
    "dncnn-fmd": (5.5, 0.12),
    "n2n-fmd": (6.0, 0.1),
    "memnet-natural": (5.0, 0.15),
    "dncnn-natural": (5.5, 0.13),
    "dncnn-kair-25": (0.5, 0.2),
}
NAMES = ("actin-60x-noise1", "mito-60x-noise1", "nucleus")

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not PAIRS.is_dir(), reason="the real images are not here"),
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the published weights at hand into a cache of the test's own."""
    if not (SHARED / "weights").is_dir():
        pytest.skip("published weights are not here")
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    for name in METHODS:
        fetched_path(name, folder=SHARED / "weights")


class Restoring:
    """A method, built once, from grey values to grey values by way of PNG files."""

    def __init__(self, method: str, folder: Path) -> None:
        self.job = RestoreSpec(method=method, overwrite=True)
        self.chain = self.job.chain()
        self.source, self.target = folder / "in.png", folder / "out.png"

    def __call__(self, grey: FloatArray) -> FloatArray:
        Image.fromarray(grey.astype(np.uint8)).save(self.source)
        restore_file(self.job, self.chain, self.source, self.target)
        return _gray(self.target)


def _gray(path: Path) -> FloatArray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), np.float32)


def _pair(name: str) -> tuple[FloatArray, FloatArray]:
    """Return the part with the most structure, noisy and clean, in grey values."""
    low, high = (_gray(PAIRS / f"{name}_{kind}.png") for kind in ("low", "high"))
    corners = product(*(range(0, size - SIDE + 1, 64) for size in low.shape))
    parts = (np.s_[top : top + SIDE, left : left + SIDE] for top, left in corners)
    best = max(parts, key=lambda part: high[part].std())
    return low[best], high[best]


def _psnr(image: FloatArray, truth: FloatArray) -> float:
    fitted = np.polyval(np.polyfit(image.ravel(), truth.ravel(), 1), image)
    return 10 * log10(255**2 / float(np.square(fitted - truth).mean()))


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("method", METHODS)
def test_published_denoiser_denoises(method: str, tmp_path: Path) -> None:
    restored = Restoring(method, tmp_path)
    for name in NAMES:
        low, high = _pair(name)
        before, after = _psnr(low, high), _psnr(restored(low), high)
        print(f"{method} {name}: {before:.2f} -> {after:.2f} dB")
        assert after > before + METHODS[method][0]


def _validation() -> list[dict[str, str]]:
    with (W2S / "index.csv").open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["image"] >= "071"]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("method", [*METHODS, "denoise", "identity"])
def test_z_rmse_on_w2s(method: str, tmp_path: Path) -> None:
    restored = Restoring(method, tmp_path)
    errors = []
    for row in _validation():
        noisy, average = (_gray(W2S / k / f"{row['image']}.png") for k in _KINDS)
        clean = average * float(row["slope"]) + float(row["intercept"])
        kept = (noisy > 0) & (noisy < 255) & (average > 0) & (average < 255)
        off = (restored(noisy) - clean)[kept] / float(row["grey_per_count"]) / Z
        errors.append(float(np.sqrt(np.mean(off**2))))
    mean = float(np.mean(errors))
    print(f"{method}: z-RMSE {mean:.4f}, mean of {len(errors)} images of FOV 071-080")
    if method in METHODS:
        assert mean < METHODS[method][1]


_KINDS = ("avg1", "avg400")
