"""The U-Nets of Noise2Noise, Noise2Void and Noise2SR."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from w2s_cli.networks.n2n_unet import N2NUNet, Noise2SRPaper, SharedUNet
from w2s_cli.networks.n2v_unet import N2VUNet

Random = Callable[..., Any]


def _draw_only(bias: float, last: Any) -> None:
    """Let a last convolution give the same number everywhere."""
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, bias)


def test_n2n_unet_ends_without_a_rectifier(random_network: Random) -> None:
    network = random_network(N2NUNet, 1, 1, 4, 2, (6, 3))
    _draw_only(-2, network.dec_conv1c)
    assert network(torch.rand(1, 1, 16, 20)).unique() == -2


def test_n2n_unet_shows_its_end_the_image(random_network: Random) -> None:
    """The upsampled features come first, the image last."""
    network = random_network(N2NUNet, 1, 1, 4, 2, (6, 3))
    _draw_only(0, network.dec_conv1a)
    network.dec_conv1a.weight[:, -1, 1, 1] = 1
    seen: list[Tensor] = []
    network.dec_conv1a.register_forward_hook(lambda _, __, out: seen.append(out + 0))
    image = torch.rand(1, 1, 16, 20)
    network(image)
    torch.testing.assert_close(seen[0], image.expand_as(seen[0]))


def test_shared_unet_uses_its_blocks_again(random_network: Random) -> None:
    network = random_network(SharedUNet, 1, 1, 4, (6, 5))
    calls: list[nn.Module] = []
    for block in (network._block2, network._block5):
        block.register_forward_hook(lambda module, _, __: calls.append(module))
    network(torch.rand(1, 1, 32, 64))
    assert calls == [network._block2] * 4 + [network._block5] * 3


def test_shared_unet_ends_with_a_leaky_rectifier(random_network: Random) -> None:
    network = random_network(SharedUNet, 1, 1, 4, (6, 5))
    _draw_only(-2, network._block6[4])
    found = network(torch.rand(1, 1, 32, 64)).unique()
    assert found == pytest.approx(-0.2)


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
    ("variant", "after"), [("noise2sr", 0.0), ("noise2sr/hrem", -0.1)]
)
def test_head_of_noise2sr_rectifies_as_published(network: Any, after: float) -> None:
    assert network.decoder[1](torch.tensor(-1.0)) == pytest.approx(after)


def test_paper_of_noise2sr_is_built_to_its_words() -> None:
    with torch.device("meta"):
        network: Any = Noise2SRPaper()
    layers = [module for module in network.decoder if [*module.parameters()]]
    assert [type(layer) for layer in layers] == [
        nn.ConvTranspose2d,
        nn.Conv2d,
        nn.Conv2d,
    ]
    assert [layer.out_channels for layer in layers] == [256, 256, 1]
    assert [layer.kernel_size for layer in layers[1:]] == [(1, 1), (1, 1)]
    assert network.encoder.get_submodule("dec_conv1c").out_channels == 256
