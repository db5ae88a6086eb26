"""Second-order attention network (Dai et al., CVPR 2019)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.errors import InputError
from w2s_cli.networks.parts import Tail, channel_weights, tail_reach, upsampling_scale
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count

_SMALLEST = 4  # pixels a side: each quadrant is pooled by 2
_COVARIANCE_SIDE = 1000  # pixels that the covariance is taken from, at the centre
_ROOT_STEPS = 5
_SQUEEZED = 8  # the reduction of the one second-order attention that nothing uses


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_first = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        inner: Tensor = self.conv_first(features)
        return features + inner


class _ChannelAttention(nn.Module):
    """Weigh each channel by the root of the channels' covariance (section 3.3)."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.conv_du = channel_weights(width, squeezed)

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            root = _matrix_root(_covariance(_centre(features).float()))
        weights: Tensor = self.conv_du(root.mean(1)[..., None, None])
        weighed: Tensor = features * weights.to(features.dtype)
        return weighed


class _Group(nn.Module):
    """Blocks, attention and a convolution around a residual; `gamma` is not used."""

    def __init__(self, width: int, blocks: int, squeezed: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.rcab = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.soca = _ChannelAttention(width, squeezed)
        self.conv_last = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        inner = features
        for block in self.rcab:
            inner = block(inner)
        change: Tensor = self.conv_last(self.soca(inner))
        return features + change


class _NonLocal(nn.Module):
    """Add to each pixel what pixels like it hold, on a grid pooled by 2."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.g = nn.Sequential(nn.Conv2d(width, inner, 1), nn.MaxPool2d(2))
        self.W = nn.Conv2d(inner, width, 1)
        self.theta = nn.Conv2d(width, inner, 1)
        self.phi = nn.Sequential(nn.Conv2d(width, inner, 1), nn.MaxPool2d(2))
        for parameter in self.W.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> Tensor:
        query, key, value = (
            part(features).flatten(2).transpose(1, 2)[:, None]
            for part in (self.theta, self.phi, self.g)
        )
        seen = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        found = seen[:, 0].transpose(1, 2)
        change: Tensor = self.W(found.reshape(*found.shape[:2], *features.shape[2:]))
        return features + change


class _NonLocalQuadrants(nn.Module):
    """Non-local attention inside each quarter of the plane; `soca` is not used."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.soca = _ChannelAttention(width, width // _SQUEEZED)
        self.non_local = _NonLocal(width, inner)

    def forward(self, features: Tensor) -> Tensor:
        middle, centre = features.shape[2] // 2, features.shape[3] // 2
        rows = [
            torch.cat(
                [self.non_local(part) for part in row.tensor_split((centre,), 3)], 3
            )
            for row in features.tensor_split((middle,), 2)
        ]
        return torch.cat(rows, 2)


class SAN(ImageNetwork):
    """Draw the enlarged image from groups with second-order channel attention.

    Parameters
    ----------
    width
        Channels of the features.
    groups
        Residual groups.
    blocks
        Residual blocks a group.
    squeezed
        Channels inside the attention: `width` over the reduction of the paper.
    channels
        Channels of the image.
    scale
        Pixels of the output along a pixel of the input.
    """

    whole = True

    def __init__(
        self,
        width: int = 64,
        groups: int = 20,
        blocks: int = 10,
        squeezed: int = 4,
        channels: int = 1,
        scale: int = 2,
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        # Two convolutions a block, one a group, one in the head.
        self.margin = groups * (2 * blocks + 1) + 1 + tail_reach(scale)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.RG = nn.ModuleList(_Group(width, blocks, squeezed) for _ in range(groups))
        self.conv_last = nn.Conv2d(width, width, 3, padding=1)  # not used
        self.non_local = _NonLocalQuadrants(width, width // _SQUEEZED)
        self.head = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1))
        self.tail = Tail(width, channels, scale)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "head.0.weight")
        attention = conv_shape(state, "RG.0.soca.conv_du.0.weight")
        groups = count(state, "RG.", ".conv_last.weight")
        blocks = count(state, "RG.0.rcab.", ".conv_first.0.weight")
        if not head or not attention or head[0] < _SQUEEZED:
            return None
        if groups * blocks > len(state):
            return None
        return {
            "width": head[0],
            "groups": groups,
            "blocks": blocks,
            "squeezed": attention[0],
            "channels": head[1],
            "scale": upsampling_scale(state, "tail.0."),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X), sides from 4 up, to float32 enlarged `scale` times."""
        if min(image.shape[2:]) < _SMALLEST:
            sides = " x ".join(map(str, image.shape[2:]))
            raise InputError(
                f"SAN needs at least {_SMALLEST} x {_SMALLEST} pixels, found {sides}",
                hint="use another method for so small an image",
            )
        shallow: Tensor = self.head(image)
        source = features = self.non_local(shallow)
        share = self.gamma.to(source.dtype)
        for group in self.RG:
            features = torch.addcmul(group(features), share, source)
        enlarged: Tensor = self.tail(shallow + self.non_local(features))
        return enlarged


def _centre(features: Tensor) -> Tensor:
    """Return the central 1000 x 1000 pixels: the covariance of more is not needed."""
    for axis in (2, 3):
        size = features.shape[axis]
        kept = min(size, _COVARIANCE_SIDE)
        features = features.narrow(axis, (size - kept) // 2, kept)
    return features


def _covariance(features: Tensor) -> Tensor:
    """Return the (N, C, C) covariance of the channels over all pixels."""
    pixels = features.flatten(2)
    pixels = pixels - pixels.mean(2, keepdim=True)
    return pixels @ pixels.transpose(1, 2) / pixels.shape[2]


def _matrix_root(matrix: Tensor) -> Tensor:
    """Return the square root after 5 Newton-Schulz steps (equations 6 to 8)."""
    trace = matrix.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
    # A flat image has no covariance at all; its root is 0 as well.
    trace = trace.clamp_min(torch.finfo(trace.dtype).tiny)
    unit = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    root, inverse = matrix / trace, unit.expand_as(matrix)
    for _ in range(_ROOT_STEPS):
        step = (3 * unit - inverse @ root) / 2
        root, inverse = root @ step, step @ inverse
    return root * trace.sqrt()
