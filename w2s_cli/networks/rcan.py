"""Residual channel attention network (Zhang et al., ECCV 2018)."""

from typing import Any

from torch import Tensor, nn

from w2s_cli.networks.parts import Residual, Tail, tail_reach, upsampling_scale
from w2s_cli.networks.rebuild import Predicts, Shaped, State, conv_shape, count


class _ChannelAttention(nn.Module):
    """Weigh each channel by what the means of all channels say (equations 5 to 8)."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(
            nn.Conv2d(width, squeezed, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        weights: Tensor = self.conv_du(features.mean((2, 3), keepdim=True))
        return features * weights


class RCAN(Shaped):
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

    multiple_of = 1
    whole = True
    predicts: Predicts = "image"

    def __init__(
        self,
        width: int = 64,
        groups: int = 10,
        blocks: int = 20,
        squeezed: int = 4,
        channels: int = 1,
        scale: int = 2,
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        # Two convolutions a block, one a group, one at either end of the body.
        self.margin = groups * (2 * blocks + 1) + 2 + tail_reach(scale)
        made = (_group(width, blocks, squeezed) for _ in range(groups))
        self.head = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1))
        self.body = nn.Sequential(*made, nn.Conv2d(width, width, 3, padding=1))
        self.tail = Tail(width, channels, scale)

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

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        features: Tensor = self.head(image)
        enlarged: Tensor = self.tail(features + self.body(features))
        return enlarged


def _group(width: int, blocks: int, squeezed: int) -> Residual:
    made = (_block(width, squeezed) for _ in range(blocks))
    return Residual(*made, nn.Conv2d(width, width, 3, padding=1))


def _block(width: int, squeezed: int) -> Residual:
    return Residual(
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        _ChannelAttention(width, squeezed),
    )
