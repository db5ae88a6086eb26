"""MemNet: residual blocks whose outputs are remembered to the end."""

from math import pi
from typing import Any, Self, get_args

import torch
from torch import Tensor, nn

from w2s_cli.networks.parts import initialise, last_layer_float32
from w2s_cli.networks.rebuild import (
    ImageNetwork,
    Predicts,
    State,
    UnitName,
    conv_shape,
    count,
)


class _Unit(nn.Module):
    """Batch norm, ReLU, and a convolution without a bias."""

    def __init__(self, inputs: int, outputs: int, side: int = 3) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.conv(self.relu(self.bn(features)))
        return result


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.relu_conv1 = _Unit(width, width)
        self.relu_conv2 = _Unit(width, width)

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.relu_conv2(self.relu_conv1(features))
        return change + features


class _Memory(nn.Module):
    """Residual blocks, and a gate over their outputs and those of earlier gates."""

    def __init__(self, width: int, residuals: int, remembered: int) -> None:
        super().__init__()
        self.recursive_unit = nn.ModuleList(_Residual(width) for _ in range(residuals))
        self.gate_unit = _Unit((residuals + remembered) * width, width, side=1)

    def forward(self, long_term: list[Tensor]) -> Tensor:
        short_term = [long_term[-1]]
        for residual in self.recursive_unit:
            short_term.append(residual(short_term[-1]))
        gated: Tensor = self.gate_unit(torch.cat(short_term[1:] + long_term, dim=1))
        return gated


class MemNet(ImageNetwork):
    """Predict the noise or the clean image, as the input and a correction to it.

    Tai et al., "MemNet", ICCV 2017, as the W2S authors wrote it: the blocks of a memory
    do not share their weights. They trained the sum with the input to be the noise in
    W2S, and to be the clean image in their earlier work on natural images.

    Parameters
    ----------
    channels
        Of the input and of the output.
    width
        Channels in between.
    memories
        Memory blocks.
    residuals
        Residual blocks in each of them, 1 or more.
    predicts
        "noise" or "image": what the sum with the input is.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 20,
        memories: int = 6,
        residuals: int = 4,
        predicts: Predicts = "noise",
    ) -> None:
        super().__init__()
        if predicts not in get_args(Predicts):
            raise ValueError("it predicts noise or image")
        self.predicts = predicts
        self.channels, self.margin = channels, 2 * memories * residuals + 2
        self.feature_extractor = _Unit(channels, width)
        self.reconstructor = _Unit(width, channels)
        self.dense_memory = nn.ModuleList(
            _Memory(width, residuals, earlier + 1) for earlier in range(memories)
        )
        initialise(self)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "feature_extractor.conv.weight")
        memories = count(state, "dense_memory.", ".gate_unit.conv.weight")
        residuals = count(
            state, "dense_memory.0.recursive_unit.", ".relu_conv1.conv.weight"
        )
        if head is None or memories * residuals > len(state):
            return None
        return {
            "channels": head[1],
            "width": head[0],
            "memories": memories,
            "residuals": residuals,
        }

    @classmethod
    def from_state_dict(cls, state: State) -> Self:
        """Return the network that `state` was taken from.

        What it makes of a smooth image tells what it predicts: the image itself, or
        next to nothing.
        """
        network = super().from_state_dict(state)
        mean, variance = _training_statistics(state)
        wave = torch.sin(torch.arange(64) * (2 * pi / 32))
        pattern = 2 * variance.sqrt() * wave[:, None] * wave  # of that variance
        with torch.inference_mode():
            output = network.eval()((mean + pattern)[None])
        network.train()
        slope = (output * pattern).sum() / pattern.square().sum()
        network.predicts = "image" if slope > 0.5 else "noise"
        return network

    @classmethod
    def input_units(cls, state: State) -> UnitName | None:
        """Return the units of the images that the network of `state` was trained on.

        The first batch norm has seen nothing but the network's input: its running mean
        and variance are those of the training images.
        """
        mean, variance = (
            float(statistic.mean()) for statistic in _training_statistics(state)
        )
        if variance > 0.25:  # more than any numbers in [0, 1] can have
            return "z"
        if abs(mean) < 0.02 and variance < 0.02**2:
            return "z/255"
        # Numbers in [a, b] have at most the variance (mean - a) * (b - mean).
        if variance <= mean * (1 - mean):
            return "unit"
        return "centred" if variance <= 0.25 - mean**2 else None

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to its noise or the clean image, alike, in float32."""
        long_term = [self.feature_extractor(image)]
        for memory in self.dense_memory:
            long_term.append(memory(long_term))
        return last_layer_float32(self.reconstructor, long_term[-1]) + image.float()


def _training_statistics(state: State) -> tuple[Tensor, Tensor]:
    """Return mean and variance of the training images, (C, 1, 1)."""
    start = "feature_extractor.bn.running_"
    mean, variance = (state[start + name].float() for name in ("mean", "var"))
    return mean[:, None, None], variance[:, None, None]
