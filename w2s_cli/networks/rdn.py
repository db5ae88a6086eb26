"""Residual dense network (Zhang et al., CVPR 2018), with the names of yjn870's code."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import (
    last_layer_float32,
    tail_reach,
    upsampling,
    upsampling_scale,
)
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count


class _Layer(nn.Module):
    """Append what a convolution makes of all features so far."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        new = functional.relu(self.conv(features), inplace=True)
        return torch.cat([features, new], 1)


class _Block(nn.Module):
    """Dense layers, and the 1x1 convolution that fuses them (equations 6 and 7)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        made = (_Layer((known + 1) * width, width) for known in range(layers))
        self.layers = nn.Sequential(*made)
        self.lff = nn.Conv2d((layers + 1) * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        fused: Tensor = self.lff(self.layers(features))
        return features + fused


class RDN(ImageNetwork):
    """Draw the enlarged image from the fused features of dense blocks.

    Parameters
    ----------
    width
        Channels of the features and of each layer: the paper's G0 and G, which must
        be equal for the residuals to add up.
    blocks
        Residual dense blocks, the paper's D.
    layers
        Convolutions a block, the paper's C.
    channels
        Channels of the image.
    scale
        Pixels of the output along a pixel of the input.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 16,
        layers: int = 8,
        channels: int = 1,
        scale: int = 2,
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        # Two convolutions before the blocks, one after them.
        self.margin = blocks * layers + 3 + tail_reach(scale)
        self.sfe1 = nn.Conv2d(channels, width, 3, padding=1)
        self.sfe2 = nn.Conv2d(width, width, 3, padding=1)
        self.rdbs = nn.ModuleList(_Block(width, layers) for _ in range(blocks))
        self.gff = nn.Sequential(
            nn.Conv2d(blocks * width, width, 1), nn.Conv2d(width, width, 3, padding=1)
        )
        self.upscale = upsampling(width, scale)
        self.output = nn.Conv2d(width, channels, 3, padding=1)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "sfe1.weight")
        blocks = count(state, "rdbs.", ".lff.weight")
        layers = count(state, "rdbs.0.layers.", ".conv.weight")
        if not head or not blocks or blocks * layers > len(state):
            return None
        return {
            "width": head[0],
            "blocks": blocks,
            "layers": layers,
            "channels": head[1],
            "scale": upsampling_scale(state, "upscale."),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        shallow: Tensor = self.sfe1(image)
        features = self.sfe2(shallow)
        made = []
        for block in self.rdbs:
            features = block(features)
            made.append(features)
        fused: Tensor = self.gff(torch.cat(made, 1))
        return last_layer_float32(self.output, self.upscale(shallow + fused))
