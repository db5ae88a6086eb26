"""The fields of a bench of invention hold what they say."""

import numpy as np
import pytest

from w2s_cli.bench.invention.scenes import SCENES, Field, at
from w2s_cli.microscope.interpolation import doubled

PROBED = [name for name, scene in SCENES.items() if scene.probed]


def fields(name: str, light: float = 20, seed: int = 1) -> list[Field]:
    return [*SCENES[name].fields(light, 64, np.random.default_rng(seed))]


@pytest.mark.parametrize("name", SCENES)
def test_the_same_seed_makes_the_same_field(name: str) -> None:
    first, again, other = fields(name), fields(name), fields(name, seed=2)
    for one, two, three in zip(first, again, other, strict=True):
        assert np.array_equal(one.seen, two.seen)
        assert not np.array_equal(one.seen, three.seen)
        assert one.truth.shape == (128, 128)
        assert one.clean.shape == one.seen.shape == (64, 64)


@pytest.mark.parametrize("name", PROBED)
def test_structure_is_where_probes_say_and_missing_where_they_say(name: str) -> None:
    [field] = fields(name)
    fine = doubled(field.clean)
    present, absent = (
        [at(fine, one.points).mean() for one in field.probes if one.there is there]
        for there in (True, False)
    )
    assert min(len(present), len(absent)) >= 2
    assert np.median(present) == pytest.approx(field.dark + field.height, rel=0.2)
    assert max(absent) < field.dark + 0.4 * field.height
    beside = [at(fine, one.beside).mean() for one in field.probes if not one.there]
    assert np.median(beside) > field.dark + 0.8 * field.height


def test_even_light_has_nothing_and_the_other_field_says_how_high_faint_is() -> None:
    even, faint = fields("background")
    assert even.counted
    assert not even.calibrates
    assert np.ptp(even.clean) < 1e-4
    assert not faint.counted
    assert faint.calibrates
    assert np.ptp(faint.clean) > faint.height > 0
