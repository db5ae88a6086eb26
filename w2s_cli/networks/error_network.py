"""How far the output of a method may be from the truth: a small network.

It sees stabilised counts before and after any method, and predicts the half width of
the interval that holds the truth of a pixel nine times in ten, in standard deviations
of the noise. It works on 2 x 2 pixels of the input at a time.

The logarithm of the half width is learned by quantile regression ([1]_) of the
logarithm of the absolute error. A table, fitted for each method on images that the
network has not learned from, corrects it by the level of light and by local structure:
conformal calibration ([2]_), with bins that pass into each other.

References
----------
.. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46 (1978).
.. [2] Y. Romano, E. Patterson and E. Candès, "Conformalized quantile regression",
   NeurIPS 2019.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import smoothed
from w2s_cli.networks.rebuild import Shaped, State, conv_shape

LIGHT = (0.5, 0.8, 1.2, 1.7, 2.3, 3.0, 3.8)
"""Nodes of the table: arsinh of a quarter of the mean stabilised value nearby."""
STRUCTURE = (-3.0, -1.5, -0.5, 0.5, 2.0)
"""Nodes of the table: the logarithm of the deviation of the output nearby."""
_COARSE = 8  # squares of 2 x 2 pixels along one that levels are means of
_DILATIONS = (1, 2, 4, 1)
_LEVELS = 5  # planes that say how bright, how noisy and how structured it is nearby
_LOWEST = 1e-3  # of a deviation


class ErrorNetwork(Shaped):
    """Predict the half width of the interval that holds 90 % of the truth.

    Parameters
    ----------
    scale
        1 or 2: pixels of the output along a pixel of the input.
    width
        Channels of each convolution.
    """

    multiple_of = 2 * _COARSE
    # Of the convolutions, of the means, and from one multiple to the next.
    margin = 2 * sum(_DILATIONS) + 2 + 2 * 2 * _COARSE + multiple_of

    def __init__(self, scale: int = 1, width: int = 16) -> None:
        super().__init__()
        self.scale = scale
        outputs = 4 * scale**2
        self.head = nn.Conv2d(outputs + 4 + _LEVELS, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=by, dilation=by) for by in _DILATIONS[1:]
        )
        self.tail = nn.Conv2d(width, outputs, 1)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head, tail = conv_shape(state, "head.weight"), conv_shape(state, "tail.weight")
        if not head or not tail:
            return None
        return {"scale": 2 if tail[0] == 16 else 1, "width": head[0]}

    def forward(
        self, seen: Tensor, made: Tensor, floor: float | Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the logarithm of the half width, and where it is in the table.

        - `seen`: (N, 1, Y, X) stabilised counts.
        - `made`: (N, 1, Y * scale, X * scale), the output in the same.
        - `floor`: the stabilised value of no light.

        Returns (N, 1, Y * scale, X * scale), and (N, 2, Y / 2, X / 2): light and
        structure.
        """
        planes, places = _described(seen, made, self.scale, floor)
        features = functional.relu(self.head(planes))
        for layer in self.body:
            features = functional.relu(features + layer(features))
        width = functional.pixel_shuffle(self.tail(features), 2 * self.scale)
        # Each pixel of a square has weights of its own: a lattice, of which means over
        # the square pass nothing. The second mean puts what is moved by half back.
        width = smoothed(width, self.scale - 1, self.scale)
        return smoothed(width, 1, 0), places


class ErrorsInCounts(nn.Module):
    """Standard errors in counts: the network, its tables, and the way to counts.

    Parameters
    ----------
    network
        It predicts half widths of intervals.
    """

    def __init__(self, network: ErrorNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        seen: Tensor,
        made: Tensor,
        floor: Tensor,
        lowered: Tensor,
        nearby: Tensor,
        added: Tensor,
        unit: Tensor,
    ) -> Tensor:
        """Return (N, 1, Y * scale, X * scale) counts.

        - `seen`, `made`: stabilised counts, `lowered`, as the network takes them.
        - `floor`: the stabilised value of no light.
        - `nearby`, `added`: what the tables say: that of (light, structure), and that
          of the photons in the brightest parts.
        - `unit`: counts a stabilised unit, where its root is 1.

        All but the images are numbers, or in the case of `nearby` a table.
        """
        found, places = self.network(seen, made, floor)
        found = corrected(found, places, nearby, self.network.scale) + added
        # A change of the root by its standard error, in counts.
        return found.exp() * torch.maximum(made + lowered, floor) * unit


def corrected(width: Tensor, places: Tensor, table: Tensor, scale: int) -> Tensor:
    """Return the logarithm of the half width with what a (light, structure) table adds.

    Between its nodes the table is linear; beyond them it stays as it is.
    """
    light, structure = (
        _hats(places[:, number], nodes)
        for number, nodes in enumerate((LIGHT, STRUCTURE))
    )
    added = torch.einsum("nayx,nbyx,ab->nyx", light, structure, table)[:, None]
    return width + functional.interpolate(
        added, scale_factor=2 * scale, mode="bilinear"
    )


def _hats(values: Tensor, nodes: tuple[float, ...]) -> Tensor:
    """Return (N, nodes, Y, X), the share that each node has in a value; in all 1."""
    at = torch.tensor(nodes, dtype=values.dtype, device=values.device)
    clipped = values.clamp(nodes[0], nodes[-1])[:, None]
    low, high = at[:-1, None, None], at[1:, None, None]
    gaps = high - low
    up = ((clipped - low) / gaps).clamp(0, 1)
    down = ((high - clipped) / gaps).clamp(0, 1)
    one = torch.ones_like(clipped)
    return torch.minimum(torch.cat([one, up], 1), torch.cat([down, one], 1))


def _described(
    seen: Tensor, made: Tensor, scale: int, floor: float | Tensor
) -> tuple[Tensor, Tensor]:
    small = functional.avg_pool2d(made, scale) if scale > 1 else made
    parts = functional.pixel_unshuffle(made, 2 * scale)
    mean = parts.mean(1, keepdim=True)
    left = functional.pixel_unshuffle(seen - small, 2)
    level = _nearby(mean)
    noise = _nearby((left**2).mean(1, keepdim=True))
    detail = ((parts - mean) ** 2).mean(1, keepdim=True) + (mean - level) ** 2
    spread = 0.5 * torch.log(_nearby(detail) + _LOWEST**2)
    light = torch.asinh(level / 4)
    planes = [
        (parts - mean).clamp(-8, 8) / 2,
        left.clamp(-8, 8) / 2,
        torch.asinh((mean - level) / 2),
        light,
        torch.log(noise + 0.01) / 2,
        spread / 2,
        torch.asinh(torch.zeros_like(mean) + floor / 4),
    ]
    return torch.cat(planes, 1), torch.cat([light, spread], 1)


def _nearby(plane: Tensor) -> Tensor:
    """Return means over squares, which pass into each other."""
    return functional.interpolate(
        functional.avg_pool2d(plane, _COARSE), scale_factor=_COARSE, mode="bilinear"
    )
