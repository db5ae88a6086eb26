"""One method timed on one plane, how much it computes, and the memory it takes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Self

import numpy as np

from w2s_cli.bench import machine
from w2s_cli.errors import W2SError
from w2s_cli.methods.build import build
from w2s_cli.microscope.simulation import CAMERA
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.restoration import RestoreProgress, restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import block_shapes, tile_count
from w2s_cli.stack import Stack


def gflop_by_precision(chain: Chain, side: int, tile: int) -> dict[str, float]:
    """Return the work of a chain's networks on all tiles of a plane, with margins."""
    blocks = Counter(block_shapes(side, side, chain.traits, tile))
    work: dict[str, float] = {}
    scale = 1
    for link in chain.links:
        if running := link.traits.network:
            from w2s_cli.networks.inference import gflop

            gflops = sum(
                count * gflop(running.network, height * scale, width * scale)
                for (height, width), count in blocks.items()
            )
            work[running.precision] = work.get(running.precision, 0) + gflops
        scale *= link.traits.scale
    return work


def peak(device: str, precision: str) -> float:
    """Return the GFLOP/s that convolutions reach on a device in a precision."""
    from w2s_cli.networks.inference import TYPES, available_device, convolution_peak

    return convolution_peak(available_device(device), TYPES[precision])


@dataclass(frozen=True)
class MethodSpeed:
    """The runs of a method on a square plane."""

    method: str  # the name of its row
    side: int  # of the plane, in input pixels
    times: tuple[float, ...] = ()  # seconds of each run; none where it failed
    # most bytes of its process during the runs; None where nobody counts
    memory: int | None = None
    baseline: int | None = None  # the same right before, with everything loaded
    # most bytes that tensors took on a GPU; None without one
    device_memory: int | None = None
    # GFLOP of the networks, by the precision that they compute in; empty without
    work: Mapping[str, float] = field(default_factory=dict)
    error: str = ""  # why it failed
    note: str = ""  # what must be known of the runs

    @property
    def best(self) -> float | None:
        """Return the seconds of the fastest run."""
        return min(self.times, default=None)

    @property
    def median(self) -> float | None:
        """Return the median seconds of the runs."""
        return median(self.times) if self.times else None

    @property
    def megapixels(self) -> float | None:
        """Return the megapixels of input a second."""
        return self.side**2 / 1e6 / self.best if self.best else None

    @property
    def gflop(self) -> float | None:
        """Return the work of all networks; None without one."""
        return sum(self.work.values()) or None

    @property
    def speed(self) -> float | None:
        """Return the GFLOP/s of the whole run, all that is no network included."""
        return self.gflop / self.best if self.gflop and self.best else None

    def share(self, peaks: Mapping[str, float]) -> float | None:
        """Return the share of the time that the networks need at best."""
        if not self.work or not self.best:
            return None
        return sum(gflop / peaks[name] for name, gflop in self.work.items()) / self.best

    def as_json(self, peaks: Mapping[str, float]) -> dict[str, Any]:
        """Return what was measured, and what follows from it, as a JSON object."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "seconds": self.best,
            "median_seconds": self.median,
            "megapixels_per_second": self.megapixels,
            "gflop": self.gflop,
            "gflop_per_second": self.speed,
            "share_of_peak": self.share(peaks),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return what `as_json` was made from."""
        measured = {each.name: found[each.name] for each in fields(cls)}
        times = tuple(map(float, measured.pop("times")))
        return cls(**measured, times=times)


_built = lru_cache(maxsize=1)(build)  # so that networks load once a process
_WARM_UP = 64  # pixels
_MOST_RUNS = 25


@dataclass(frozen=True, slots=True)
class SpeedConfig(RestoreSpec):
    """A restoration that is timed."""

    seconds: float = 3.0  # after which no further run begins; the first one always ends


def measure(config: SpeedConfig, side: int, plane: Path) -> MethodSpeed:
    """Time a method on a plane after a warm-up; say why where it fails.

    The plane is a file of numpy with (side, side) counts that `CAMERA` has read. Its
    noise and levels are given: the method alone is timed, from counts to counts, with
    its tiles and without files.
    """
    try:
        return _measured(config, Stack(np.load(plane), "YX"))
    except MemoryError:
        return MethodSpeed(config.method, side, error="out of memory")
    except W2SError as error:
        return MethodSpeed(config.method, side, error=str(error))


def _measured(config: SpeedConfig, stack: Stack) -> MethodSpeed:
    chain = _built(
        config.method, config.options, config.weights, config.device, config.precision
    )
    side = stack.data.shape[0]
    found = diagnose(stack, noise=False, display_range=chain.needs_range)
    shown = found.display_ranges.get(0)
    known = Diagnosis((ChannelDiagnosis(model=CAMERA, display_range=shown),))
    corner = stack.data[()][:_WARM_UP, :_WARM_UP]
    _restored(config, chain, Stack(corner, "YX"), known)
    device = None
    if any(link.traits.device for link in chain.links):
        from w2s_cli.networks.inference import (
            available_device,
            peak_memory,
            restart_peak,
        )

        device = available_device(config.device)
        restart_peak(device)
    machine.restart()
    baseline = machine.peak()
    times: list[float] = []
    tiles = 0
    while not times or (sum(times) < config.seconds and len(times) < _MOST_RUNS):
        start = perf_counter()
        tiles += _restored(config, chain, stack, known)
        times.append(perf_counter() - start)
    planned = len(times) * tile_count(side, side, chain.traits, config.tile)
    whole = tiles == planned
    return MethodSpeed(
        config.method,
        side,
        tuple(times),
        machine.peak(),
        baseline,
        peak_memory(device) if device else None,
        gflop_by_precision(chain, side, config.tile) if whole else {},
        note="" if whole else "took smaller tiles, for lack of memory",
    )


def _restored(config: SpeedConfig, chain: Chain, stack: Stack, known: Diagnosis) -> int:
    """Restore a stack of one plane; return how many tiles it took."""
    tiles: list[None] = []
    result = restore_stack(
        config,
        stack,
        chain=chain,
        diagnosis=known,
        progress=RestoreProgress(tile=lambda: tiles.append(None)),
    )
    _ = result.image.data[()]  # a plane is computed when it is asked for
    return len(tiles)
