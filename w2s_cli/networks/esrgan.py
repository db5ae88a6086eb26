"""The generators of ESRGAN (Wang et al., ECCVW 2018), of W2S, and of Real-ESRGAN."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import (
    Tail,
    last_layer_float32,
    tail_reach,
    upsampling_scale,
)
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count

REACH = 15  # convolutions in a row of one RRDB: three dense blocks of five
_WEIGHT = 0.2  # of every residual


class DenseBlock(nn.Module):
    """Five convolutions, each of all features before it; the last is a residual."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(width + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(width + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(width + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(width + 4 * growth, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        known = features
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            known = torch.cat([known, leaky_relu(layer(known))], 1)
        return torch.add(features, self.conv5(known), alpha=_WEIGHT)


class RRDB(nn.Sequential):
    """Three dense blocks, whose keys are `name` and a number; together a residual."""

    def __init__(self, width: int, growth: int, name: str) -> None:
        super().__init__()
        for number in (1, 2, 3):
            self.add_module(f"{name}{number}", DenseBlock(width, growth))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        inner = features
        for dense in self:
            inner = dense(inner)
        return torch.add(features, inner, alpha=_WEIGHT)


def leaky_relu(features: Tensor) -> Tensor:
    """Rectify in place, with a slope of 0.2."""
    return functional.leaky_relu(features, 0.2, inplace=True)


def upsample_and_draw(
    features: Tensor, doubling: Iterable[nn.Module], fine: nn.Module, last: nn.Module
) -> Tensor:
    """Repeat pixels and convolve, once for each of `doubling`; then draw the image."""
    for convolution in doubling:
        repeated = functional.interpolate(features, scale_factor=2, mode="nearest")
        features = leaky_relu(convolution(repeated))
    return last_layer_float32(last, leaky_relu(fine(features)))


def upsampling_reach(doublings: int) -> int:
    """Return how many input pixels to either side `upsample_and_draw` sees.

    Counted from the output: each convolution adds 1, each repetition halves, rounded
    up.
    """
    reach = 2
    for _ in range(doublings):
        reach = -(-(reach + 1) // 2)
    return reach


class ESRGAN(ImageNetwork):
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
        self.margin = 2 + REACH * blocks + upsampling_reach(doublings)
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
        return upsample_and_draw(
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
        return known and {**known, "scale": upsampling_scale(state, "tail.0.")}

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        enlarged: Tensor = self.tail(self._features(image))
        return enlarged


_ENLARGED = 4  # by the network inside, whatever the folding before it


class RealESRGAN(ImageNetwork):
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
