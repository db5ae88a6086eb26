"""What a method has taken on one plane."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from statistics import median
from typing import Any, Self


@dataclass(frozen=True)
class Timed:
    """The runs of a method on a square plane.

    Attributes
    ----------
    method
        The name of its row.
    side
        Of the plane, in input pixels.
    times
        Seconds of each run; none where it failed.
    memory
        Most bytes of its process during the runs; None where nobody counts.
    baseline
        The same right before, with everything loaded.
    device_memory
        Most bytes that tensors took on a GPU; None without one.
    work
        GFLOP of the networks, by the precision that they compute in; empty without.
    error
        Why it failed.
    note
        What must be known of the runs.
    """

    method: str
    side: int
    times: tuple[float, ...] = ()
    memory: int | None = None
    baseline: int | None = None
    device_memory: int | None = None
    work: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    note: str = ""

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
        """Return the share of the time that the networks need at best.

        Parameters
        ----------
        peaks
            GFLOP/s of convolutions by precision.
        """
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
        """Return what `as_json` was made from.

        Raises
        ------
        KeyError, TypeError, ValueError
            When it was made from nothing of the kind.
        """
        measured = {each.name: found[each.name] for each in fields(cls)}
        times = tuple(map(float, measured.pop("times")))
        return cls(**measured, times=times)
