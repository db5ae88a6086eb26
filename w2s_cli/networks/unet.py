"""Residual U-Nets of plain ReLU convolutions, at the input's size or twice it.

`ConditionalUNet` takes several planes: stabilised counts, a mask of unknown pixels, and
constant planes with what is known of the noise and of the blur (what they are is for
`w2s_cli.microscope.imaging_conditions`). The constants give every block a bias, as
in [1]_ they join the features of every convolution. Its first convolution works on
2 x 2 pixels at a time ([2]_), which saves three quarters of the work where an image has
the least to tell.

References
----------
.. [1] K. Zhang, W. Zuo and L. Zhang, "Learning a single convolutional super-resolution
   network for multiple degradations" (SRMD), CVPR 2018.
.. [2] K. Zhang, W. Zuo and L. Zhang, "FFDNet: toward a fast and flexible solution for
   CNN-based image denoising", IEEE Trans. Image Process. 27 (2018).
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import smoothed
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count

# A stabilised image runs from about 1 to 60 (1000 photons): a range that suits bfloat16
# and the usual initialisation once it is divided by this.
INPUT_SCALE = 8.0
_MAX_LEVELS = 10


def _relu(features: Tensor) -> Tensor:
    """Rectify in place: at twice the size, a copy is what memory is short of."""
    return functional.relu(features, inplace=True)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor, bias: Tensor | None = None) -> Tensor:
        inner: Tensor = self.first(features)
        if bias is not None:
            inner = inner + bias[:, :, None, None]
        return _relu(self.second(_relu(inner)) + features)


def _initialise(network: nn.Module, *last: nn.Conv2d) -> None:
    """Let blocks change nothing, nor the network its input."""
    for module in network.modules():
        if isinstance(module, _Block):
            nn.init.kaiming_normal_(module.first.weight, nonlinearity="relu")
            nn.init.zeros_(module.second.weight)
        if isinstance(module, _Stage):
            nn.init.normal_(module.told.weight, std=0.02)
            nn.init.zeros_(module.told.bias)
    for layer in last:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


class _Level(nn.Module):
    """Blocks on the way down, a coarser level inside, blocks on the way up."""

    def __init__(self, width: int, blocks: int, deeper: int) -> None:
        super().__init__()
        self.down = nn.Sequential(*(_Block(width) for _ in range(blocks)))
        if deeper:
            self.shrink = nn.Conv2d(width, 2 * width, 2, stride=2)
            self.inside = _Level(2 * width, blocks, deeper - 1)
            self.grow = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
            self.up = nn.Sequential(*(_Block(width) for _ in range(blocks)))
        self.deeper = deeper

    def forward(self, features: Tensor) -> Tensor:
        here: Tensor = self.down(features)
        if not self.deeper:
            return here
        inside = self.inside(_relu(self.shrink(here)))
        up: Tensor = self.up(_relu(here + self.grow(inside)))
        return up


class UNet(ImageNetwork):
    """Predict what to add to the (bilinearly enlarged) input.

    Parameters
    ----------
    width
        Channels of the finest level; each coarser one has twice as many.
    levels
        Number of levels, 1 or more.
    blocks
        Residual blocks a level, on the way down and again on the way up.
    scale
        1 or 2: pixels of the output along a pixel of the input.
    """

    def __init__(
        self, width: int = 32, levels: int = 3, blocks: int = 2, scale: int = 1
    ) -> None:
        super().__init__()
        self.scale, self.multiple_of = scale, 2 ** (levels - 1)
        reach = sum(2 * blocks * 2**level for level in range(levels - 1))
        reach = 2 * reach + 2 * blocks * self.multiple_of + 2 * scale
        self.margin = reach + self.multiple_of
        self.head = nn.Conv2d(1, width, 3, padding=1)
        self.body = _Level(width, blocks, levels - 1)
        if scale == 2:
            self.enlarge = nn.Conv2d(width, 4 * width, 3, padding=1)
            self.fine = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 1, 3, padding=1)
        # Start as the identity (or bilinear interpolation), without a grid.
        _initialise(self, self.tail)
        if scale == 2:
            start = self.enlarge.weight[::4].detach().repeat_interleave(4, dim=0)
            self.enlarge.weight.data.copy_(start)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "head.weight")
        levels = 1 + sum(key.endswith("shrink.weight") for key in state)
        blocks = count(state, "body.down.", ".first.weight")
        if not head or not blocks or levels > _MAX_LEVELS:
            return None
        return {
            "width": head[0],
            "levels": levels,
            "blocks": blocks,
            "scale": 2 if "enlarge.weight" in state else 1,
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map stabilised (N, 1, Y, X) to (N, 1, Y * scale, X * scale), in float32."""
        features = self.body(_relu(self.head(image / INPUT_SCALE)))
        known = image
        if self.scale == 2:
            features = functional.pixel_shuffle(self.enlarge(features), 2)
            features = _relu(self.fine(_relu(features)))
            known = functional.interpolate(image, scale_factor=2, mode="bilinear")
        # The last sum decides about banding: it is done in full precision.
        with torch.autocast(image.device.type, enabled=False):
            change: Tensor = self.tail(features.float())
            return known.float() + change


