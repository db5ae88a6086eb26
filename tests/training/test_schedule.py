from math import isclose

import pytest

from w2s_cli.training.optimisation import rate_share
from w2s_cli.training.recipe_tables import Schedule


def _shares(schedule: Schedule, steps: int = 100) -> list[float]:
    return [rate_share(schedule, step, steps) for step in range(steps)]


def test_constant_and_warm_up() -> None:
    assert set(_shares(Schedule("constant"))) == {1.0}
    warmed = _shares(Schedule("constant", warm_up=4))
    assert warmed[:5] == [0.25, 0.5, 0.75, 1, 1]


def test_steps_fall_at_their_milestones() -> None:
    found = _shares(Schedule("step", milestones=(10, 20), factor=0.1))
    assert (found[9], found[10]) == (1, 0.1)
    assert isclose(found[20], 0.01)


def test_halving() -> None:
    found = _shares(Schedule("halving", every=30))
    assert [found[step] for step in (29, 30, 60, 99)] == [1, 0.5, 0.25, 0.125]


def test_cosine_falls_to_nothing_by_half_at_the_middle() -> None:
    found = _shares(Schedule("cosine"))
    assert found[0] == 1
    assert found[50] == pytest.approx(0.5)
    assert found[99] < 1e-3
    assert found == sorted(found, reverse=True)


def test_one_cycle_rises_over_a_third_and_ends_near_nothing() -> None:
    found = _shares(Schedule("one-cycle"), 1000)
    assert found[0] == pytest.approx(0.1)
    assert found.index(max(found)) == 300
    assert max(found) == pytest.approx(1)
    assert found[-1] == pytest.approx(1e-5, rel=0.6)
