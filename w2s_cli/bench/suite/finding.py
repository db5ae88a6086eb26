"""What a check has found out, beside what it should have."""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, Literal

Rule = Literal["at most", "below", "above"]
Verdict = Literal["pass", "falls short", "not run"]

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

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object; a figure that is not finite is null."""
        numbers = {"value": self.value, "goal": self.goal}
        finite = {k: v if isfinite(v) else None for k, v in numbers.items()}
        return {**asdict(self), **finite, "met": self.met}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check.

    Attributes
    ----------
    check, summary
        Its name, and what it measures.
    method
        That was checked.
    findings
        One or more; none where it was not run.
    missing
        What it lacked; empty where it was run.
    """

    check: str
    summary: str
    method: str
    findings: Sequence[Finding] = ()
    missing: str = ""

    @property
    def verdict(self) -> Verdict:
        """Return whether every finding is what it should be."""
        if self.missing:
            return "not run"
        whole = self.findings and all(finding.met for finding in self.findings)
        return "pass" if whole else "falls short"

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "check": self.check,
            "summary": self.summary,
            "method": self.method,
            "verdict": self.verdict,
            "missing": self.missing,
            "findings": [finding.as_json() for finding in self.findings],
        }


def goal(check: str, name: str) -> float:
    """Return a figure of `goals.toml`."""
    return _goals()[check][name]


@cache
def _goals() -> dict[str, dict[str, float]]:
    return tomllib.loads(_GOALS.read_text())
