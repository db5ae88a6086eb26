"""How far the networks see: their margins, which tiles overlap by."""

from typing import Any

import torch
from torch import nn


def _without_attention(network: Any) -> Any:
    """Return the network without the layers that look at the whole image."""
    for name, module in [*network.named_modules()]:
        if name == "non_local" or name.endswith(".ca") or hasattr(module, "conv_du"):
            network.set_submodule(name, nn.Identity())
    return network


def _changed(network: Any, side: int, at: int, reach: int) -> bool:
    """Return whether output pixel `at` sees anything farther away than `reach`."""
    images = torch.rand(2, network.channels, side, side)
    near = slice(at - reach, at + reach + 1)
    images[1, :, near, near] = images[0, :, near, near]
    here = slice(at * network.scale, (at + 1) * network.scale)
    before, after = network(images)[..., here, here]
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


def test_margin_is_what_the_convolutions_see(restorer: Any) -> None:
    network = _without_attention(restorer)
    fold, margin = network.multiple_of, network.margin
    middle = margin + -margin % fold + fold  # so that there is more to be seen
    side = 2 * middle + fold
    # The pixel at the end of a pooled cell sees farthest, on the other side.
    at = middle + fold - 1
    assert not _changed(network, side, at, margin)
    # Pooling passes on one pixel of a cell only.
    assert margin - 2 * fold < _reach(network, side, at) <= margin
