"""The standard errors of what a method has made of an image, by a network for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any

import numpy as np
import torch
from torch import Tensor

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.networks.error_network import PEAK, ErrorNetwork, corrected
from w2s_cli.networks.inference import available_device, memory_errors
from w2s_cli.restorers.restorer import TrainedRange
from w2s_cli.restorers.units import excess
from w2s_cli.weights import checkpoint

FACTOR = 1.645
"""Standard errors on each side of a pixel that hold the truth nine times in ten."""
OTHERS = "others"
"""What the tables are called of methods that have none of their own."""
MARGIN, STEP = ErrorNetwork.margin, ErrorNetwork.multiple_of


@dataclass(frozen=True)
class ErrorEstimate:
    """Standard errors of one channel, by what a method took and gave."""

    noise: NoiseModel
    scale: int
    method: str  # whose tables they are
    photons: float  # a pixel in the brightest parts of the channel
    device: str  # or "auto"

    def __call__(self, before: FloatArray, after: FloatArray) -> FloatArray:
        """Return (N, Y * scale, X * scale) counts for counts before and after."""
        device = available_device(self.device)
        network, tables, _ = _loaded(device)[self.scale]
        lowered = np.float32(excess(self.noise))
        height, width = before.shape[1:]
        with torch.inference_mode(), memory_errors():
            seen = self._planes(self.noise.stabilise(before) - lowered, 1)
            made = self._planes(self.noise.stabilise(after) - lowered, self.scale)
            found, places = network(seen, made, self.noise.floor)
            nearby, peak = tables[self.method]
            found = corrected(found, places, nearby, self.scale)
            found = found + float(np.interp(log(max(self.photons, 1)), PEAK, peak))
            root = (made + float(lowered)).clamp(min=self.noise.floor)
            # A change of the root by its standard error, in counts.
            counts = found.exp() * root * (self.noise.gain / 2 / FACTOR)
            cut = counts[:, 0, : height * self.scale, : width * self.scale]
            errors: FloatArray = cut.float().cpu().numpy()
        return errors

    def _planes(self, planes: FloatArray, scale: int) -> Tensor:
        """Return planes mirrored at their far edges up to a multiple, on the device."""
        missing = [-side % (STEP * scale) for side in planes.shape[1:]]
        if any(missing):
            pad = [(0, 0), (0, missing[0]), (0, missing[1])]
            planes = np.pad(planes, pad, mode="symmetric")
        return torch.from_numpy(planes[:, None]).to(available_device(self.device))


def table_for(method: str, scale: int, *, as_others: bool) -> str:
    """Return whose tables a chain of methods has: its own, or those of others.

    Raises UsageError where nothing is known of a method of that scale.
    """
    shipped = _loaded("cpu")
    if scale not in shipped:
        raise UsageError(
            f"the standard errors of {method}, which enlarges x{scale}, are not known",
            hint="leave --uncertainty out, or take a method that keeps the size or "
            "doubles it",
        )
    return method if method in shipped[scale][1] and not as_others else OTHERS


def calibration(scale: int) -> Mapping[str, Any]:
    """Return what the weights say of the images that the intervals were fitted to."""
    return _loaded("cpu")[scale][2]


def calibrated_range(scale: int) -> TrainedRange:
    """Return the light and the read noise that the intervals are meant for."""
    known = calibration(scale)
    return TrainedRange(tuple(known["photons"]), known["sigma"])


_Tables = Mapping[str, tuple[Tensor, list[float]]]
_Loaded = tuple[ErrorNetwork, _Tables, Mapping[str, Any]]


@lru_cache(maxsize=2)
def _loaded(device: str) -> Mapping[int, _Loaded]:
    """Return networks, tables and calibration by scale."""
    found = checkpoint.load(checkpoint.shipped("errors"))
    shipped = {}
    for scale in (1, 2):
        start = f"x{scale}."
        state = {
            key.removeprefix(start): tensor
            for key, tensor in found.state.items()
            if key.startswith(start)
        }
        network = ErrorNetwork.from_state_dict(state).eval()
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        record = found.record["calibration"][str(scale)]
        tables = {
            name: (torch.tensor(of["nearby"], device=device), of["peak"])
            for name, of in record["tables"].items()
        }
        shipped[scale] = network, tables, {**record, "weights_sha256": found.digest}
    return shipped
