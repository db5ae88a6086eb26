"""The generator of Real-ESRGAN (Wang et al., ICCVW 2021), with the names of basicsr."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.esrgan import REACH, RRDB, upsample_and_draw, upsampling_reach
from w2s_cli.networks.rebuild import Predicts, Shaped, State, conv_shape, count

_ENLARGED = 4  # by the network inside, whatever the folding before it


class RealESRGAN(Shaped):
    """Fold the image 4 / `scale` times, then enlarge it four times with RRDB features.

    Parameters
    ----------
    blocks
        Residual-in-residual dense blocks.
    width
        Channels of the features.
    growth
        Channels that each convolution of a dense block adds.
    channels
        Channels of the image.
    scale
        1, 2 or 4: pixels of the output along a pixel of the input.
    """

    whole = False
    predicts: Predicts = "image"

    def __init__(
        self,
        blocks: int = 23,
        width: int = 64,
        growth: int = 32,
        channels: int = 3,
        scale: int = 2,
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        self.multiple_of = fold = _ENLARGED // scale
        # Convolutions count on the folded grid, where a pixel stands for `fold`.
        reach = 2 + REACH * blocks + upsampling_reach(2)
        self.margin = fold * reach + fold - 1
        self.conv_first = nn.Conv2d(fold**2 * channels, width, 3, padding=1)
        made = (RRDB(width, growth, "rdb") for _ in range(blocks))
        self.body = nn.Sequential(*made)
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, channels, 3, padding=1)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "conv_first.weight")
        dense = conv_shape(state, "body.0.rdb1.conv1.weight")
        last = conv_shape(state, "conv_last.weight")
        if not head or not dense or not last:
            return None
        return {
            "blocks": count(state, "body.", ".rdb1.conv1.weight"),
            "width": head[0],
            "growth": dense[0],
            "channels": last[0],
            "scale": {4: 2, 16: 1}.get(head[1] // last[0], 4),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        folded = functional.pixel_unshuffle(image, self.multiple_of)
        features: Tensor = self.conv_first(folded)
        features = features + self.conv_body(self.body(features))
        doubling = (self.conv_up1, self.conv_up2)
        return upsample_and_draw(features, doubling, self.conv_hr, self.conv_last)
