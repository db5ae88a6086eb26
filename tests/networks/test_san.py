"""SAN: attention by second-order statistics, and within quarters of the plane."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import max_pool2d

from w2s_cli.errors import InputError
from w2s_cli.networks.san import SAN, _matrix_root


@pytest.fixture
def san(random_network: Callable[..., Any]) -> Any:
    """Return two groups of two blocks."""
    return random_network(SAN, 16, 2, 2, 2)


def test_unused_layers_of_san_change_nothing(san: Any) -> None:
    image = torch.rand(1, 1, 12, 16)
    before, unused = san(image), 0
    for name, parameter in san.named_parameters():
        if name.startswith(("conv_last", "non_local.soca")) or name.endswith(".gamma"):
            nn.init.constant_(parameter, float("nan"))
            unused += parameter.numel()
    assert torch.equal(san(image), before)
    assert unused == 16 * (16 * 9 + 1) + (2 * 16 + 2) + (16 * 2 + 16) + 2


def test_untrained_san_is_its_groups_in_a_row() -> None:
    """`gamma` and the last convolution of the non-local attention start at 0."""
    torch.manual_seed(0)
    network = SAN(16, 2, 2, 2).eval()
    image = torch.rand(1, 1, 12, 16)
    shallow = network.head(image)
    features = shallow
    for group in network.RG:
        features = group(features)
    torch.testing.assert_close(network(image), network.tail(shallow + features))


def test_gamma_of_san_shares_the_source(san: Any) -> None:
    for silent in (san.non_local.non_local.W, *(group.conv_last for group in san.RG)):
        nn.init.zeros_(silent.weight)
        nn.init.zeros_(silent.bias)
    nn.init.constant_(san.gamma, 0.5)
    image = torch.rand(1, 1, 12, 16)
    # Two groups that pass on what they get: 1 + 0.5 + 0.5, and the long skip.
    torch.testing.assert_close(san(image), san.tail(3 * san.head(image)))


@pytest.mark.parametrize("shape", [(8, 8), (9, 11)])
def test_attention_of_san_stays_in_its_quadrant(
    san: Any, shape: tuple[int, int]
) -> None:
    features = torch.rand(1, 16, *shape)
    other = features.clone()
    other[..., 0, 0] += 1
    changed = (san.non_local(other) - san.non_local(features)).abs().sum(1)[0] > 0
    middle, centre = shape[0] // 2, shape[1] // 2
    assert changed[:middle, :centre].all()
    assert not changed[middle:].any()
    assert not changed[:, centre:].any()


def test_attention_of_san_is_a_softmax_over_a_pooled_grid(san: Any) -> None:
    attention = san.non_local.non_local
    features = torch.rand(1, 16, 4, 6)
    query = attention.theta(features)[0].flatten(1)
    key, value = (
        max_pool2d(part[0](features), 2)[0].flatten(1)
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


def test_second_order_attention_looks_at_the_central_thousand_pixels(san: Any) -> None:
    attention = san.RG[0].soca
    for parameter in attention.parameters():
        nn.init.constant_(parameter, 0.1)
    features = torch.rand(1, 16, 8, 1020)
    other = features.clone()
    other[..., :10] += 5
    other[..., -10:] += 5
    same = (attention(other) - attention(features))[..., 10:-10]
    assert not same.any()
    other[..., 10] += 5
    assert (attention(other) - attention(features))[..., 11:-10].any()


def test_san_refuses_an_image_too_small_to_quarter(san: Any) -> None:
    with pytest.raises(InputError, match="at least 4 x 4 pixels, found 3 x 9"):
        san(torch.rand(1, 1, 3, 9))
