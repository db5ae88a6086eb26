"""DnCNN: a straight line of 3x3 convolutions that predicts the noise."""

import re
from typing import Any, Self

from torch import Tensor, nn

from w2s_cli.networks.parts import initialise, last_layer_float32
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape

# W2S writes "dncnn.0.weight", its authors elsewhere "dncnn.dncnn.0.weight", KAIR
# "model.0.weight".
_KEY = re.compile(r"(?:dncnn\.|model\.)+(\d+)(\.\w+)")


class DnCNN(ImageNetwork):
    """Predict the noise: what is to be subtracted from the input.

    Zhang et al., "Beyond a Gaussian denoiser", IEEE TIP 26 (2017), section III, in the
    four published forms: of W2S (no biases), of FMD and of Zhang's own code (the first
    convolution has a bias), and of KAIR (biases everywhere, batch norms folded in).

    Parameters
    ----------
    channels
        Of the input and of the output.
    width
        Channels in between.
    depth
        Convolutions, 2 or more.
    norm
        Whether a batch norm follows each convolution but the first and the last.
    bias
        Whether the first, the middle and the last convolutions have biases.
    """

    predicts = "noise"

    def __init__(
        self,
        channels: int = 1,
        width: int = 64,
        depth: int = 17,
        norm: bool = True,
        bias: tuple[bool, bool, bool] = (False, False, False),
    ) -> None:
        super().__init__()
        self.channels, self.margin = channels, depth
        first, middle, last = bias
        layers: list[nn.Module] = [
            nn.Conv2d(channels, width, 3, padding=1, bias=first),
            nn.ReLU(inplace=True),
        ]
        for _ in range(depth - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=middle))
            if norm:
                # Not stored: all forms with a first bias have 1e-4, W2S 1e-5.
                layers.append(nn.BatchNorm2d(width, eps=1e-4 if first else 1e-5))
            layers.append(nn.ReLU(inplace=True))
        layers.append(nn.Conv2d(width, channels, 3, padding=1, bias=last))
        self.dncnn = nn.Sequential(*layers)
        initialise(self)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "dncnn.0.weight")
        places = sorted(
            int(key.split(".")[1])
            for key, tensor in state.items()
            if re.fullmatch(r"dncnn\.\d+\.weight", key) and tensor.ndim == 4
        )
        if head is None or len(places) < 2:
            return None
        return {
            "channels": head[1],
            "width": head[0],
            "depth": len(places),
            "norm": any(key.endswith(".running_mean") for key in state),
            "bias": tuple(
                f"dncnn.{place}.bias" in state for place in (0, 2, places[-1])
            ),
        }

    @classmethod
    def detect(cls, state: State) -> bool:
        """Return whether `state` is one of a DnCNN, by whichever name."""
        return super().detect(_with_w2s_names(state))

    @classmethod
    def from_state_dict(cls, state: State) -> Self:
        """Return the network that `state` was taken from."""
        return super().from_state_dict(_with_w2s_names(state))

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to its noise, of the same shape, in float32."""
        return last_layer_float32(self.dncnn[-1], self.dncnn[:-1](image))


def _with_w2s_names(state: State) -> State:
    """Return `state` by the names of W2S, or nothing when it has other names too."""
    keys = {key: _KEY.fullmatch(key) for key in state}
    return {
        f"dncnn.{match[1]}{match[2]}": state[key]
        for key, match in keys.items()
        if match and all(keys.values())
    }
