"""The published denoisers and discriminators: that they are what their authors made."""

import json
from collections.abc import Callable
from functools import partial
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from w2s_cli.errors import WeightsError
from w2s_cli.networks import DISCRIMINATORS, NETWORKS
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.initial import initialise
from w2s_cli.networks.memnet import MemNet
from w2s_cli.networks.n2n_unet import N2NUNet, SharedUNet
from w2s_cli.networks.n2v_unet import N2VUNet
from w2s_cli.networks.noise2sr import Noise2SR, Noise2SRPaper
from w2s_cli.networks.rebuild import Network, input_units, rebuild, recognise
from w2s_cli.networks.ridnet import RIDNet
from w2s_cli.networks.unet_discriminator import UNetDiscriminator
from w2s_cli.networks.vgg_discriminator import VGGDiscriminator

Make = Callable[[], Any]

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "state_dicts"

# (row of the catalogue, network, keys, parameters), as their authors trained them.
PUBLISHED: dict[str, tuple[str, Make, int, int]] = {
    "dncnn": ("dncnn", DnCNN, 92, 556_032),
    "memnet": ("memnet", MemNet, 336, 194_922),
    "ridnet": ("ridnet", RIDNet, 104, 1_497_045),
    "fmd_n2n_unet": ("n2n-unet", partial(N2NUNet, bias=False), 18, 987_408),
    "n2n_unet_noise2sr_repo": ("n2n-unet-shared", SharedUNet, 28, 883_937),
    "noise2sr_public_fd64": ("noise2sr", Noise2SR, 36, 1_112_673),
    "noise2sr_public_fd256": (
        "noise2sr",
        partial(Noise2SR, features=256, head=(256, 256)),
        36,
        3_670_113,
    ),
    "noise2sr_hrem_fd128_s2": (
        "noise2sr",
        partial(Noise2SR, features=128, head=(96, 48), side=3),
        36,
        1_736_097,
    ),
    "discriminator_vgg128": ("vgg-discriminator", VGGDiscriminator, 60, 14_498_249),
    "unet_discriminator_sn_in1": (
        "unet-discriminator",
        UNetDiscriminator,
        28,
        4_375_745,
    ),
    "unet_discriminator_sn_in3": (
        "unet-discriminator",
        partial(UNetDiscriminator, 3),
        28,
        4_376_897,
    ),
}

# Small ones that differ in every argument.
DENOISERS: dict[str, Make] = {
    "dncnn": partial(DnCNN, 1, 5, 4),
    "dncnn/fmd": partial(DnCNN, 1, 6, 5, bias=(True, False, False)),
    "dncnn/kair": partial(DnCNN, 3, 4, 6, False, (True, True, True)),
    "dncnn/zhang": partial(DnCNN, 1, 4, 3, True, (True, True, True)),
    "dncnn/plain": partial(DnCNN, 2, 7, 3, False),
    "dncnn/short": partial(DnCNN, 1, 3, 2),
    "memnet": partial(MemNet, 1, 4, 3, 2),
    "memnet/rgb": partial(MemNet, 3, 5, 1, 3),
    "memnet/short": partial(MemNet, 1, 3, 2, 1),
    "ridnet": partial(RIDNet, 1, 8, 2, 2),
    "ridnet/rgb": partial(RIDNet, 3, 4, 1, 3),
    "ridnet/pair": partial(RIDNet, 2, 6, 3, 1),
    "n2n-unet": partial(N2NUNet, 1, 1, 4, 2, (6, 3)),
    "n2n-unet/fmd": partial(N2NUNet, 1, 1, 4, 3, (5, 2), False),
    "n2n-unet/rgb": partial(N2NUNet, 3, 3, 3, 1, (4, 4)),
    "n2n-unet-shared": partial(SharedUNet, 1, 1, 4, (6, 5)),
    "n2n-unet-shared/rgb": partial(SharedUNet, 3, 3, 3, (4, 4)),
    "n2v-unet": partial(N2VUNet, 1, 4),
    "n2v-unet/deep": partial(N2VUNet, 2, 3, 3, 3, 3, False),
    "n2v-unet/flat": partial(N2VUNet, 1, 4, 1, 1, 3),
    "noise2sr": partial(Noise2SR, 1, 6, 2, (6, 6), 1, 3, (5, 4)),
    "noise2sr/hrem": partial(Noise2SR, 1, 8, 2, (6, 3), 3, 4, (5, 4)),
    "noise2sr/x4": partial(Noise2SR, 2, 4, 4, (4, 4), 1, 3, (5, 4)),
    "noise2sr-paper": partial(Noise2SRPaper, 1, 8, 2, 4, 2, (5, 3)),
    "noise2sr-paper/three": partial(Noise2SRPaper, 1, 6, 3, 3, 3, (5, 3), False),
    "noise2sr-paper/four": partial(Noise2SRPaper, 3, 4, 4, 3, 1, (5, 3)),
}
JUDGES: dict[str, Make] = {
    "vgg-discriminator": partial(VGGDiscriminator, 1, 2, 64, 10),
    "vgg-discriminator/rgb": partial(VGGDiscriminator, 3, 3, 32, 7),
    "unet-discriminator": partial(UNetDiscriminator, 1, 3),
    "unet-discriminator/rgb": partial(UNetDiscriminator, 3, 2),
}
VARIANTS = DENOISERS | JUDGES


