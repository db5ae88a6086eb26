"""The VGG-like discriminator of ESRGAN and EPSR: one score an image."""

from math import isqrt
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.rebuild import State
from w2s_cli.networks.shapes import Shaped, conv_shape

_LEAK = 0.2
_WIDTHS = (1, 2, 4, 8, 8)  # of the five levels, in units of the first
_SHRUNK = 2 ** len(_WIDTHS)


class VGGDiscriminator(Shaped):
    """Score how real an image of a fixed size is; no sigmoid at the end.

    Wang et al., "ESRGAN", ECCVW 2018.

    Parameters
    ----------
    channels
        Of the image.
    width
        Channels of the first level.
    side
        Pixels along a side of the image, a multiple of 32.
    hidden
        Neurons before the last.
    """

    def __init__(
        self, channels: int = 1, width: int = 64, side: int = 128, hidden: int = 100
    ) -> None:
        super().__init__()
        self.channels, self.side = channels, side
        taken = channels
        for name, given, kernel in _plan(width):
            norm = name != "0_0"
            conv = nn.Conv2d(taken, given, kernel, kernel - 2, padding=1, bias=not norm)
            self.add_module(f"conv{name}", conv)
            if norm:
                self.add_module(f"bn{name}", nn.BatchNorm2d(given))
            taken = given
        self.linear1 = nn.Linear(taken * (side // _SHRUNK) ** 2, hidden)
        self.linear2 = nn.Linear(hidden, 1)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "conv0_0.weight")
        weight = state.get("linear1.weight")
        if head is None or weight is None or weight.ndim != 2:
            return None
        hidden, seen = weight.shape
        return {
            "channels": head[1],
            "width": head[0],
            "side": _SHRUNK * isqrt(seen // (_WIDTHS[-1] * head[0])),
            "hidden": hidden,
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, side, side) to scores of shape (N, 1)."""
        features = image
        for name, layer in self.named_children():
            if name.startswith("linear"):
                break
            features = layer(features)
            if name == "conv0_0" or name.startswith("bn"):
                features = functional.leaky_relu(features, _LEAK, inplace=True)
        hidden = functional.leaky_relu(self.linear1(features.flatten(1)), _LEAK)
        scores: Tensor = self.linear2(hidden)
        return scores


def _plan(width: int) -> list[tuple[str, int, int]]:
    """Return the name, the channels and the kernel of each convolution.

    On each level one of 3x3 keeps the size, and one of 4x4 halves it.
    """
    return [
        (f"{level}_{step}", factor * width, 3 + step)
        for level, factor in enumerate(_WIDTHS)
        for step in (0, 1)
    ]
