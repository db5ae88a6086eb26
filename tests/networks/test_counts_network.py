"""What other programs run is what `w2s restore` computes, whatever the camera."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli.errors import UsageError
from w2s_cli.methods.build import build, method_for_weights
from w2s_cli.methods.exportable import check_exportable, counts_network
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.networks.counts_network import run_torchscript
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.esrgan import RealESRGAN
from w2s_cli.networks.unet import ConditionalUNet, UNet
from w2s_cli.restorers.units import DisplayRange
from w2s_cli.weights import checkpoint

SHOWN = DisplayRange(90, 900)
CAMERAS = [
    NoiseModel(2.2, 100, 3),
    NoiseModel(0.02),  # dark, and no read noise
    NoiseModel(1.5, 200, 40),  # far more read noise than any network knows
]
OURS: dict[str, Any] = {"trained_on": {"photons": [1, 900], "sigma": 3}}
HIDDEN: dict[str, Any] = {"kind": "capture"}
OF_NOISY = {
    "expects": "counts",
    "recipe": {"examples": "self-supervised", "masking": HIDDEN},
}
KINDS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "x1": (lambda: UNet(4, 2, 1, 1), OURS),
    "x2": (lambda: UNet(4, 2, 1, 2), OURS),
    "told": (lambda: ConditionalUNet((4, 4), (1, 1), 5, 1, code=4), OURS),
    "told x2": (lambda: ConditionalUNet((4, 4), (1, 1), 11, 2, 4, 1, 4), OURS),
    "of noisy targets": (lambda: UNet(4, 2, 1, 1), OF_NOISY),
    "noise": (lambda: DnCNN(1, 4, 3), {"units": "centred"}),
    "z": (lambda: DnCNN(1, 4, 3), {"units": "z"}),
    "colours": (lambda: RealESRGAN(1, 4, 2, 1, 2), {"units": "unit"}),
}


@pytest.fixture(params=KINDS)
def weights(
    request: pytest.FixtureRequest, random_network: Callable[..., Any], tmp_path: Path
) -> Path:
    make, record = KINDS[request.param]
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, random_network(make).state_dict(), record, halve=False)
    return path


@pytest.mark.parametrize("noise", CAMERAS, ids=str)
def test_graph_and_restorer_agree(weights: Path, noise: NoiseModel) -> None:
    name = method_for_weights([weights])
    chain = build(name, weights=[weights], device="cpu", precision="fp32")
    [link] = chain.links
    check_exportable(link, name)
    step = link.traits.multiple_of
    rng = np.random.default_rng(0)
    light = rng.gamma(1, 30, (8 * step, 9 * step)).astype(np.float32)
    counts = noise.sample(light, rng)
    graph = counts_network(link, noise, SHOWN)
    [expected] = chain.bound(noise, SHOWN)(counts[None])
    found = graph.restored(counts)
    # Of the noise, which grows with what untrained networks make of the image.
    one = noise.gain * np.sqrt(np.abs(noise.photons(expected)) + noise.lift)
    assert (np.abs(found - expected) / (one + np.abs(expected))).max() < 1e-4
    smaller = counts[: 4 * step, : 5 * step]
    [same] = run_torchscript(graph.torchscript(counts), [smaller])
    assert np.array_equal(same, graph.restored(smaller))


def test_torchscript_does_not_say_where_it_was_made(weights: Path) -> None:
    name = method_for_weights([weights])
    [link] = build(name, weights=[weights], device="cpu").links
    content = counts_network(link, CAMERAS[0], SHOWN).torchscript(np.ones((64, 64)))
    assert str(Path(__file__).parents[1]).encode() not in content
    assert b"debug_pkl" not in content
    assert b"serialization_id" not in content


@pytest.mark.parametrize(
    ("method", "options", "why"),
    [
        ("denoise", ["orientations=8"], "8 ways"),
        ("auto", [], "chooses a method by the image"),
        ("auto-x2", [], "chooses a method by the image"),
        ("n2v", [], "learns from the images first"),
        ("pd-denoise", [], "more than one pass"),
        ("gaussian", [], "no network"),
    ],
)
def test_what_is_not_one_pass_is_refused(
    method: str, options: list[str], why: str
) -> None:
    [link] = build(method, options, device="cpu").links
    with pytest.raises(UsageError, match=why):
        check_exportable(link, method)
