"""Two measurements of speed beside each other, as ratios."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from w2s_cli.evaluation.speed.machine import busy
from w2s_cli.evaluation.speed.record import Speeds
from w2s_cli.evaluation.speed.timed import Timed

NOTABLE = 1.1
"""A ratio that a timing on an idle machine does not show by chance."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A row over the same row of an earlier measurement: above 1 is worse.

    Attributes
    ----------
    method, side
        The row.
    before
        Seconds of the fastest run then.
    seconds, memory
        The fastest run and the memory, now over then; None where nobody counted.
    """

    method: str
    side: int
    before: float
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


def ratios(now: Speeds, before: Speeds) -> list[Ratio]:
    """Return the ratio of each row that both have measured."""
    earlier = {(row.method, row.side): row for row in before.rows}
    both = ((row, earlier.get((row.method, row.side))) for row in now.rows)
    return [ratio for row, was in both if was and (ratio := _ratio(row, was))]


def differences(now: Speeds, before: Speeds) -> list[str]:
    """Return what besides the program is not as it was, a line each."""
    return [
        *_changed("another machine or system", before.machine, now.machine),
        *_changed("other settings", before.settings, now.settings),
        *_busy(before),
        *_missing(now, before),
    ]


def _ratio(row: Timed, was: Timed) -> Ratio | None:
    if not row.best or not was.best:
        return None
    memory = row.memory / was.memory if row.memory and was.memory else None
    return Ratio(row.method, row.side, was.best, row.best / was.best, memory)


def _changed(what: str, old: Any, new: Any) -> list[str]:
    keys = [key for key in new if old.get(key) != new[key]]
    changes = [f"{key} {old.get(key, '-')}, now {new[key]}" for key in keys]
    return [f"measured on {what} before: {'; '.join(changes)}"] if changes else []


def _busy(before: Speeds) -> list[str]:
    if not busy(before.load):
        return []
    return [f"the machine was busy before (load {before.load:.1f}): doubt the ratios"]


def _missing(now: Speeds, before: Speeds) -> list[str]:
    measured = {(row.method, row.side) for row in now.rows}
    left = [row for row in before.rows if (row.method, row.side) not in measured]
    if not left:
        return []
    names = ", ".join(f"{row.method} at {row.side}" for row in left)
    return [f"measured before, but not now: {names}"]
