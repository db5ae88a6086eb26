"""The shipped models on real images that they were not trained on.

`pytest -m quality -rP` prints the figures. The images are not part of the repository:
they are looked for in `../shared/data`.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.restoration import richardson_lucy

from w2s_cli.estimate.noise import fit_noise
from w2s_cli.files import opened
from w2s_cli.methods.bicubic import Bicubic
from w2s_cli.methods.bm3d import Bm3d
from w2s_cli.methods.network import Denoise, Jdsr
from w2s_cli.methods.richardson_lucy import RichardsonLucy
from w2s_cli.metrics.fidelity import fitted, psnr
from w2s_cli.metrics.similarity import ssim
from w2s_cli.physics.kernel import gaussian_kernel
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.restore import Chain, FloatArray, Restorer

DATA = Path(__file__).parents[3] / "shared" / "data"
Z = 66.02846  # counts in a unit of the papers' z-scores

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real images are not here"),
]


def _validation() -> list[dict[str, str]]:
    with (DATA / "w2s" / "index.csv").open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["image"] >= "071"]


def _gray(kind: str, name: str) -> np.ndarray:
    with Image.open(DATA / "w2s" / kind / f"{name}.png") as image:
        return np.asarray(image)


def _errors(row: dict[str, str]) -> dict[str, float]:
    """Return z-RMSE by method and origin of the noise model, unclipped pixels only."""
    noisy, average = _gray("avg1", row["image"]), _gray("avg400", row["image"])
    clean = average * float(row["slope"]) + float(row["intercept"])
    kept = (noisy > 0) & (noisy < 255) & (average > 0) & (average < 255)
    scale = float(row["grey_per_count"])
    true = NoiseModel(
        float(row["gain_counts"]) * scale, float(row["offset_counts"]) * scale
    )
    counts = noisy.astype(np.float32)
    images = {
        "noisy": counts,
        "vst+bm3d, noise given": _restored(Bm3d(), counts, true),
        "denoise, noise given": _restored(Denoise(), counts, true),
        "denoise, noise estimated": _restored(
            Denoise(), counts, fit_noise([noisy]).model
        ),
    }
    return {
        name: float(np.sqrt(np.mean((image - clean)[kept] ** 2)) / scale / Z)
        for name, image in images.items()
    }


def _restored(method: Restorer, counts: FloatArray, noise: NoiseModel) -> FloatArray:
    return Chain([method]).bound(noise)(counts[None])[0]


def test_denoise_is_better_than_bm3d_on_real_w2s() -> None:
    rows = [_errors(row) for row in _validation()]
    mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    bm3d = mean["vst+bm3d, noise given"]
    print(f"\nz-RMSE at avg1, mean of {len(rows)} images of FOV 071-080")
    for name, value in mean.items():
        print(f"{name:26} {value:.4f}   {value / bm3d:.3f} of vst+bm3d")
    assert len(rows) == 30
    assert mean["denoise, noise given"] <= 0.97 * bm3d
    assert mean["denoise, noise estimated"] <= 0.97 * bm3d


def _unlike(image: FloatArray, truth: FloatArray) -> float:
    """Return the share of an image's contrast that is not the truth's."""
    return float(np.sqrt(1 - np.corrcoef(image.ravel(), truth.ravel())[0, 1] ** 2))


def test_jdsr_draws_what_a_long_exposure_shows() -> None:
    found: dict[str, list[float]] = {"denoise+bicubic": [], "jdsr": []}
    for row in _validation()[::3]:
        scale = float(row["grey_per_count"])
        noise = NoiseModel(
            float(row["gain_counts"]) * scale, float(row["offset_counts"]) * scale
        )
        average = _gray("avg400", row["image"]).astype(np.float32)
        clean = average * np.float32(row["slope"]) + np.float32(row["intercept"])
        light = np.maximum(noise.photons(clean), 0) * 400
        truth = RichardsonLucy(fwhm=2.6, scale=2)(light[None])[0]
        noisy = _gray("avg1", row["image"]).astype(np.float32)
        for name, links in {
            "denoise+bicubic": [Denoise(), Bicubic()],
            "jdsr": [Jdsr()],
        }.items():
            image = Chain(links).bound(noise)(noisy[None])[0]
            found[name].append(_unlike(image, truth))
    print("\nnot in the deconvolved long exposure, of the contrast, FOV 071-080")
    for name, shares in found.items():
        print(f"{name:16} {np.mean(shares):.3f}, at most {max(shares):.3f}")
    assert np.mean(found["jdsr"]) < 0.18


def _deconvolved(image: np.ndarray, sigma: float, steps: int) -> np.ndarray:
    enlarged = Bicubic()(image[None])[0]
    light = np.maximum(enlarged - np.quantile(image, 0.01), 1e-3)
    kernel = gaussian_kernel(sigma).weights
    result: np.ndarray = richardson_lucy(light, kernel, num_iter=steps, clip=False)
    return result


def test_jdsr_is_better_than_interpolation_on_a_real_sim_pair() -> None:
    with opened(DATA / "sim_pair" / "er_widefield.tif") as stack:
        image = np.asarray(stack.data[0,], np.float32)
    with opened(DATA / "sim_pair" / "er_sim.tif") as stack:
        truth = np.asarray(stack.data[()], np.float64)
    model = fit_noise([image]).model
    images = {
        f"richardson-lucy {sigma:g} px, {steps} steps": _deconvolved(
            image, sigma, steps
        )
        for sigma in (2.0, 2.5, 3.0, 3.5)
        for steps in (5, 15, 40)
    }
    images["bicubic"] = Bicubic()(image[None])[0]
    images["jdsr"] = _restored(Jdsr(), image, model)
    span = float(np.quantile(truth, 0.999))
    scores = {}
    print(f"\nafter an affine fit, range {span:g} (99.9th percentile); noise {model}")
    for name, restored in images.items():
        fit = fitted(truth, restored)
        scores[name] = (
            psnr(truth, fit, data_range=span),
            ssim(truth, fit, data_range=span),
        )
        print(f"{name:34} {scores[name][0]:.2f} dB  SSIM {scores[name][1]:.3f}")
    deconvolved = [score for name, score in scores.items() if "lucy" in name]
    assert scores["jdsr"][0] >= scores["bicubic"][0] + 1.5
    assert scores["jdsr"][0] > max(level for level, _ in deconvolved)
    # In SSIM the best of these deconvolutions, tuned on the truth, is better still.
    assert scores["jdsr"][1] >= scores["bicubic"][1] + 0.15
