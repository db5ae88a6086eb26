"""A residual U-Net of plain ReLU convolutions, at the input's size or twice it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.rebuild import Predicts, Shaped, State, conv_shape, count

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

    def forward(self, features: Tensor) -> Tensor:
        inner: Tensor = self.second(_relu(self.first(features)))
        return _relu(inner + features)


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


class UNet(Shaped):
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

    whole = False
    channels = 1
    predicts: Predicts = "image"

    def __init__(
        self, width: int = 32, levels: int = 3, blocks: int = 2, scale: int = 1
    ) -> None:
        super().__init__()
        self.scale, self.levels, self.blocks = scale, levels, blocks
        self.head = nn.Conv2d(1, width, 3, padding=1)
        self.body = _Level(width, blocks, levels - 1)
        if scale == 2:
            self.enlarge = nn.Conv2d(width, 4 * width, 3, padding=1)
            self.fine = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 1, 3, padding=1)
        self._initialise()

    @property
    def multiple_of(self) -> int:
        """Return the multiple that the sides of an input must be."""
        return int(2 ** (self.levels - 1))

    @property
    def margin(self) -> int:
        """Return how far an output pixel sees, in input pixels."""
        sides = [2 * self.blocks * 2**level for level in range(self.levels)]
        reach = 2 * sum(sides[:-1]) + sides[-1] + 2 + 2 * (self.scale - 1)
        return int(reach + self.multiple_of)

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

    def _initialise(self) -> None:
        """Start as the identity (or bilinear interpolation), without a grid."""
        for module in self.modules():
            if isinstance(module, _Block):
                nn.init.kaiming_normal_(module.first.weight, nonlinearity="relu")
                nn.init.zeros_(module.second.weight)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]
        if self.scale == 2:
            start = self.enlarge.weight[::4].detach().repeat_interleave(4, dim=0)
            self.enlarge.weight.data.copy_(start)
