"""Super-resolution from residual blocks: EDSR, the generator of EPSR, and RCAN.

EDSR: Lim et al., CVPRW 2017; EPSR: Vasu et al., ECCVW 2018; RCAN: Zhang et al., ECCV
2018. The source of the EPSR in the W2S paper is not public, so that its size and its
weight of the residuals are not known: what stands here is EDSR as its authors
published it.
"""

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from w2s_cli.networks.parts import (
    Residual,
    Tail,
    channel_weights,
    tail_reach,
    upsampling_scale,
)
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count


class _Residuals(ImageNetwork):
    """A convolution, residuals around blocks and another one, and a tail."""

    def __init__(
        self, blocks: Iterable[nn.Module], width: int, channels: int, scale: int
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        self.head = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1))
        self.body = nn.Sequential(*blocks, nn.Conv2d(width, width, 3, padding=1))
        self.tail = Tail(width, channels, scale)

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        features: Tensor = self.head(image)
        enlarged: Tensor = self.tail(features + self.body(features))
        return enlarged


class _ChannelAttention(nn.Module):
    """Weigh each channel by what the means of all channels say (equations 5 to 8)."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.conv_du = channel_weights(width, squeezed)

    def forward(self, features: Tensor) -> Tensor:
        weights: Tensor = self.conv_du(features.mean((2, 3), keepdim=True))
        return features * weights


def _block(width: int, weight: float = 1.0, squeezed: int = 0) -> Residual:
    """Return two convolutions, with attention through so many channels if any."""
    layers: list[nn.Module] = [
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
    ]
    if squeezed:
        layers.append(_ChannelAttention(width, squeezed))
    return Residual(*layers, weight=weight)


class EPSR(_Residuals):
    """Draw the enlarged image from plain residual blocks.

    Parameters
    ----------
    width
        Channels of the features. From 256 on, residuals weigh 0.1, else 1: no
        tensor tells, but EDSR's authors trained the wide network so.
    blocks
        Residual blocks.
    channels
        Channels of the image.
    scale
        Pixels of the output along a pixel of the input.
    """

    def __init__(
        self, width: int = 256, blocks: int = 32, channels: int = 1, scale: int = 2
    ) -> None:
        weight = 0.1 if width >= 256 else 1.0
        made = (_block(width, weight) for _ in range(blocks))
        super().__init__(made, width, channels, scale)
        # Two convolutions a block, one at either end of the body.
        self.margin = 2 * blocks + 2 + tail_reach(scale)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "head.0.weight")
        blocks = count(state, "body.", ".body.0.weight")
        if not head or not blocks:
            return None
        return {
            "width": head[0],
            "blocks": blocks,
            "channels": head[1],
            "scale": upsampling_scale(state, "tail.0."),
        }


class RCAN(_Residuals):
    """Draw the enlarged image from groups of blocks with channel attention.

    Parameters
    ----------
    width
        Channels of the features.
    groups
        Residual groups.
    blocks
        Residual blocks a group.
    squeezed
        Channels inside the attention: `width` over the reduction of the paper.
    channels
        Channels of the image.
    scale
        Pixels of the output along a pixel of the input.
    """

    whole = True

    def __init__(
        self,
        width: int = 64,
        groups: int = 10,
        blocks: int = 20,
        squeezed: int = 4,
        channels: int = 1,
        scale: int = 2,
    ) -> None:
        def group() -> Residual:
            made = [_block(width, squeezed=squeezed) for _ in range(blocks)]
            return Residual(*made, nn.Conv2d(width, width, 3, padding=1))

        super().__init__((group() for _ in range(groups)), width, channels, scale)
        # Two convolutions a block, one a group, one at either end of the body.
        self.margin = groups * (2 * blocks + 1) + 2 + tail_reach(scale)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "head.0.weight")
        attention = conv_shape(state, "body.0.body.0.body.3.conv_du.0.weight")
        groups = count(state, "body.", ".body.0.body.0.weight")
        blocks = count(state, "body.0.body.", ".body.0.weight")
        if not head or not attention or groups * blocks > len(state):
            return None
        return {
            "width": head[0],
            "groups": groups,
            "blocks": blocks,
            "squeezed": attention[0],
            "channels": head[1],
            "scale": upsampling_scale(state, "tail.0."),
        }
