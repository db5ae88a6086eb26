"""The published super-resolution networks: that they are what their authors made."""

import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from w2s_cli.errors import InputError
from w2s_cli.networks import NETWORKS
from w2s_cli.networks.epsr import EPSR
from w2s_cli.networks.esrgan import ESRGAN, ShuffledESRGAN
from w2s_cli.networks.parts import enlarging
from w2s_cli.networks.rcan import RCAN
from w2s_cli.networks.rdn import RDN
from w2s_cli.networks.real_esrgan import RealESRGAN
from w2s_cli.networks.rebuild import rebuild, recognise
from w2s_cli.networks.san import SAN, _matrix_root
from w2s_cli.networks.srfbn import SRFBN, STEPS

Make = Callable[[], Any]

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "state_dicts"

# (row of the catalogue, network, keys, parameters), as their authors trained them.
PUBLISHED: dict[str, tuple[str, Make, int, int]] = {
    "rcan": ("rcan", RCAN, 1628, 15_442_337),
    "rdn": ("rdn", RDN, 300, 22_121_089),
    "san": ("san", SAN, 961, 15_710_470),
    "srfbn": ("srfbn", SRFBN, 83, 2_134_748),
    "epsr_edsr16x64_UNVERIFIED": ("epsr", partial(EPSR, 64, 16), 72, 1_367_553),
    "epsr_edsr32x256_UNVERIFIED": ("epsr", EPSR, 136, 40_720_385),
    "esrgan_rrdb23": ("rrdb", partial(ShuffledESRGAN, 23), 710, 16_917_826),
    "ours_rrdb16": ("rrdb", ShuffledESRGAN, 500, 11_881_858),
    "ours_rrdb12_published_ckpt": (
        "rrdb",
        partial(ShuffledESRGAN, 12),
        380,
        9_004_162,
    ),
    "realesrgan_x2_in1": (
        "real-esrgan",
        partial(RealESRGAN, channels=1),
        702,
        16_697_409,
    ),
    "realesrgan_x2_in3": ("real-esrgan", RealESRGAN, 702, 16_703_171),
    "realesrgan_x4_in3": ("real-esrgan", partial(RealESRGAN, scale=4), 702, 16_697_987),
}

# Small ones that differ in every argument.
VARIANTS: dict[str, Make] = {
    "rcan": partial(RCAN, 6, 2, 3, 2),
    "rcan-x4": partial(RCAN, 8, 1, 1, 1, 3, 4),
    "rcan-x3": partial(RCAN, 4, 3, 2, 1, 1, 3),
    "rdn": partial(RDN, 5, 3, 2),
    "rdn-x3": partial(RDN, 4, 1, 3, 3, 3),
    "rdn-x4": partial(RDN, 6, 2, 1, 1, 4),
    "san": partial(SAN, 16, 2, 2, 2),
    "san-x4": partial(SAN, 8, 1, 3, 1, 3, 4),
    "srfbn": partial(SRFBN, 4, 2),
    "srfbn-x3": partial(SRFBN, 3, 1, 3, 3),
    "srfbn-x4": partial(SRFBN, 5, 3, 1, 4),
    "epsr": partial(EPSR, 6, 3),
    "epsr-x4": partial(EPSR, 4, 1, 3, 4),
    "esrgan": partial(ESRGAN, 2, 6, 3),
    "esrgan-x2": partial(ESRGAN, 1, 4, 2, 1, 1),
    "rrdb": partial(ShuffledESRGAN, 2, 6, 3),
    "rrdb-x4": partial(ShuffledESRGAN, 1, 4, 2, 3, 2, 4),
    "real-esrgan": partial(RealESRGAN, 2, 6, 3, 1),
    "real-esrgan-x1": partial(RealESRGAN, 1, 4, 2, 3, 1),
    "real-esrgan-x4": partial(RealESRGAN, 1, 4, 2, 1, 4),
}
SIDE = 12


def _random(make: Make) -> Any:
    """Return a network with weights that let every layer speak."""
    torch.manual_seed(0)
    network = make().eval()
    for parameter in network.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        nn.init.normal_(parameter, std=spread)
    return network


