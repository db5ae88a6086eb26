"""What the published super-resolution networks are made of."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from w2s_cli.networks.edsr import EPSR
from w2s_cli.networks.esrgan import RealESRGAN, ShuffledESRGAN
from w2s_cli.networks.parts import upsampling
from w2s_cli.networks.srfbn import SRFBN, STEPS

Random = Callable[..., Any]


def test_shuffle_puts_channels_row_by_row() -> None:
    fine = upsampling(1, 2)[1](torch.arange(4.0).reshape(1, 4, 1, 1))
    assert torch.equal(fine[0, 0], torch.tensor([[0.0, 1.0], [2.0, 3.0]]))


@pytest.mark.parametrize(
    ("variant", "head", "silent", "tail"),
    [
        ("rcan", "head", "body", ["tail"]),
        ("epsr", "head", "body", ["tail"]),
        ("rdn", "sfe1", "gff", ["upscale", "output"]),
        ("rrdb", "conv_first", "trunk_conv", ["tail"]),
    ],
)
def test_long_skip_leads_around_a_silent_body(
    network: Any, head: str, silent: str, tail: list[str]
) -> None:
    for parameter in network.get_submodule(silent).parameters():
        nn.init.zeros_(parameter)
    image = torch.rand(1, 1, 12, 16)
    expected = image
    for name in (head, *tail):
        expected = network.get_submodule(name)(expected)
    torch.testing.assert_close(network(image), expected)


def test_wide_epsr_weighs_its_residuals_by_a_tenth() -> None:
    with torch.device("meta"):
        weights = [EPSR(width, 1).body[0].weight for width in (64, 255, 256)]
    assert weights == [1.0, 1.0, 0.1]


def test_real_esrgan_at_x2_is_the_x4_network_on_the_folded_image(
    random_network: Random,
) -> None:
    network = random_network(RealESRGAN, 2, 6, 3, 1)
    inside = random_network(RealESRGAN, 2, 6, 3, 4, 4)
    inside.conv_last = network.conv_last
    shared = {
        key: tensor
        for key, tensor in network.state_dict().items()
        if not key.startswith("conv_last")
    }
    inside.load_state_dict(shared, strict=False)
    image = torch.rand(1, 1, 12, 16)
    # Row by row, the four pixels of a 2 x 2 cell become channels.
    folded = torch.cat([image[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
    torch.testing.assert_close(network(image), inside(folded))


def test_dense_block_adds_a_fifth_of_its_last_convolution(
    random_network: Random,
) -> None:
    block = random_network(ShuffledESRGAN, 2, 6, 3).RRDB_trunk[0]
    for number in (1, 2, 3):
        last = block.get_submodule(f"RDB{number}.conv5")
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, 5.0)
    features = torch.rand(1, 6, 4, 4)
    # Each dense block adds 0.2 * 5.
    torch.testing.assert_close(block(features), features + 0.2 * (features + 3))


def test_unused_layers_of_w2s_change_nothing(random_network: Random) -> None:
    network = random_network(ShuffledESRGAN, 2, 6, 3)
    image = torch.rand(1, 1, 12, 16)
    before = network(image)
    for name, parameter in network.named_parameters():
        if name.startswith(("upconv", "HRconv", "conv_last")):
            nn.init.constant_(parameter, float("nan"))
    assert torch.equal(network(image), before)


def test_srfbn_feeds_back_four_times_and_draws_the_last(random_network: Random) -> None:
    network = random_network(SRFBN, 4, 2)
    calls: list[tuple[Tensor, Tensor, Tensor]] = []
    network.block.register_forward_hook(
        lambda _, inputs, output: calls.append((*inputs, output))
    )
    image = torch.rand(1, 1, 12, 16)
    output = network(image)
    assert len(calls) == STEPS == 4
    assert torch.equal(calls[0][0], calls[0][1])
    for before, after in pairwise(calls):
        assert torch.equal(after[1], before[2])
        assert torch.equal(after[0], calls[0][0])
    drawn = network.conv_out(network.out(calls[-1][2]))
    smooth = interpolate(image, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(output, smooth + drawn)


def test_srfbn_without_a_last_convolution_is_bilinear(random_network: Random) -> None:
    network = random_network(SRFBN, 4, 2)
    for parameter in network.conv_out.parameters():
        nn.init.zeros_(parameter)
    image = torch.rand(1, 1, 12, 16)
    smooth = interpolate(image, scale_factor=2, mode="bilinear")
    assert torch.equal(network(image), smooth)
