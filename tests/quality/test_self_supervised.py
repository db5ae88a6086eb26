"""What is learned from noisy images alone, beside what was learned from clean ones.

`pytest -m quality -rP tests/quality/test_self_supervised.py` prints the tables: noise
as in Table 1 of Noise2SR on sharp images, single captures of W2S, and pairs of little
and much light. Each image is learned from by itself, so that all of it takes more than
an hour; N2N gets a second capture.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from shipped_models import robustness, w2s_samples
from w2s_cli._typing import FloatArray
from w2s_cli.bench.scores.convention import Convention, protocol
from w2s_cli.bench.scores.score import score
from w2s_cli.datasets.data_set import ImagePair
from w2s_cli.io import open_image
from w2s_cli.methods.build import build
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.fitting import fit_channels
from w2s_cli.stack import Stack

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not DATA.is_dir(), reason="no real images"),
]

ALONE = ("n2sr", "n2sr -O mosaics=0", "n2v", "n2s")
OTHERS = ("vst+bm3d", "denoise")
WHITE = 255.0
# Of 8-bit images; photons in the brightest pixel, and read noise in gray values.
NOISES = {
    "gaussian 15": NoiseModel(1e-3, read_noise=15),
    "poisson 20": NoiseModel(WHITE / 20),
    "poisson 15, gaussian 5": NoiseModel(WHITE / 15, read_noise=5),
}
SHARP = {"BPAE_actin.tif": (), "xy_16bit__rat_hippocampal_neuron.tif": ()}
METRICS = ("psnr", "ssim", "rmse")


@dataclass(frozen=True)
class Case:
    """An image, and a second capture of it where there is one."""

    pair: ImagePair
    other: FloatArray | None = None


def restored(method: str, case: Case) -> FloatArray:
    """Return the image restored; a method for repeats gets both captures."""
    name, *options = method.split(" -O ")
    pair, chain = case.pair, build(name, options)
    both = name == "n2n" and case.other is not None
    captures = np.stack([pair.image, case.other]) if both else pair.image
    stack = Stack(captures, "TYX" if both else "YX")
    noise = {0: pair.noise or fit_noise([pair.image]).model}
    result, _ = restore_planes(
        stack, chain, noise, None, fit_channels(stack, chain, noise)
    )
    return np.asarray(result.data[(0,) if both else ()], np.float32)


def table(
    methods: Iterable[str], cases: Iterable[Case], convention: Convention
) -> Mapping[str, Mapping[str, float]]:
    """Print and return the mean scores of methods, and the seconds of an image."""
    held = [*cases]
    found = {}
    for method in methods:
        start = perf_counter()
        scores = [_scores(method, case, convention) for case in held]
        seconds = (perf_counter() - start) / len(held)
        means = {name: float(np.mean([s[name] for s in scores])) for name in METRICS}
        found[method] = means
        shown = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
        print(f"  {method:20} {shown}, {seconds:.1f} s", flush=True)
    return found


def _scores(method: str, case: Case, convention: Convention) -> dict[str, float]:
    pair = case.pair
    image = restored(method, case)
    return score(pair.truth, image, METRICS, convention, pair.valid)


@pytest.mark.parametrize("name", NOISES)
def test_the_order_of_the_paper_comes_out_on_simulated_noise(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path))
    print(f"{name}: {len(SHARP)} images")
    methods = (*ALONE, "n2n", *OTHERS)
    found = table(methods, _simulated(NOISES[name]), protocol("noise2sr"))
    psnr = {method: scores["psnr"] for method, scores in found.items()}
    assert psnr["n2sr"] > max(psnr["n2v"], psnr["n2s"])
    assert psnr["n2sr"] > psnr["n2n"] - 0.5


def test_single_captures_of_w2s_are_no_worse_than_by_bm3d(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path))
    data = w2s_samples.open_data_set(DATA / "w2s")
    pairs = [*data.pairs("validation", 1)][::6]
    print(f"W2S, {len(pairs)} images")
    found = table((*ALONE, *OTHERS), map(Case, pairs), protocol("w2s"))
    error = {method: scores["rmse"] for method, scores in found.items()}
    assert error["n2sr"] < min(error["n2v"], error["n2s"], error["vst+bm3d"])


def test_pairs_of_little_and_much_light_are_no_worse_than_by_bm3d(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path))
    pairs = [*robustness.pairs(DATA / "pairs_hagen").pairs("all", 1)]
    print(f"pairs of little and much light, {len(pairs)} images")
    found = table((*ALONE, *OTHERS), map(Case, pairs), Convention(fit="affine"))
    error = {method: scores["rmse"] for method, scores in found.items()}
    assert error["n2sr"] < min(error["n2v"], error["n2s"], 1.02 * error["vst+bm3d"])


def _simulated(noise: NoiseModel) -> Iterable[Case]:
    for number, (file, index) in enumerate(SHARP.items()):
        with open_image(DATA / "sharp" / file) as stack:
            clean, _ = robustness.part(*[stack.data[index].astype(np.float32)] * 2)
        clean = clean * np.float32(WHITE / clean.max())
        rng = np.random.default_rng([7, number])
        one, other = (
            noise.sample(noise.photons(clean), rng).astype(np.float32) for _ in range(2)
        )
        yield Case(ImagePair(file, file, one, clean, None, noise), other)
