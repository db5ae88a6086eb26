import tomllib
from math import inf, nan
from pathlib import Path

import pytest

from shipped_models import finding
from shipped_models.finding import Finding, goal


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


def test_every_goal_is_some_check_s() -> None:
    folder = Path(finding.__file__).parent
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    for check, goals in tomllib.loads((folder / "goals.toml").read_text()).items():
        assert f'goal("{check}", ' in code
        for name, figure in goals.items():
            assert f'"{name}"' in code
            assert goal(check, name) == figure > 0
