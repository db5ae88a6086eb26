"""The generator of ESRGAN (Wang et al., ECCVW 2018), and the one of W2S."""

from typing import Any

from torch import Tensor, nn

from w2s_cli.networks.parts import Tail, enlargement, tail_reach
from w2s_cli.networks.rebuild import Predicts, State
from w2s_cli.networks.rrdb import REACH, RRDB, drawn_larger, larger_reach
from w2s_cli.networks.shapes import Shaped, conv_shape, count


class ESRGAN(Shaped):
    """Draw the enlarged image from RRDB features, doubled by repeating pixels.

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
    doublings
        Convolutions named `upconv`; each doubles the size.
    """

    multiple_of = 1
    whole = False
    predicts: Predicts = "image"

    def __init__(
        self,
        blocks: int = 23,
        width: int = 64,
        growth: int = 32,
        channels: int = 3,
        doublings: int = 2,
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, 2**doublings
        # One convolution at either end of the blocks.
        self.margin = 2 + REACH * blocks + larger_reach(doublings)
        self.conv_first = nn.Conv2d(channels, width, 3, padding=1)
        made = (RRDB(width, growth, "RDB") for _ in range(blocks))
        self.RRDB_trunk = nn.Sequential(*made)
        self.trunk_conv = nn.Conv2d(width, width, 3, padding=1)
        self._doubling = [f"upconv{number + 1}" for number in range(doublings)]
        for name in self._doubling:
            self.add_module(name, nn.Conv2d(width, width, 3, padding=1))
        self.HRconv = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, channels, 3, padding=1)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "conv_first.weight")
        dense = conv_shape(state, "RRDB_trunk.0.RDB1.conv1.weight")
        if not head or not dense:
            return None
        return {
            "blocks": count(state, "RRDB_trunk.", ".RDB1.conv1.weight"),
            "width": head[0],
            "growth": dense[0],
            "channels": head[1],
            "doublings": count(state, "upconv", ".weight"),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        doubling = map(self.get_submodule, self._doubling)
        return drawn_larger(
            self._features(image), doubling, self.HRconv, self.conv_last
        )

    def _features(self, image: Tensor) -> Tensor:
        features: Tensor = self.conv_first(image)
        deep: Tensor = self.trunk_conv(self.RRDB_trunk(features))
        return features + deep


class ShuffledESRGAN(ESRGAN):
    """W2S's ESRGAN and its own network: the same features before a sub-pixel tail.

    The layers behind the features of `ESRGAN` are in the authors' checkpoints, but
    nothing uses them.

    Parameters
    ----------
    scale
        Pixels of the output along a pixel of the input; the others as in `ESRGAN`.
    """

    def __init__(
        self,
        blocks: int = 16,
        width: int = 64,
        growth: int = 32,
        channels: int = 1,
        doublings: int = 4,
        scale: int = 2,
    ) -> None:
        super().__init__(blocks, width, growth, channels, doublings)
        self.scale = scale
        self.margin = 2 + REACH * blocks + tail_reach(scale)
        self.tail = Tail(width, channels, scale)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        known = super().options(state)
        return known and {**known, "scale": enlargement(state, "tail.0.")}

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        enlarged: Tensor = self.tail(self._features(image))
        return enlarged