def _random(make: Make) -> Any:
    """Return a network with weights that let every layer speak."""
    torch.manual_seed(0)
    network = make().eval()
    for parameter in network.parameters():
        spread = 1.4 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        nn.init.normal_(parameter, std=spread)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


def _image(network: Any) -> Tensor:
    fold = getattr(network, "multiple_of", 1)
    height = getattr(network, "side", 16 + -16 % fold)
    wider = 0 if isinstance(network, VGGDiscriminator) else fold
    return torch.rand(2, network.channels, height, height + wider)


def _output(network: Any, image: Tensor) -> Tensor:
    with torch.inference_mode():
        output: Tensor = network(image)
    return output


def _silence(module: nn.Module) -> None:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)


@pytest.mark.parametrize("name", DENOISERS)
def test_network_survives_its_state_dict(name: str) -> None:
    network = _random(DENOISERS[name])
    again: Any = rebuild(network.state_dict())
    assert isinstance(again, Network)
    image = _image(network)
    expected = _output(network, image)
    assert expected.shape[2:] == tuple(side * network.scale for side in image.shape[2:])
    assert expected.shape[:2] == image.shape[:2]
    torch.testing.assert_close(_output(again.eval(), image), expected)
    for trait in ("scale", "margin", "multiple_of", "whole", "channels"):
        assert getattr(again, trait) == getattr(network, trait)


@pytest.mark.parametrize("name", JUDGES)
def test_discriminator_survives_its_state_dict(name: str) -> None:
    network = _random(JUDGES[name])
    row = recognise(network.state_dict(), DISCRIMINATORS)
    assert row is not None
    again = row.load().from_state_dict(network.state_dict()).eval()
    image = _image(network)
    torch.testing.assert_close(_output(again, image), _output(network, image))


@pytest.mark.parametrize("name", VARIANTS)
def test_network_is_taken_for_no_other(name: str) -> None:
    state = VARIANTS[name]().state_dict()
    rows = [*NETWORKS, *DISCRIMINATORS]
    found = [row.name for row in rows if row.load().detect(state)]
    assert found == [name.partition("/")[0]]


