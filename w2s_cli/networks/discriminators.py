"""The VGG-like discriminator of ESRGAN and EPSR: one score an image."""

from math import isqrt
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm

from w2s_cli.networks.rebuild import Shaped, State, conv_shape

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
        for name, given, kernel in [
            (f"{level}_{step}", factor * width, 3 + step)
            for level, factor in enumerate(_WIDTHS)
            for step in (0, 1)
        ]:
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


class UNetDiscriminator(Shaped):
    """Score how real each pixel is; no sigmoid at the end.

    Wang et al., "Real-ESRGAN", ICCVW 2021, section 3.4.

    Parameters
    ----------
    channels
        Of the image.
    width
        Channels of the finest level.
    """

    multiple_of = 8

    def __init__(self, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        self.channels = channels
        self.conv0 = nn.Conv2d(channels, width, 3, padding=1)
        self.conv1 = _halving(width, 2 * width)
        self.conv2 = _halving(2 * width, 4 * width)
        self.conv3 = _halving(4 * width, 8 * width)
        self.conv4 = _keeping(8 * width, 4 * width)
        self.conv5 = _keeping(4 * width, 2 * width)
        self.conv6 = _keeping(2 * width, width)
        self.conv7 = _keeping(width, width)
        self.conv8 = _keeping(width, width)
        self.conv9 = nn.Conv2d(width, 1, 3, padding=1)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "conv0.weight")
        return {"channels": head[1], "width": head[0]} if head else None

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to scores of shape (N, 1, Y, X)."""
        skipped = [_leaky(self.conv0(image))]
        for halve in (self.conv1, self.conv2, self.conv3):
            skipped.append(_leaky(halve(skipped[-1])))
        here = skipped.pop()
        for keep in (self.conv4, self.conv5, self.conv6):
            here = functional.interpolate(here, scale_factor=2, mode="bilinear")
            here = _leaky(keep(here)) + skipped.pop()
        scores: Tensor = self.conv9(_leaky(self.conv8(_leaky(self.conv7(here)))))
        return scores


def _leaky(features: Tensor) -> Tensor:
    return functional.leaky_relu(features, _LEAK, inplace=True)


def _halving(taken: int, given: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(taken, given, 4, stride=2, padding=1, bias=False))


def _keeping(taken: int, given: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(taken, given, 3, padding=1, bias=False))
