"""The EDSR generator (Lim et al., CVPRW 2017) of EPSR (Vasu et al., ECCVW 2018).

The source of the one in the W2S paper is not public, so that its size and its weight
of the residuals are not known: what stands here is EDSR as its authors published it.
"""

from typing import Any

from torch import Tensor, nn

from w2s_cli.networks.parts import Residual, Tail, tail_reach, upsampling_scale
from w2s_cli.networks.rebuild import Predicts, Shaped, State, conv_shape, count


class EPSR(Shaped):
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

    multiple_of = 1
    whole = False
    predicts: Predicts = "image"

    def __init__(
        self, width: int = 256, blocks: int = 32, channels: int = 1, scale: int = 2
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        # Two convolutions a block, one at either end of the body.
        self.margin = 2 * blocks + 2 + tail_reach(scale)
        made = (_block(width) for _ in range(blocks))
        self.head = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1))
        self.body = nn.Sequential(*made, nn.Conv2d(width, width, 3, padding=1))
        self.tail = Tail(width, channels, scale)

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

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        features: Tensor = self.head(image)
        enlarged: Tensor = self.tail(features + self.body(features))
        return enlarged


def _block(width: int) -> Residual:
    return Residual(
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        weight=0.1 if width >= 256 else 1.0,
    )
