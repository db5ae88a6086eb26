from dataclasses import replace
from pathlib import Path

import pytest

from w2s_cli.errors import InputError
from w2s_cli.training.patches.degraded_truth import open_physics
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Light, Sources


def test_sources_that_hold_nothing_are_told(tmp_path: Path) -> None:
    recipe = Recipe("r", data=tmp_path, sources=Sources(sharp=0.5))
    with pytest.raises(
        InputError, match=r"sources\.sharp is 0\.5, but there is no usable"
    ):
        open_physics(recipe, "training")
    (tmp_path / "sharp").mkdir()
    with pytest.raises(InputError, match="sharp") as caught:
        open_physics(recipe, "validation")
    assert "sources.sharp=0" in caught.value.hint


def test_measured_kernels_that_are_missing_are_told(tmp_path: Path) -> None:
    recipe = Recipe("r", data=tmp_path, light=Light(measured=0.5))
    with pytest.raises(
        InputError, match=r"kernels_36x36\.npy cannot be read"
    ) as caught:
        open_physics(recipe, "training")
    assert "light.measured=0" in caught.value.hint
    open_physics(replace(recipe, light=Light()), "training")
