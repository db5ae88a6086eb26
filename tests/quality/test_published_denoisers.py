"""The published denoisers on real pairs of little and much light.

`pytest -m quality -rP` prints the PSNR of each in dB, grey values fitted to the truth.
"""

from itertools import product
from math import log10
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from w2s_cli.assets import checkpoint
from w2s_cli.networks.rebuild import rebuild
from w2s_cli.restore import FloatArray

SHARED = Path(__file__).parents[3] / "shared"
PAIRS = SHARED / "data" / "pairs_hagen"
SIDE = 256

# Checkpoint: what is taken from grey / 255 before, and the least gain in dB. KAIR's has
# learned one noise level only, and smooths what is less noisy than that.
CHECKPOINTS = {
    "fmd_dncnn": (0.5, 5.5),
    "fmd_n2n_unet": (0.5, 6.0),
    "memnet_sigma55": (0.0, 5.0),
    "dncnn_sigma55": (0.0, 5.5),
    "kair_dncnn_25": (0.0, 0.5),
}
NAMES = ("actin-60x-noise1", "mito-60x-noise1", "nucleus")

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not PAIRS.is_dir(), reason="the real images are not here"),
]


def _pair(name: str) -> tuple[FloatArray, FloatArray]:
    """Return the part with the most structure, noisy and clean, in grey values."""
    low, high = (_gray(PAIRS / f"{name}_{kind}.png") for kind in ("low", "high"))
    corners = product(*(range(0, size - SIDE + 1, 64) for size in low.shape))
    parts = (np.s_[top : top + SIDE, left : left + SIDE] for top, left in corners)
    best = max(parts, key=lambda part: high[part].std())
    return low[best], high[best]


def _gray(path: Path) -> FloatArray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), np.float32)


def _psnr(image: FloatArray, truth: FloatArray) -> float:
    fitted = np.polyval(np.polyfit(image.ravel(), truth.ravel(), 1), image)
    return 10 * log10(255**2 / float(np.square(fitted - truth).mean()))


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_published_denoiser_denoises(name: str) -> None:
    path = SHARED / "weights" / f"{name}.pth"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    network = rebuild(checkpoint.load(path).state)
    assert isinstance(network, torch.nn.Module)
    network.eval()
    shift, least = CHECKPOINTS[name]
    for pair in NAMES:
        low, high = _pair(pair)
        image = torch.from_numpy(low / 255 - shift)[None, None]
        with torch.inference_mode():
            output = network(image)
        clean = image - output if network.predicts == "noise" else output
        before, after = _psnr(low, high), _psnr(clean[0, 0].numpy(), high)
        print(f"{name} {pair}: {before:.2f} -> {after:.2f} dB")
        assert after > before + least