def _image(network: Any, height: int = SIDE, width: int = SIDE + 4) -> Tensor:
    return torch.rand(1, network.channels, height, width)


def _output(network: Any, image: Tensor) -> Tensor:
    with torch.inference_mode():
        output: Tensor = network(image)
    return output


@pytest.mark.parametrize("name", VARIANTS)
def test_network_survives_its_state_dict(name: str) -> None:
    network = _random(VARIANTS[name])
    again = rebuild(network.state_dict())
    image = _image(network)
    expected = _output(network, image)
    assert expected.shape == (
        1,
        network.channels,
        *(side * network.scale for side in image.shape[2:]),
    )
    torch.testing.assert_close(_output(again.eval(), image), expected)
    for trait in ("scale", "margin", "multiple_of", "whole", "channels", "predicts"):
        assert getattr(again, trait) == getattr(network, trait)


@pytest.mark.parametrize("name", VARIANTS)
def test_network_is_taken_for_no_other(name: str) -> None:
    state = VARIANTS[name]().state_dict()
    row = name.removesuffix("-x1").removesuffix("-x2")
    row = row.removesuffix("-x3").removesuffix("-x4")
    assert [entry.name for entry in NETWORKS if entry.load().detect(state)] == [row]


@pytest.mark.parametrize("name", VARIANTS)
def test_network_with_a_tensor_missing_is_unknown(name: str) -> None:
    state = VARIANTS[name]().state_dict()
    for key in (next(iter(state)), next(reversed(state))):
        fewer = {other: state[other] for other in state if other != key}
        assert recognise(fewer) is None


@pytest.mark.parametrize("name", VARIANTS)
def test_all_weights_of_a_strange_shape_are_unknown(name: str) -> None:
    state = VARIANTS[name]().state_dict()
    for shape in ((), (0,), (3,), (0, 1, 3, 3), (7, 1, 3, 3)):
        assert recognise(dict.fromkeys(state, torch.zeros(shape))) is None


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_network_has_the_published_tensors(name: str) -> None:
    row, make, keys, parameters = PUBLISHED[name]
    with torch.device("meta"):
        network = make()
    state = network.state_dict()
    assert len(state) == keys
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    entry = recognise(state)
    assert entry is not None
    assert entry.name == row
    if REFERENCE.is_dir():
        reference = json.loads((REFERENCE / f"{name}.json").read_text())
        shapes = {key: [*tensor.shape] for key, tensor in state.items()}
        assert shapes == reference["keys_without_module_prefix"]


def _reach(network: Any, side: int) -> int:
    """Return how far the pixels that decide about the middle of the output are."""
    image = _image(network, side, side).requires_grad_()
    middle = side // 2
    at = slice(middle * network.scale, (middle + 1) * network.scale)
    network(image)[:, :, at, at].sum().backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0).nonzero()
    return int((seen - middle).abs().max())


def _without_attention(network: Any) -> Any:
    for name, module in [*network.named_modules()]:
        if name == "non_local" or hasattr(module, "conv_du"):
            network.set_submodule(name, nn.Identity())
    return network


@pytest.mark.parametrize("name", VARIANTS)
def test_margin_is_what_the_convolutions_see(name: str) -> None:
    network = _without_attention(_random(VARIANTS[name]))
    fold = network.multiple_of
    side = 2 * network.margin + 4 * fold
    side += -side % fold
    # Rectifiers may hide the outermost pixel, and so may rounding to a coarser grid.
    assert network.margin - 2 * fold <= _reach(network, side) <= network.margin


@pytest.mark.parametrize("name", VARIANTS)
def test_network_runs_in_bfloat16_and_channels_last(name: str) -> None:
    network = _random(VARIANTS[name])
    image = _image(network)
    expected = _output(network, image)
    network.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        found = _output(network, image.contiguous(memory_format=torch.channels_last))
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize("name", VARIANTS)
def test_network_learns(name: str) -> None:
    network = _random(VARIANTS[name])
    network(_image(network)).square().mean().backward()
    gradients = (parameter.grad for parameter in network.parameters())
    assert any(gradient is not None and gradient.any() for gradient in gradients)