@pytest.mark.parametrize("name", VARIANTS)
def test_network_with_a_tensor_missing_is_unknown(name: str) -> None:
    state = VARIANTS[name]().state_dict()
    weights = [key for key in state if key.endswith((".weight", ".weight_orig"))]
    for key in (weights[0], weights[len(weights) // 2], weights[-1]):
        fewer = {other: state[other] for other in state if other != key}
        assert recognise(fewer) is recognise(fewer, DISCRIMINATORS) is None


@pytest.mark.parametrize("name", VARIANTS)
def test_weights_of_a_strange_shape_are_unknown(name: str) -> None:
    state = VARIANTS[name]().state_dict()
    for shape in ((), (0,), (3,), (2, 3), (0, 1, 3, 3), (7, 1, 3, 3)):
        strange = dict.fromkeys(state, torch.zeros(shape))
        assert recognise(strange) is recognise(strange, DISCRIMINATORS) is None


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_network_has_the_published_tensors(name: str) -> None:
    row, make, keys, parameters = PUBLISHED[name]
    with torch.device("meta"):
        network = make()
    state = network.state_dict()
    assert len(state) == keys
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    entry = recognise(state) or recognise(state, DISCRIMINATORS)
    assert entry is not None
    assert entry.name == row
    if REFERENCE.is_dir():
        reference = json.loads((REFERENCE / f"{name}.json").read_text())
        shapes = {key: [*tensor.shape] for key, tensor in state.items()}
        assert shapes == reference["keys_without_module_prefix"]


def _changed(network: Any, side: int, at: int, reach: int) -> bool:
    """Return whether output pixel `at` sees anything farther away than `reach`."""
    images = torch.rand(2, network.channels, side, side)
    near = slice(at - reach, at + reach + 1)
    images[1, :, near, near] = images[0, :, near, near]
    here = slice(at * network.scale, (at + 1) * network.scale)
    before, after = _output(network, images)[..., here, here]
    return not torch.allclose(before, after, atol=1e-6)


def _reach(network: Any, side: int, at: int) -> int:
    """Return how far the pixels that output pixel `at` grows with are."""
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)  # so that no rectifier hides anything
    image = torch.rand(1, network.channels, side, side, requires_grad=True)
    here = slice(at * network.scale, (at + 1) * network.scale)
    network(image)[..., here, here].sum().backward()
    assert image.grad is not None
    return int((image.grad[0].sum(0).nonzero() - at).abs().max())


@pytest.mark.parametrize("name", DENOISERS)
def test_margin_is_what_the_convolutions_see(name: str) -> None:
    network = _random(DENOISERS[name])
    for block in range(getattr(network, "blocks", 0)):
        network.set_submodule(f"b{block + 1}.ca", nn.Identity())
    fold, margin = network.multiple_of, network.margin
    middle = margin + -margin % fold
    side = 2 * middle + fold
    # The pixel at the end of a pooled cell sees farthest, on the other side.
    at = middle + fold - 1
    assert not _changed(network, side, at, margin)
    # Pooling passes on one pixel of a cell only.
    assert margin - 2 * fold < _reach(network, side, at) <= margin


@pytest.mark.parametrize("name", DENOISERS)
def test_network_runs_in_bfloat16_and_channels_last(name: str) -> None:
    network = _random(DENOISERS[name])
    image = _image(network)
    expected = _output(network, image)
    network.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        found = _output(network, image.contiguous(memory_format=torch.channels_last))
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize("name", VARIANTS)
def test_network_learns(name: str) -> None:
    network = _random(VARIANTS[name]).train()
    network(_image(network)).square().mean().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None for gradient in gradients)
    assert any(gradient.any() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("name", ["dncnn", "memnet", "n2v-unet", "vgg-discriminator"])
def test_old_file_without_counters_of_batches_is_known(name: str) -> None:
    state = {
        key: tensor
        for key, tensor in _random(VARIANTS[name]).state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    entry = recognise(state) or recognise(state, DISCRIMINATORS)
    assert entry is not None
    assert entry.name == name
    entry.load().from_state_dict(state)


@pytest.mark.parametrize("name", JUDGES)
def test_discriminator_restores_nothing(name: str) -> None:
    with pytest.raises(WeightsError, match="belong to no known network"):
        rebuild(JUDGES[name]().state_dict())


def test_alien_tensors_are_refused() -> None:
    with pytest.raises(WeightsError, match="the 1 tensors are no MemNet"):
        MemNet.from_state_dict({"odd": torch.zeros(1)})


def test_denoisers_start_as_those_of_w2s() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(64, 64, 3), nn.BatchNorm2d(4000))
    initialise(network)
    conv, norm = network
    assert conv.weight.std().item() == pytest.approx(sqrt(2 / (64 * 9)), rel=0.02)
    assert norm.weight.abs().max().item() == pytest.approx(0.025)
    assert norm.weight.mean().item() == pytest.approx(0, abs=0.002)
    # Of N(0, 0.0589) two thirds lie beyond the limits.
    cut = (norm.weight.abs() > 0.02499).float().mean().item()
    assert cut == pytest.approx(0.67, abs=0.03)
    assert not norm.bias.any()


@pytest.mark.parametrize("prefix", ["dncnn.", "dncnn.dncnn.", "model."])
@pytest.mark.parametrize("name", ["dncnn", "dncnn/fmd", "dncnn/kair"])
def test_dncnn_is_known_by_all_its_names(name: str, prefix: str) -> None:
    network = _random(DENOISERS[name])
    state = {
        prefix + key.removeprefix("dncnn."): tensor
        for key, tensor in network.state_dict().items()
    }
    again: Any = rebuild(state)
    image = _image(network)
    torch.testing.assert_close(_output(again.eval(), image), _output(network, image))


def test_dncnn_inside_another_network_is_not_dncnn() -> None:
    state = dict(DnCNN().state_dict())
    assert recognise(state | {"noisecnn.0.weight": torch.zeros(64, 1, 5, 5)}) is None
    assert recognise({f"body.{key}": state[key] for key in state}) is None


def test_dncnn_with_folded_norms_predicts_the_same() -> None:
    network = _random(partial(DnCNN, 1, 6, 5, True, (True, True, True)))
    folded = _random(partial(DnCNN, 1, 6, 5, False, (True, True, True)))
    layers, place = [*network.dncnn], 0
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        if not isinstance(layer, nn.Conv2d):
            continue
        weight, bias = layer.weight, layer.bias
        if isinstance(after, nn.BatchNorm2d):
            factor = after.weight / (after.running_var + after.eps).sqrt()
            weight = weight * factor[:, None, None, None]
            bias = (bias - after.running_mean) * factor + after.bias
        folded.dncnn[place].weight.data = weight.detach()
        folded.dncnn[place].bias.data = bias.detach()
        place += 2
    image = _image(network)
    torch.testing.assert_close(_output(folded, image), _output(network, image))


@pytest.mark.parametrize(("first", "epsilon"), [(False, 1e-5), (True, 1e-4)])
def test_dncnn_with_a_first_bias_adds_more_to_variances(
    first: bool, epsilon: float
) -> None:
    network = DnCNN(width=2, depth=4, bias=(first, False, False))
    found = [m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert found == [epsilon, epsilon]


def test_memnet_adds_its_input() -> None:
    network = _random(DENOISERS["memnet"])
    _silence(network.reconstructor)
    image = _image(network)
    assert torch.equal(_output(network, image), image)


def test_gates_of_memnet_see_all_that_came_before() -> None:
    network = _random(DENOISERS["memnet"])
    seen: list[int] = []
    for memory in network.dense_memory:
        memory.gate_unit.register_forward_hook(
            lambda _, inputs, __: seen.append(inputs[0].shape[1])
        )
    _output(network, _image(network))
    width, residuals = 4, 2
    assert seen == [(residuals + earlier + 1) * width for earlier in range(3)]


def _passing(kept: float, mean: float) -> MemNet:
    """Return a MemNet that adds `(kept - 1) * input` to its input, for inputs > 0."""
    network = MemNet(1, 1, 1, 1).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            module.eps = 0
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
    extract = network.feature_extractor
    extract.bn.running_mean.fill_(mean)
    extract.bn.running_var.fill_(0.01)
    nn.init.constant_(extract.bn.weight, 0.1)
    nn.init.constant_(extract.bn.bias, mean)
    centre = (0, 0, 1, 1)
    extract.conv.weight.data[centre] = 1
    network.dense_memory[0].gate_unit.conv.weight.data[0, 1] = 1
    network.reconstructor.conv.weight.data[centre] = kept - 1
    return network


@pytest.mark.parametrize(
    ("kept", "predicts"), [(1.0, "image"), (0.9, "image"), (0.1, "noise"), (0, "noise")]
)
def test_memnet_tells_noise_from_image(kept: float, predicts: str) -> None:
    network = _passing(kept, mean=1.0)
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(_output(network, image), kept * image)
    again = rebuild(network.state_dict())
    assert again.predicts == predicts
    assert isinstance(again, nn.Module)
    assert again.training


@pytest.mark.parametrize(
    ("mean", "variance", "units"),
    [
        (0.0, 1.0, "z"),
        (0.01, 1.14, "z"),
        (0.0, 1.5e-5, "z/255"),
        (1e-4, 1.7e-5, "z/255"),
        (0.2, 0.02, "unit"),
        (0.429, 0.065, "unit"),
        (0.1, 0.003, "unit"),
        (-0.3, 0.02, "centred"),
        (-0.07, 0.065, "centred"),
        (0.9, 0.2, None),
        (float("nan"), 1e-3, None),
    ],
)
def test_memnet_tells_its_units(mean: float, variance: float, units: str) -> None:
    network = MemNet(1, 2, 1, 1)
    network.feature_extractor.bn.running_mean.fill_(mean)
    network.feature_extractor.bn.running_var.fill_(variance)
    assert input_units(network.state_dict()) == units


@pytest.mark.parametrize("name", ["dncnn", "n2n-unet"])
def test_other_networks_tell_no_units(name: str) -> None:
    assert input_units(DENOISERS[name]().state_dict()) is None


def test_alien_tensors_tell_no_units() -> None:
    assert input_units({"odd": torch.zeros(1)}) is None


@pytest.mark.parametrize(
    ("channels", "colour"),
    [(1, (0.42997,)), (2, (0.42997, 0.42997)), (3, (0.4488, 0.4371, 0.4040))],
)
def test_ridnet_shifts_by_the_mean_colour(
    channels: int, colour: tuple[float, ...]
) -> None:
    network = RIDNet(channels, 2, 1, 1)
    _silence(network.tail)
    image = torch.rand(1, channels, 4, 4)
    shift = torch.tensor(colour)[:, None, None]
    close = partial(torch.testing.assert_close, rtol=0, atol=1e-5)
    close(_output(network, image), image + shift)
    close(_output(network.sub_mean, image), image - shift)


def test_ridnet_dilates_its_branches() -> None:
    merge = RIDNet(1, 2, 1, 1).b1.r1
    convs = [module for module in merge.modules() if isinstance(module, nn.Conv2d)]
    assert [conv.dilation[0] for conv in convs] == [1, 2, 3, 4, 1]


def test_ridnet_attends_to_means_over_the_image() -> None:
    network = _random(DENOISERS["ridnet"])
    image = torch.rand(1, 1, 160, 160)
    other = image.clone()
    other[..., :8] += 1
    assert network.whole
    change = (_output(network, other) - _output(network, image)).abs()
    assert change[..., -1].min() > 0


def test_n2n_unet_ends_without_a_rectifier() -> None:
    network = _random(DENOISERS["n2n-unet"])
    _silence(network.dec_conv1c)
    nn.init.constant_(network.dec_conv1c.bias, -2)
    assert _output(network, _image(network)).unique() == -2


def test_n2n_unet_shows_its_end_the_image() -> None:
    """The upsampled features come first, the image last."""
    network = _random(DENOISERS["n2n-unet"])
    _silence(network.dec_conv1a)
    network.dec_conv1a.weight.data[:, -1, 1, 1] = 1
    seen: list[Tensor] = []
    network.dec_conv1a.register_forward_hook(lambda _, __, out: seen.append(out + 0))
    image = _image(network)
    _output(network, image)
    torch.testing.assert_close(seen[0], image.expand_as(seen[0]))


def test_shared_unet_uses_its_blocks_again() -> None:
    network = _random(DENOISERS["n2n-unet-shared"])
    calls = []
    for block in (network._block2, network._block5):
        block.register_forward_hook(lambda module, _, __: calls.append(module))
    _output(network, _image(network))
    assert calls == [network._block2] * 4 + [network._block5] * 3


def test_shared_unet_ends_with_a_leaky_rectifier() -> None:
    network = _random(DENOISERS["n2n-unet-shared"])
    _silence(network._block6[4])
    nn.init.constant_(network._block6[4].bias, -2)
    assert _output(network, _image(network)).unique() == pytest.approx(-0.2)


def test_norms_of_n2v_are_those_of_keras() -> None:
    norms = [m for m in N2VUNet(1, 2).modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 10
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


def test_n2v_unet_has_the_widths_of_csbdeep() -> None:
    with torch.device("meta"):
        network = N2VUNet()
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    widths = [(conv.in_channels, conv.out_channels) for conv in convs]
    down = [(1, 32), (32, 32), (32, 64), (64, 64)]
    middle = [(64, 128), (128, 64)]
    fine, coarse = [(64, 32), (32, 32)], [(128, 64), (64, 32)]
    assert widths == [*down, *middle, *fine, *coarse, (32, 1)]
    assert {conv.kernel_size for conv in convs[:-1]} == {(5, 5)}


@pytest.mark.parametrize(
    ("name", "after"), [("noise2sr", 0.0), ("noise2sr/hrem", -0.1)]
)
def test_head_of_noise2sr_rectifies_as_published(name: str, after: float) -> None:
    network = _random(DENOISERS[name])
    assert _output(network.decoder[1], torch.tensor(-1.0)) == pytest.approx(after)


def test_paper_of_noise2sr_is_built_to_its_words() -> None:
    with torch.device("meta"):
        network = Noise2SRPaper()
    layers = [module for module in network.decoder if [*module.parameters()]]
    assert [type(layer) for layer in layers] == [
        nn.ConvTranspose2d,
        nn.Conv2d,
        nn.Conv2d,
    ]
    assert [layer.out_channels for layer in layers] == [256, 256, 1]
    assert [layer.kernel_size for layer in layers[1:]] == [(1, 1), (1, 1)]
    assert network.encoder.get_submodule("dec_conv1c").out_channels == 256


def test_vgg_discriminator_scores_images() -> None:
    network = _random(JUDGES["vgg-discriminator/rgb"])
    assert _output(network, _image(network)).shape == (2, 1)
    strides = [m.stride[0] for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert strides == [1, 2] * 5


def test_unet_discriminator_scores_pixels() -> None:
    network = _random(JUDGES["unet-discriminator/rgb"])
    assert _output(network, _image(network)).shape == (2, 1, 16, 24)


def test_weights_of_unet_discriminator_stretch_nothing() -> None:
    network = UNetDiscriminator(1, 4)
    for _ in range(60):
        _output(network, torch.rand(1, 1, 8, 8))
    for number in range(1, 9):
        weight = network.get_submodule(f"conv{number}").weight
        largest = torch.linalg.matrix_norm(weight.flatten(1), 2).item()
        assert largest == pytest.approx(1, abs=0.02)


def test_skips_of_unet_discriminator_add() -> None:
    network = _random(JUDGES["unet-discriminator"])
    for number in (4, 5, 6):
        layer = network.get_submodule(f"conv{number}")
        layer.register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    image = _image(network)
    with torch.inference_mode():
        here = nn.functional.leaky_relu(network.conv0(image), 0.2)
        for layer in (network.conv7, network.conv8):
            here = nn.functional.leaky_relu(layer(here), 0.2)
        torch.testing.assert_close(network(image), network.conv9(here))