IMAGE_PLANES = 2  # stabilised counts, unknown pixels
_SEEN = 11  # planes of half the size that the first convolution takes
_COARSE = 16  # pixels along a square whose mean is the level of the light


class _Stage(nn.Module):
    """Blocks of one width; the bias of each depends on the code of the conditions."""

    def __init__(self, width: int, blocks: int, code: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.told = nn.Linear(code, width * blocks)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        biases = self.told(code).to(features.dtype).chunk(len(self.blocks), dim=1)
        for block, bias in zip(self.blocks, biases, strict=True):
            features = block(features, bias)
        return features


class ConditionalUNet(ImageNetwork):
    """Predict what to add to stabilised counts, or to their bilinear enlargement.

    At scale 2 there are two outputs: all the light, and the light out of focus, which
    is smooth. What is in focus is the difference of both in photons.

    Parameters
    ----------
    widths
        Channels of each level, from that of half the size to the coarsest.
    blocks
        Residual blocks a level, on the way down and, but for the last, again on the
        way up.
    conditions
        How many constant planes there are.
    scale
        1 or 2: pixels of the output along a pixel of the input.
    fine, fine_blocks
        Channels and residual blocks at the size of the input, for scale 2.
    code
        Numbers that the conditions are turned into.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (48, 96, 160),
        blocks: tuple[int, ...] = (1, 1, 4),
        conditions: int = 5,
        scale: int = 1,
        fine: int = 32,
        fine_blocks: int = 1,
        code: int = 32,
    ) -> None:
        super().__init__()
        self.scale, self.conditions = scale, conditions
        self.channels, self.outputs = IMAGE_PLANES + conditions, scale
        self.code = nn.Sequential(
            nn.Linear(conditions, code), nn.ReLU(), nn.Linear(code, code), nn.ReLU()
        )
        self.head = nn.Conv2d(_SEEN, widths[0], 3, padding=1)
        pairs = [*pairwise(widths)]
        levels = [*zip(widths, blocks, strict=True)]
        self.down = nn.ModuleList(_Stage(*level, code) for level in levels)
        self.shrink = nn.ModuleList(nn.Conv2d(*pair, 2, stride=2) for pair in pairs)
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(coarse, finer, 2, stride=2) for finer, coarse in pairs
        )
        self.up = nn.ModuleList(_Stage(*level, code) for level in levels[:-1])
        if scale == 2:
            self.expand = nn.Conv2d(widths[0], 4 * fine, 1)
            self.entry = nn.Conv2d(2, fine, 3, padding=1)
            self.fine = _Stage(fine, fine_blocks, code)
            self.haze = nn.Conv2d(widths[1], 1, 3, padding=1)
        self.tail = nn.Conv2d(fine if scale == 2 else widths[0], 4, 3, padding=1)
        _initialise(self, self.tail, *([self.haze] if scale == 2 else []))
        self.multiple_of = max(2 ** len(widths), _COARSE)
        reach = 2  # the first convolution
        for level, residuals in [*enumerate(blocks), *enumerate(blocks[:-1])]:
            reach += 2 * residuals * 2 ** (level + 1)
        reach += 2 + 2 * fine_blocks + 1 if scale == 2 else 2
        # The level of the light comes from the squares around; and pixels from one
        # multiple to the next see as far as the furthest of them.
        self.margin = reach + 2 * _COARSE + self.multiple_of

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        levels = range(count(state, "down.", ".told.weight"))
        enlarges = "haze.weight" in state
        wanted = ["head.weight", "tail.weight", *(["entry.weight"] if enlarges else [])]
        wanted += [f"down.{level}.blocks.0.first.weight" for level in levels]
        shapes = [shape for key in wanted if (shape := conv_shape(state, key))]
        code = state.get("code.0.weight", torch.empty(0))
        known = len(shapes) == len(wanted) and code.ndim == 2
        fine_blocks = count(state, "fine.blocks.", ".first.weight")
        if not 2 <= len(levels) <= 8 or not known or (enlarges and not fine_blocks):
            return None
        options = {
            "widths": tuple(shape[0] for shape in shapes[-len(levels) :]),
            "blocks": tuple(
                count(state, f"down.{level}.blocks.", ".first.weight")
                for level in levels
            ),
            "conditions": code.shape[1],
            "scale": 1,
            "code": code.shape[0],
        }
        if enlarges:
            options.update(scale=2, fine=shapes[2][0], fine_blocks=fine_blocks)
        return options

    def forward(self, image: Tensor) -> Tensor:
        """Restore planes.

        - `image`: (N, 2 + conditions, Y, X) float32: stabilised counts; 1 where a pixel
          is unknown and holds what its neighbours do, else 0; constants, of which the
          first pixel counts.

        Returns (N, 1, Y, X) float32 stabilised counts; at scale 2 (N, 2, 2 Y, 2 X), all
        light and that out of focus.
        """
        # Sums of bright light don't fit bfloat16: its root may be above 600, and its
        # noise has a standard deviation of 1.
        with torch.autocast(image.device.type, enabled=False):
            counts, unknown = image[:, :1].float(), image[:, 1:2].float()
            code = self.code(image[:, IMAGE_PLANES:, 0, 0].float())
            seen = _described(counts, unknown)
        features, hazy = self._body(seen, code)
        if self.scale == 1:
            with torch.autocast(image.device.type, enabled=False):
                change = functional.pixel_shuffle(self.tail(features.float()), 2)
                return counts + change
        around = functional.avg_pool2d(counts, 3, 1, 1, count_include_pad=False)
        own = torch.cat([(counts - around) / 2, unknown], 1)
        features = functional.pixel_shuffle(self.expand(features), 2)
        features = self.fine(_relu(features + self.entry(own)), code)
        with torch.autocast(image.device.type, enabled=False):
            change = functional.pixel_shuffle(self.tail(features.float()), 2)
            # What the coarser levels enlarge has a lattice of every other pixel, of
            # which means over 2 x 2 pass nothing.
            haze = smoothed(smoothed(self.haze(hazy.float()), 0, 1), 1, 0)
            nearby = functional.avg_pool2d(counts, 4)
            haze = haze + smoothed(smoothed(nearby, 2, 2), 2, 2)
            for _ in range(3):  # one enlargement by 8 would show its lattice
                haze = _enlarged(haze, 2)
            return torch.cat([_enlarged(counts, 2) + change, haze], 1)

    def _body(self, seen: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of half the size, and those of a quarter."""
        features = _relu(self.head(seen))
        kept: list[Tensor] = []
        for level, stage in enumerate(self.down):
            if level:
                kept.append(features)
                features = _relu(self.shrink[level - 1](features))
            features = stage(features, code)
        hazy = features
        for level in reversed(range(len(self.up))):
            features = _relu(self.grow[level](features) + kept[level])
            features = self.up[level](features, code)
            if level == 1:
                hazy = features
        return features, hazy


def _described(counts: Tensor, unknown: Tensor) -> Tensor:
    """Return what the first convolution takes.

    Differences from means nearby are small where the light is even, and so exact in
    bfloat16 however bright it is; the levels themselves are compressed.
    """
    parts = functional.pixel_unshuffle(counts, 2)
    mean = parts.mean(1, keepdim=True)
    level = _enlarged(functional.avg_pool2d(mean, _COARSE // 2), _COARSE // 2)
    planes = [
        (parts - mean) / 2,
        (mean - level) / 4,
        torch.asinh(mean / 4),
        torch.asinh(level / 4),
        functional.pixel_unshuffle(unknown, 2),
    ]
    return torch.cat(planes, 1).contiguous(memory_format=torch.channels_last)


def _enlarged(image: Tensor, times: int) -> Tensor:
    return functional.interpolate(image, scale_factor=times, mode="bilinear")
