import json
import tomllib
from math import inf, nan
from pathlib import Path

import pytest

from w2s_cli.bench import suite
from w2s_cli.bench.suite.finding import Finding, Outcome, goal


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ("at most", (True, True, False)),
        ("below", (True, False, False)),
        ("above", (False, False, True)),
    ],
)
def test_a_value_meets_its_goal(rule, met: tuple[bool, ...]) -> None:
    assert tuple(Finding("", value, rule, 1.0).met for value in (0.9, 1, 1.1)) == met


@pytest.mark.parametrize("rule", ["at most", "below", "above"])
def test_no_value_meets_no_goal(rule) -> None:
    assert not Finding("", nan, rule, 1.0).met
    assert not Finding("", 1.0, rule, nan).met
    assert not Finding("", inf, "below", inf).met


def test_one_finding_decides() -> None:
    good, bad = Finding("", 1, "below", 2), Finding("", 2, "below", 1)
    verdicts = [
        Outcome("flat", "", "denoise", found).verdict
        for found in ([good], [good, bad], [])
    ]
    assert verdicts == ["pass", "falls short", "falls short"]
    assert Outcome("flat", "", "denoise", missing="images").verdict == "not run"


def test_json_has_no_nan() -> None:
    outcome = Outcome("flat", "even", "denoise", [Finding("a", nan, "below", inf)])
    found = json.loads(json.dumps(outcome.as_json(), allow_nan=False))
    assert found["verdict"] == "falls short"
    [finding] = found["findings"]
    assert (finding["value"], finding["goal"], finding["met"]) == (None, None, False)


def test_every_goal_is_some_check_s() -> None:
    folder = Path(suite.__file__).parent
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    for check, goals in tomllib.loads((folder / "goals.toml").read_text()).items():
        assert f'goal("{check}", ' in code
        for name, figure in goals.items():
            assert f'"{name}"' in code
            assert goal(check, name) == figure > 0
