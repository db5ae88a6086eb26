"""A figure that a check measured, and its goal."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Rule = Literal["at most", "below", "above"]

_GOALS = Path(__file__).with_name("goals.toml")


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure and its goal.

    Attributes
    ----------
    what
        Was measured, with its unit.
    value
        That was found; NaN where there is none, which meets no goal.
    rule, goal
        What the value should be: "at most 0.9".
    beside
        The figures behind it.
    """

    what: str
    value: float
    rule: Rule
    goal: float
    beside: str = ""

    @property
    def met(self) -> bool:
        """Return whether the value is what it should be."""
        match self.rule:
            case "at most":
                return self.value <= self.goal
            case "below":
                return self.value < self.goal
            case "above":
                return self.value > self.goal


def goal(check: str, name: str) -> float:
    """Return a figure of `goals.toml`."""
    return _goals()[check][name]


@cache
def _goals() -> dict[str, dict[str, float]]:
    return tomllib.loads(_GOALS.read_text())