def test_shuffle_puts_channels_row_by_row() -> None:
    fine = enlarging(1, 2)[1](torch.arange(4.0).reshape(1, 4, 1, 1))
    assert torch.equal(fine[0, 0], torch.tensor([[0.0, 1.0], [2.0, 3.0]]))


@pytest.mark.parametrize(
    ("make", "silent"),
    [
        (VARIANTS["rcan"], "body"),
        (VARIANTS["epsr"], "body"),
        (VARIANTS["rdn"], "gff"),
        (VARIANTS["rrdb"], "trunk_conv"),
    ],
)
def test_long_skip_leads_around_a_silent_body(make: Make, silent: str) -> None:
    network = _random(make)
    for parameter in network.get_submodule(silent).parameters():
        nn.init.zeros_(parameter)
    heads = {"rdn": "sfe1", "esrgan": "conv_first"}
    module = type(network).__module__.rsplit(".", 1)[1]
    head = network.get_submodule(heads.get(module, "head"))
    tail = (
        nn.Sequential(network.upscale, network.output)
        if module == "rdn"
        else network.tail
    )
    image = _image(network)
    with torch.inference_mode():
        torch.testing.assert_close(network(image), tail(head(image)))


def test_wide_epsr_weighs_its_residuals_by_a_tenth() -> None:
    with torch.device("meta"):
        weights = [EPSR(width, 1).body[0].weight for width in (64, 255, 256)]
    assert weights == [1.0, 1.0, 0.1]


