"""What `auto-x2` takes of real structure made dim, beside what is best there."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli import NoiseModel, Stack, restore, simulate
from w2s_cli.metrics.fidelity import scale_invariant_psnr

TRUTHS = Path(__file__).parents[3] / "shared" / "data" / "sim_truth"
pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not TRUTHS.exists(), reason="the images are not here"),
]

CAMERA = NoiseModel(2.0, 100.0, 1.5)
LENS = {"numerical_aperture": 1.0, "wavelength": 0.52, "pixel_size": 0.034}
STRUCTURES = ("ccp", "er", "factin", "microtubules")
NUMBERS = (33, 37)
RIVALS = ("jdsr", "denoise+bicubic", "identity+bicubic")


@pytest.mark.parametrize("photons", [5, 20, 100, 500])
def test_little_is_lost_by_the_choice(photons: float) -> None:
    taken, lost, gains = [], [], []
    for number in NUMBERS:
        for name in STRUCTURES:
            with Image.open(TRUTHS / f"{name}_{number}.png") as image:
                truth = np.asarray(image.convert("L"), np.float32)
            light = {"photons": photons, "background": 0.05 * photons}
            noisy = Stack(simulate(truth, CAMERA, **LENS, **light, seed=number), "YX")
            result = restore(noisy, "auto-x2", dtype="float32")
            found = scale_invariant_psnr(truth, np.asarray(result.image))
            *others, plain = (
                scale_invariant_psnr(
                    truth, np.asarray(restore(noisy, rival, dtype="float32").image)
                )
                for rival in RIVALS
            )
            taken.append(result.record["auto"]["method"])
            lost.append(max(others) - found)
            gains.append(found - plain)
    print(
        f"{photons} photons: {taken.count('jdsr')} of {len(taken)} by jdsr, "
        f"{np.mean(lost):.2f} dB below the better of jdsr and denoise+bicubic "
        f"(most {max(lost):.2f}), {np.mean(gains):.1f} above interpolation (least "
        f"{min(gains):.1f})"
    )
    assert np.mean(lost) < 0.3
    assert min(gains) > 0
