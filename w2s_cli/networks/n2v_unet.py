"""The U-Net of Noise2Void, which is CSBDeep's."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import last_layer_float32
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count


class _Conv(nn.Module):
    """A convolution with a bias, a batch norm where there is one, and a ReLU."""

    def __init__(self, taken: int, given: int, side: int, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(taken, given, side, padding=side // 2)
        # Keras' defaults, whose momentum counts the other way round.
        self.norm = nn.BatchNorm2d(given, eps=1e-3, momentum=0.01) if norm else None

    def forward(self, features: Tensor) -> Tensor:
        features = self.conv(features)
        if self.norm is not None:
            features = self.norm(features)
        return functional.relu(features, inplace=True)


class N2VUNet(ImageNetwork):
    """Predict the clean image.

    Krull et al., "Noise2Void", CVPR 2019, section 4.1, with the defaults of n2v's code.
    Its Keras layers "down_level_1_no_0", "middle_2" (the second) and "up_level_0_no_2"
    (the second) are "down.1.0", "middle.1" and "up.0.1" here; the last one is "final".

    Parameters
    ----------
    channels
        Of the input and of the output.
    width
        Channels of the finest level; each coarser one has twice as many.
    levels
        Poolings, 1 or more.
    convs
        Convolutions a level, on the way down and again on the way up.
    side
        Of the convolutions' kernels, odd.
    norm
        Whether a batch norm follows each convolution but the last.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 32,
        levels: int = 2,
        convs: int = 2,
        side: int = 5,
        norm: bool = True,
    ) -> None:
        super().__init__()
        self.channels = channels

        def block(taken: int, inner: int, given: int) -> nn.Sequential:
            widths = [taken, *(convs - 1) * [inner], given]
            convs_between = (_Conv(*pair, side, norm) for pair in pairwise(widths))
            return nn.Sequential(*convs_between)

        fine = [width * 2**level for level in range(levels)]
        coarser = [width, *fine[:-1]]  # what a level hands to the next finer one
        self.down = nn.ModuleList(
            block(taken, given, given)
            for taken, given in zip([channels, *fine], fine, strict=False)
        )
        self.middle = block(fine[-1], 2 * fine[-1], fine[-1])
        self.up = nn.ModuleList(
            block(2 * inner, inner, given)
            for inner, given in zip(fine, coarser, strict=True)
        )
        self.final = nn.Conv2d(width, channels, 1)
        self.multiple_of = 2**levels
        # Twice on each level, once in the middle, and to the end of a pooled cell.
        reach = convs * (side // 2) * (2 * (2**levels - 1) + 2**levels)
        self.margin = reach + 2**levels - 1

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "down.0.0.conv.weight")
        levels = count(state, "down.", ".0.conv.weight")
        coarsest = conv_shape(state, f"down.{levels - 1}.0.conv.weight")
        if not head or not coarsest or coarsest[0] != head[0] << (levels - 1):
            return None
        return {
            "channels": head[1],
            "width": head[0],
            "levels": levels,
            "convs": count(state, "down.0.", ".conv.weight"),
            "side": head[2],
            "norm": "down.0.0.norm.weight" in state,
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to the clean image, of the same shape, in float32."""
        here, skipped = image, []
        for block in self.down:
            skipped.append(block(here))
            here = functional.max_pool2d(skipped[-1], 2)
        here = self.middle(here)
        for block in reversed(self.up):
            here = functional.interpolate(here, scale_factor=2, mode="nearest")
            here = block(torch.cat([here, skipped.pop()], dim=1))
        return last_layer_float32(self.final, here)
