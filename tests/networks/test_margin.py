"""How far the networks see: their margins, which tiles overlap by."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


def _without_attention(network: Any) -> Any:
    """Return the network without the layers that look at the whole image."""
    for name, module in [*network.named_modules()]:
        if name == "non_local" or name.endswith(".ca") or hasattr(module, "conv_du"):
            network.set_submodule(name, nn.Identity())
    return network


def _strips(network: Any, side: int, at: int) -> Iterator[tuple[Tensor, slice, int]]:
    """Yield a strip along Y, and one along X: two images, the output `at`, the axis.

    A network sees as far along a strip as in a square, which takes far longer.
    """
    width = max(network.multiple_of, 8)
    here = slice(at * network.scale, (at + 1) * network.scale)
    yield torch.rand(2, network.channels, side, width), here, 2
    yield torch.rand(2, network.channels, width, side), here, 3


def _changed(network: Any, side: int, at: int, reach: int) -> bool:
    """Return whether output pixel `at` sees anything farther away than `reach`."""
    found = []
    for images, here, axis in _strips(network, side, at):
        near = images.narrow(axis, at - reach, 2 * reach + 1)
        near[1] = near[0]
        before, after = network(images).narrow(axis, here.start, network.scale)
        found.append(not torch.allclose(before, after, atol=1e-6))
    return any(found)


def _reach(network: Any, side: int, at: int) -> int:
    """Return how far the pixels that output pixel `at` grows with are."""
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)  # so that no rectifier hides anything
    reached = []
    for images, here, axis in _strips(network, side, at):
        # brighter with the distance, so that poolings pass on the farthest pixels
        far = (torch.arange(side) - at).abs() / side
        image = torch.zeros_like(images[:1])
        image += far[:, None] if axis == 2 else far
        image.requires_grad_()
        network(image).narrow(axis, here.start, network.scale).sum().backward()
        assert image.grad is not None
        seen = image.grad[0].sum(0).movedim(axis - 2, 0).sum(1)
        reached.append(int((seen.nonzero() - at).abs().max()))
    return max(reached)


def test_margin_is_what_the_convolutions_see(restorer: Any) -> None:
    network = _without_attention(restorer)
    fold, margin = network.multiple_of, network.margin
    middle = margin + -margin % fold + fold  # so that there is more to be seen
    side = 2 * middle + fold
    # The pixel at the end of a pooled cell sees farthest, on the other side.
    at = middle + fold - 1
    assert not _changed(network, side, at, margin)
    assert margin - 2 * fold < _reach(network, side, at) <= margin
