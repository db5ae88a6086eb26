"""The standard errors of what a method has made of an image, by a network for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.methods.network_engines import Run, engine
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.restorer import TrainedRange
from w2s_cli.restorers.units import excess
from w2s_cli.weights.catalogue import SHIPPED

FACTOR = 1.645
"""Standard errors on each side of a pixel that hold the truth nine times in ten."""
OTHERS = "others"
"""What the tables are called of methods that have none of their own."""
MARGIN, STEP = 66, 16
"""Input pixels around, and multiples that blocks begin on: those of the network."""
PEAK = (1.0, 2.5, 4.0, 5.5, 7.0)
"""Nodes of a table: the logarithm of the photons in the brightest parts."""


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
        run, tables, _ = _loaded(engine().available_device(self.device))[self.scale]
        floor, lowered = self.noise.floor, excess(self.noise)
        height, width = (side * self.scale for side in before.shape[1:])
        nearby, peak = tables[self.method]
        added = float(np.interp(log(max(self.photons, 1)), PEAK, peak))
        numbers = (floor, lowered, nearby, added, self.noise.gain / 2 / FACTOR)
        counts = run(
            self._planes(self.noise.stabilise(before) - np.float32(lowered), 1),
            self._planes(self.noise.stabilise(after) - np.float32(lowered), self.scale),
            *(np.array(one, np.float32) for one in numbers),
        )
        return counts[:, 0, :height, :width]

    def _planes(self, planes: FloatArray, scale: int) -> FloatArray:
        """Return (N, 1, Y, X) planes, mirrored at their far edges up to a multiple."""
        missing = [-side % (STEP * scale) for side in planes.shape[1:]]
        if any(missing):
            pad = [(0, 0), (0, missing[0]), (0, missing[1])]
            planes = np.pad(planes, pad, mode="symmetric")
        return planes[:, None]


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


_Tables = Mapping[str, tuple[list[list[float]], list[float]]]
_Loaded = tuple[Run, _Tables, Mapping[str, Any]]


@lru_cache(maxsize=2)
def _loaded(device: str) -> Mapping[int, _Loaded]:
    """Return networks, tables and calibration by scale."""
    path = SHIPPED / "errors.safetensors"
    runs, record, digest = engine().open_errors(path, device)
    shipped = {}
    for scale, run in runs.items():
        own = record["calibration"][str(scale)]
        tables = {
            name: (of["nearby"], of["peak"]) for name, of in own["tables"].items()
        }
        shipped[scale] = run, tables, {**own, "weights_sha256": digest}
    return shipped
