"""The outcome of a measurement of speed, and its file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from w2s_cli import __version__
from w2s_cli.bench.speed.machine import busy
from w2s_cli.bench.speed.timing import MethodSpeed
from w2s_cli.errors import InputError

KIND = "w2s speed"
_TOO_GOOD = 1.05
"""A share of the peak that no network can reach, were the peak the peak."""


@dataclass(frozen=True)
class SpeedResult:
    """What methods have taken on one machine."""

    rows: Sequence[MethodSpeed]  # one a method and size
    peaks: Mapping[str, float]  # GFLOP/s of convolutions by precision
    # seconds that the estimate of the noise takes, by the side of the plane
    estimates: Mapping[int, float]
    machine: Mapping[str, Any]  # see `w2s_cli.bench.speed.machine.machine`
    # device, precision, tile and options
    settings: Mapping[str, Any]
    # processes that computed in the minute before; None where it is unknown
    load: float | None
    date: str  # when, in ISO 8601
    version: str = __version__  # of the program

    @property
    def failed(self) -> list[MethodSpeed]:
        """Return the rows that could not be measured."""
        return [row for row in self.rows if row.error]

    @property
    def remarks(self) -> list[str]:
        """Return what speaks against taking the figures at their word, a line each."""
        return [*self._load(), *self._rows(), *self._shares()]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as a JSON object."""
        whole = asdict(self)
        rows = [row.as_json(self.peaks) for row in self.rows]
        return {"kind": KIND, **whole, "rows": rows, "remarks": self.remarks}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return what `as_json` was made from."""
        if found["kind"] != KIND:
            raise ValueError(found["kind"])
        load = found["load"]
        return cls(
            [MethodSpeed.from_json(row) for row in found["rows"]],
            dict(found["peaks"]),
            {int(side): took for side, took in found["estimates"].items()},
            dict(found["machine"]),
            dict(found["settings"]),
            None if load is None else float(load),
            found["date"],
            found["version"],
        )

    def _load(self) -> list[str]:
        if not busy(self.load):
            return []
        return [
            f"the machine was busy when this began (load {self.load:.1f}): the timings "
            "are not to be trusted"
        ]

    def _rows(self) -> list[str]:
        return [
            f"{row.method} at {row.side} pixels: {row.error or row.note}"
            for row in self.rows
            if row.error or row.note
        ]

    def _shares(self) -> list[str]:
        shares = ((row, row.share(self.peaks)) for row in self.rows)
        return [
            f"{row.method} at {row.side} pixels reached {share:.2f} of the peak, which "
            "was mismeasured then: measure again while nothing else runs"
            for row, share in shares
            if share and share > _TOO_GOOD
        ]


def read_speeds(path: Path) -> SpeedResult:
    """Return what an earlier measurement has written."""
    try:
        return SpeedResult.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is not what `{KIND}` writes",
            hint=f"write one with `{KIND} -o FILE.json`",
        ) from error


def write_speeds(result: SpeedResult, path: Path) -> None:
    """Write a file for `read_speeds`, whole or not at all."""
    from w2s_cli.io.targets import replacing

    text = json.dumps(result.as_json(), indent=2, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


NOTABLE = 1.1
"""A ratio that a timing on an idle machine does not show by chance."""


@dataclass(frozen=True, slots=True)
class SpeedRatio:
    """A row over the same row of an earlier measurement: above 1 is worse."""

    # method, side: the row
    method: str
    side: int
    before: float  # seconds of the fastest run then
    # seconds, memory: the fastest run and the memory, now over then; None where nobody
    # counted
    seconds: float
    memory: float | None

    @property
    def verdict(self) -> Literal["slower", "faster", ""]:
        """Return whether the time has changed by more than chance."""
        if self.seconds > NOTABLE:
            return "slower"
        return "faster" if self.seconds < 1 / NOTABLE else ""

    def as_json(self) -> dict[str, Any]:
        """Return the ratio as a JSON object."""
        return asdict(self) | {"verdict": self.verdict}


def ratios(now: SpeedResult, before: SpeedResult) -> list[SpeedRatio]:
    """Return the ratio of each row that both have measured."""
    earlier = {(row.method, row.side): row for row in before.rows}
    both = ((row, earlier.get((row.method, row.side))) for row in now.rows)
    return [ratio for row, was in both if was and (ratio := _ratio(row, was))]


def differences(now: SpeedResult, before: SpeedResult) -> list[str]:
    """Return what besides the program is not as it was, a line each."""
    return [
        *_changed("another machine or system", before.machine, now.machine),
        *_changed("other settings", before.settings, now.settings),
        *_busy(before),
        *_missing(now, before),
    ]


def _ratio(row: MethodSpeed, was: MethodSpeed) -> SpeedRatio | None:
    if not row.best or not was.best:
        return None
    memory = row.memory / was.memory if row.memory and was.memory else None
    return SpeedRatio(row.method, row.side, was.best, row.best / was.best, memory)


def _changed(what: str, old: Any, new: Any) -> list[str]:
    keys = [key for key in new if old.get(key) != new[key]]
    changes = [f"{key} {old.get(key, '-')}, now {new[key]}" for key in keys]
    return [f"measured on {what} before: {'; '.join(changes)}"] if changes else []


def _busy(before: SpeedResult) -> list[str]:
    if not busy(before.load):
        return []
    return [f"the machine was busy before (load {before.load:.1f}): doubt the ratios"]


def _missing(now: SpeedResult, before: SpeedResult) -> list[str]:
    measured = {(row.method, row.side) for row in now.rows}
    left = [row for row in before.rows if (row.method, row.side) not in measured]
    if not left:
        return []
    names = ", ".join(f"{row.method} at {row.side}" for row in left)
    return [f"measured before, but not now: {names}"]
