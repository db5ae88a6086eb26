"""The metrics on real images, with published weights: what they ought to agree on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter

from w2s_cli.metrics.decorrelation import decorrelation
from w2s_cli.metrics.feature_distances import feature_distance
from w2s_cli.metrics.frc import frc, single_frc
from w2s_cli.metrics.niqe import Pristine, niqe
from w2s_cli.networks.vgg import VGG

SHARED = Path(__file__).parents[3] / "shared"
WEIGHTS, W2S = SHARED / "weights", SHARED / "data" / "w2s"
PRISTINE = WEIGHTS / "niqe_pris_params.npz"
VGG16 = WEIGHTS / "vgg16_imagenet_conv_fp16.safetensors"

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not W2S.is_dir(), reason="no images at hand"),
    pytest.mark.skipif(not PRISTINE.is_file(), reason="no weights at hand"),
]
NAMES = ("071_0", "074_1", "078_2")


def _pair(name: str) -> tuple[Any, Any]:
    return tuple(
        np.asarray(Image.open(W2S / level / f"{name}.png"), np.float64)
        for level in ("avg1", "avg400")
    )


def test_published_model_has_the_window_that_is_computed() -> None:
    line = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
    window = np.outer(line, line) / line.sum() ** 2
    np.testing.assert_allclose(np.load(PRISTINE)["gaussian_window"], window, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_averages_are_more_natural_and_finer_than_captures(name: str) -> None:
    noisy, clean = _pair(name)
    pristine = Pristine.read(PRISTINE)
    scores = [niqe(image, pristine) for image in (noisy, clean)]
    periods = [decorrelation(image) for image in (noisy, clean)]
    print(f"{name}: NIQE {scores}, decorrelation {periods} pixels")
    assert scores[1] < scores[0]
    assert periods[1] < periods[0]


@pytest.mark.parametrize("name", NAMES)
def test_one_capture_is_coarser_than_what_it_shares_with_the_average(name: str) -> None:
    noisy, clean = _pair(name)
    alternate, shared = single_frc(noisy), frc(clean, noisy)
    print(f"{name}: alternate {alternate}, average {shared} pixels")
    assert alternate > shared


@pytest.mark.parametrize("name", NAMES)
def test_vgg_sees_damage_grow(name: str) -> None:
    _, clean = _pair(name)
    network = VGG.from_state_dict(load_file(VGG16), [f"relu{n}_2" for n in range(1, 6)])

    def seen(image: Any) -> list[Any]:
        gray = torch.from_numpy(image[:256, :256] / 255).float()[None, None]
        with torch.no_grad():
            return [layer[0].numpy() for layer in network(gray)]

    rng = np.random.default_rng(0)
    reference = seen(clean)
    blurred = [
        feature_distance(reference, seen(gaussian_filter(clean, width)))
        for width in (0.5, 1, 2, 4)
    ]
    noisy = [
        feature_distance(reference, seen(clean + rng.normal(0, spread, clean.shape)))
        for spread in (2, 8, 32)
    ]
    print(f"{name}: blurred {blurred}, noisy {noisy}")
    assert blurred == sorted(blurred)
    assert noisy == sorted(noisy)
