"""A residual U-Net that is told what it cannot see in the image.

It takes several planes: stabilised counts, a mask of unknown pixels, and constant
planes with what is known of the noise and of the blur (what they are is for
`w2s_cli.microscope.imaging_conditions`). The constants give every block a bias, as
in [1]_ they join the features of every convolution.

The first convolution works on 2 x 2 pixels at a time ([2]_): three quarters of the
positions, and of the work, are saved where an image has the least to tell.

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

from w2s_cli.networks.rebuild import Predicts, Shaped, State, conv_shape, count

IMAGE_PLANES = 2  # stabilised counts, unknown pixels
_SEEN = 11  # planes of half the size that the first convolution takes
_COARSE = 16  # pixels along a square whose mean is the level of the light
_MAX_LEVELS = 8


def _relu(features: Tensor) -> Tensor:
    """Rectify in place: at twice the size, a copy is what memory is short of."""
    return functional.relu(features, inplace=True)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor, bias: Tensor) -> Tensor:
        inner = _relu(self.first(features) + bias[:, :, None, None])
        return _relu(self.second(inner) + features)


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


class ConditionalUNet(Shaped):
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

    whole = False
    predicts: Predicts = "image"

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
        self._initialise()

    @property
    def multiple_of(self) -> int:
        """Return the multiple that the sides of an input must be."""
        return max(int(2 ** len(self.down)), _COARSE)

    @property
    def margin(self) -> int:
        """Return how far an output pixel sees, in input pixels."""
        reach = 2  # the first convolution
        stages = [*enumerate(self.down), *enumerate(self.up)]
        for level, stage in stages:
            reach += 2 * len(stage.blocks) * 2 ** (level + 1)  # type: ignore[arg-type]
        reach += 2 + 2 * len(self.fine.blocks) + 1 if self.scale == 2 else 2
        # The level of the light comes from the squares around; and pixels from one
        # multiple to the next see as far as the furthest of them.
        return int(reach + 2 * _COARSE + self.multiple_of)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        levels = count(state, "down.", ".told.weight")
        enlarges = "haze.weight" in state
        wanted = ["head.weight", "tail.weight", *(["entry.weight"] if enlarges else [])]
        wanted += [f"down.{level}.blocks.0.first.weight" for level in range(levels)]
        shapes = [conv_shape(state, key) for key in wanted]
        told = state["code.0.weight"].shape if "code.0.weight" in state else ()
        if not 2 <= levels <= _MAX_LEVELS or None in shapes or len(told) != 2:
            return None
        known = [shape for shape in shapes if shape]
        blocks = [
            count(state, f"down.{level}.blocks.", ".first.weight")
            for level in range(levels)
        ]
        fine = {
            "fine": known[2][0],
            "fine_blocks": count(state, "fine.blocks.", ".first.weight"),
        }
        if enlarges and not fine["fine_blocks"]:
            return None
        return {
            "widths": tuple(shape[0] for shape in known[-levels:]),
            "blocks": tuple(blocks),
            "conditions": told[1],
            "scale": 2 if enlarges else 1,
            **(fine if enlarges else {}),
            "code": told[0],
        }

    def forward(self, image: Tensor) -> Tensor:
        """Restore planes.

        Parameters
        ----------
        image
            (N, 2 + conditions, Y, X) float32: stabilised counts; 1 where a pixel is
            unknown and holds what its neighbours do, else 0; constants, of which the
            first pixel counts.

        Returns
        -------
        Tensor
            (N, 1, Y, X) float32 stabilised counts; at scale 2 (N, 2, 2 Y, 2 X), all
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
            haze = _smoothed(_smoothed(self.haze(hazy.float()), 0, 1), 1, 0)
            nearby = functional.avg_pool2d(counts, 4)
            haze = haze + _smoothed(_smoothed(nearby, 2, 2), 2, 2)
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

    def _initialise(self) -> None:
        """Start as the identity, or as bilinear interpolation."""
        for module in self.modules():
            if isinstance(module, _Block):
                nn.init.kaiming_normal_(module.first.weight, nonlinearity="relu")
                nn.init.zeros_(module.second.weight)
            if isinstance(module, _Stage):
                nn.init.normal_(module.told.weight, std=0.02)
                nn.init.zeros_(module.told.bias)
        for last in (self.tail, self.haze) if self.scale == 2 else (self.tail,):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]


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


def _smoothed(image: Tensor, before: int, after: int) -> Tensor:
    """Return means over squares, from `before` pixels before to `after` after."""
    wide = functional.pad(image, (before, after, before, after), mode="replicate")
    return functional.avg_pool2d(wide, before + after + 1, 1)


def _enlarged(image: Tensor, times: int) -> Tensor:
    return functional.interpolate(image, scale_factor=times, mode="bilinear")
