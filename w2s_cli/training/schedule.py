"""The learning rate over the steps."""

from math import cos, pi

from w2s_cli.training.tables.learning import Schedule

_RISE, _LOWEST_START, _LOWEST_END = 0.3, 1 / 10, 1e-5  # of "one-cycle"


def share(schedule: Schedule, step: int, steps: int) -> float:
    """Return the learning rate of a step, as a share of its peak.

    Parameters
    ----------
    schedule
        Of the recipe.
    step
        From 0.
    steps
        In the whole training.
    """
    warm = min((step + 1) / schedule.warm_up, 1) if schedule.warm_up else 1
    return warm * _SHARES[schedule.name](schedule, step, steps)


def _constant(schedule: Schedule, step: int, steps: int) -> float:
    return 1.0


def _step(schedule: Schedule, step: int, steps: int) -> float:
    passed = sum(step >= milestone for milestone in schedule.milestones)
    return float(schedule.factor**passed)


def _halving(schedule: Schedule, step: int, steps: int) -> float:
    return float(0.5 ** (step // schedule.every))


def _cosine(schedule: Schedule, step: int, steps: int) -> float:
    return _falling(step / steps)


def _one_cycle(schedule: Schedule, step: int, steps: int) -> float:
    done = step / steps
    if done < _RISE:
        return 1 - (1 - _LOWEST_START) * _falling(done / _RISE)
    return _LOWEST_END + (1 - _LOWEST_END) * _falling((done - _RISE) / (1 - _RISE))


def _falling(done: float) -> float:
    """Return half a cosine from 1 down to 0."""
    return (1 + cos(pi * done)) / 2


_SHARES = {
    "constant": _constant,
    "step": _step,
    "halving": _halving,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
}
