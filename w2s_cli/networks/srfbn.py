"""Super-resolution feedback network (Li et al., CVPR 2019)."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import last_layer_float32
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count

STEPS = 4  # no tensor tells: the weights are the same in every step
_PADDING = 2  # of every (transposed) convolution between the two grids


class _Unit(nn.Sequential):
    """A convolution, and a rectifier with one learned slope."""

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__(convolution, nn.PReLU(init=0.2))

    def forward(self, features: Tensor) -> Tensor:
        known, slope = self[0](features), self[1].get_parameter("weight")
        return functional.prelu(known, slope.to(known.dtype))


class _Feedback(nn.Module):
    """Go up to the fine grid and back, `groups` times, reusing all that was made."""

    def __init__(self, width: int, groups: int, scale: int) -> None:
        super().__init__()
        self.compress_in = _fusing(2, width)
        self.upBlocks = nn.ModuleList(
            _projection(nn.ConvTranspose2d, width, scale) for _ in range(groups)
        )
        self.downBlocks = nn.ModuleList(
            _projection(nn.Conv2d, width, scale) for _ in range(groups)
        )
        between = range(2, groups + 1)
        self.uptranBlocks = nn.ModuleList(_fusing(made, width) for made in between)
        self.downtranBlocks = nn.ModuleList(_fusing(made, width) for made in between)
        self.compress_out = _fusing(groups, width)

    def forward(self, features: Tensor, hidden: Tensor) -> Tensor:
        coarse = [self.compress_in(torch.cat([features, hidden], 1))]
        fine: list[Tensor] = []
        for group, (up, down) in enumerate(
            zip(self.upBlocks, self.downBlocks, strict=True)
        ):
            fine.append(up(_fused(coarse, self.uptranBlocks, group)))
            coarse.append(down(_fused(fine, self.downtranBlocks, group)))
        known: Tensor = self.compress_out(torch.cat(coarse[1:], 1))
        return known


class SRFBN(ImageNetwork):
    """Refine features over `STEPS` rounds of feedback; the last one draws the image.

    Parameters
    ----------
    width
        Channels of the features.
    groups
        Pairs of projections, up and down, in the feedback block.
    channels
        Channels of the image.
    scale
        2, 3 or 4: pixels of the output along a pixel of the input.
    """

    def __init__(
        self, width: int = 64, groups: int = 6, channels: int = 1, scale: int = 2
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        # The head; up and back down, whose kernels overhang the coarse pixel by 2 fine
        # ones on either side; up and a last convolution.
        self.margin = 1 + STEPS * groups * (1 + 3 // scale) + 1 + 2 // scale
        self.conv_in = _Unit(nn.Conv2d(channels, 4 * width, 3, padding=1))
        self.feat_in = _Unit(nn.Conv2d(4 * width, width, 1))
        self.block = _Feedback(width, groups, scale)
        self.out = _projection(nn.ConvTranspose2d, width, scale)
        self.conv_out = nn.Sequential(nn.Conv2d(width, channels, 3, padding=1))

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "conv_in.0.weight")
        inner = conv_shape(state, "feat_in.0.weight")
        out = conv_shape(state, "out.0.weight")
        if not head or not inner or not out:
            return None
        return {
            "width": inner[0],
            "groups": count(state, "block.upBlocks.", ".0.weight"),
            "channels": head[1],
            "scale": max(out[2] - 2 * _PADDING, 1),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        for hidden in self._hidden(image):
            last = hidden
        return self._drawn(image, last)

    def every_step(self, image: Tensor) -> list[Tensor]:
        """Return what each step of the feedback gives; the last is `forward`'s.

        All of them are trained.
        """
        return [self._drawn(image, hidden) for hidden in self._hidden(image)]

    def _hidden(self, image: Tensor) -> Iterator[Tensor]:
        features: Tensor = self.feat_in(self.conv_in(image))
        hidden = features
        for _ in range(STEPS):
            hidden = self.block(features, hidden)
            yield hidden

    def _drawn(self, image: Tensor, hidden: Tensor) -> Tensor:
        known = functional.interpolate(
            image.float(), scale_factor=self.scale, mode="bilinear"
        )
        return known + last_layer_float32(self.conv_out, self.out(hidden))


def _fusing(made: int, width: int) -> _Unit:
    return _Unit(nn.Conv2d(made * width, width, 1))


def _projection(kind: Callable[..., nn.Module], width: int, scale: int) -> _Unit:
    return _Unit(kind(width, width, scale + 2 * _PADDING, scale, _PADDING))


def _fused(made: list[Tensor], units: nn.ModuleList, group: int) -> Tensor:
    """Return the only features, or all of them fused by the unit of a group."""
    if not group:
        return made[0]
    known: Tensor = units[group - 1](torch.cat(made, 1))
    return known