def test_real_esrgan_at_x2_is_the_x4_network_on_the_folded_image() -> None:
    network = _random(VARIANTS["real-esrgan"])
    inside = _random(partial(RealESRGAN, 2, 6, 3, 4, 4))
    inside.conv_last = network.conv_last
    shared = {
        key: tensor
        for key, tensor in network.state_dict().items()
        if not key.startswith("conv_last")
    }
    inside.load_state_dict(shared, strict=False)
    image = _image(network)
    # Row by row, the four pixels of a 2 x 2 cell become channels.
    folded = torch.cat([image[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
    torch.testing.assert_close(_output(network, image), _output(inside, folded))


def test_dense_block_adds_a_fifth_of_its_last_convolution() -> None:
    network = _random(VARIANTS["rrdb"])
    block = network.RRDB_trunk[0]
    for number in (1, 2, 3):
        last = block.get_submodule(f"RDB{number}.conv5")
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, 5.0)
    features = torch.rand(1, 6, 4, 4)
    # Each dense block adds 0.2 * 5.
    with torch.inference_mode():
        torch.testing.assert_close(block(features), features + 0.2 * (features + 3))


def test_unused_layers_of_w2s_change_nothing() -> None:
    network = _random(VARIANTS["rrdb"])
    image = _image(network)
    before = _output(network, image)
    for name, parameter in network.named_parameters():
        if name.startswith(("upconv", "HRconv", "conv_last")):
            nn.init.constant_(parameter, float("nan"))
    assert torch.equal(_output(network, image), before)


def test_unused_layers_of_san_change_nothing() -> None:
    network = _random(VARIANTS["san"])
    image = _image(network)
    before, unused = _output(network, image), 0
    for name, parameter in network.named_parameters():
        if name.startswith(("conv_last", "non_local.soca")) or name.endswith("0.gamma"):
            nn.init.constant_(parameter, float("nan"))
            unused += parameter.numel()
    assert torch.equal(_output(network, image), before)
    assert unused == 16 * (16 * 9 + 1) + (2 * 16 + 2) + (16 * 2 + 16) + 1


def test_untrained_san_is_its_groups_in_a_row() -> None:
    """`gamma` and the last convolution of the non-local attention start at 0."""
    torch.manual_seed(0)
    network = VARIANTS["san"]().eval()
    image = _image(network)
    with torch.inference_mode():
        shallow = network.head(image)
        features = shallow
        for group in network.RG:
            features = group(features)
        torch.testing.assert_close(network(image), network.tail(shallow + features))


def test_gamma_of_san_shares_the_source() -> None:
    network = _random(VARIANTS["san"])
    nn.init.zeros_(network.non_local.non_local.W.weight)
    nn.init.zeros_(network.non_local.non_local.W.bias)
    for group in network.RG:
        for parameter in group.conv_last.parameters():
            nn.init.zeros_(parameter)
    nn.init.constant_(network.gamma, 0.5)
    image = _image(network)
    with torch.inference_mode():
        shallow = network.head(image)
        # Two groups that pass on what they get: 1 + 0.5 + 0.5, and the long skip.
        torch.testing.assert_close(network(image), network.tail(3 * shallow))


@pytest.mark.parametrize("shape", [(8, 8), (9, 11)])
def test_attention_of_san_stays_in_its_quadrant(shape: tuple[int, int]) -> None:
    attention = _random(VARIANTS["san"]).non_local
    features = torch.rand(1, 16, *shape)
    other = features.clone()
    other[..., 0, 0] += 1
    with torch.inference_mode():
        changed = (attention(other) - attention(features)).abs().sum(1)[0] > 0
    middle, centre = shape[0] // 2, shape[1] // 2
    assert changed[:middle, :centre].all()
    assert not changed[middle:].any()
    assert not changed[:, centre:].any()


def test_attention_of_san_is_a_softmax_over_a_pooled_grid() -> None:
    attention = _random(VARIANTS["san"]).non_local.non_local
    features = torch.rand(1, 16, 4, 6)
    with torch.inference_mode():
        query = attention.theta(features)[0].flatten(1)
        key, value = (
            nn.functional.max_pool2d(part[0](features), 2)[0].flatten(1)
            for part in (attention.phi, attention.g)
        )
        seen = value @ (query.T @ key).softmax(1).T
        expected = features + attention.W(seen.reshape(1, 2, 4, 6))
        torch.testing.assert_close(attention(features), expected)


def test_newton_schulz_finds_the_root_of_a_covariance() -> None:
    basis = torch.linalg.qr(torch.randn(4, 4, generator=torch.manual_seed(0))).Q
    matrix = (basis * torch.tensor([1.0, 1.5, 2.0, 2.5])) @ basis.T
    root = _matrix_root(matrix[None])[0]
    torch.testing.assert_close(root @ root, matrix, atol=1e-3, rtol=1e-3)
    assert not _matrix_root(torch.zeros(1, 4, 4)).any()


def test_second_order_attention_looks_at_the_central_thousand_pixels() -> None:
    attention = _random(VARIANTS["san"]).RG[0].soca
    for parameter in attention.parameters():
        nn.init.constant_(parameter, 0.1)
    features = torch.rand(1, 16, 8, 1020)
    other = features.clone()
    other[..., :10] += 5
    other[..., -10:] += 5
    with torch.inference_mode():
        same = (attention(other) - attention(features))[..., 10:-10]
        assert not same.any()
        other[..., 10] += 5
        assert (attention(other) - attention(features))[..., 11:-10].any()


def test_san_refuses_an_image_too_small_to_quarter() -> None:
    network = VARIANTS["san"]()
    with pytest.raises(InputError, match="at least 4 x 4 pixels, found 3 x 9"):
        network(_image(network, 3, 9))


def test_srfbn_feeds_back_four_times_and_draws_the_last() -> None:
    network = _random(VARIANTS["srfbn"])
    calls: list[tuple[Tensor, Tensor, Tensor]] = []
    network.block.register_forward_hook(
        lambda _, inputs, output: calls.append((*inputs, output))
    )
    image = _image(network)
    output = _output(network, image)
    assert len(calls) == STEPS == 4
    assert torch.equal(calls[0][0], calls[0][1])
    for before, after in pairwise(calls):
        assert torch.equal(after[1], before[2])
        assert torch.equal(after[0], calls[0][0])
    with torch.inference_mode():
        drawn = network.conv_out(network.out(calls[-1][2]))
    smooth = nn.functional.interpolate(image, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(output, smooth + drawn)


def test_srfbn_without_a_last_convolution_is_bilinear() -> None:
    network = _random(VARIANTS["srfbn"])
    for parameter in network.conv_out.parameters():
        nn.init.zeros_(parameter)
    image = _image(network)
    smooth = nn.functional.interpolate(image, scale_factor=2, mode="bilinear")
    assert torch.equal(_output(network, image), smooth)
