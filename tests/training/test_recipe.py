from pathlib import Path

import pytest

from w2s_cli.errors import InputError, UnknownNameError, UsageError
from w2s_cli.training.recipe import SHIPPED, load


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_recipes_load_and_keep_out_of_the_test_range(path: Path) -> None:
    recipe = load(path.stem)
    assert recipe.name == path.stem
    assert recipe.train_fields == (1, 70)
    assert recipe.validation_fields == (71, 80)


def test_settings_replace_those_of_the_recipe() -> None:
    recipe = load(
        "jdsr", ["steps=7", "patches.batch=2", "data=here", "light.blur=[1,2]"]
    )
    assert (recipe.steps, recipe.patches.batch) == (7, 2)
    assert recipe.data == Path("here")
    assert recipe.light.blur == (1.0, 2.0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps", "not key=value"),
        ("patchs.batch=1", "no recipe key is called 'patchs'"),
        ("patches.batch=many", "'patches.batch' takes int, not 'many'"),
        ("loss=least", "'loss' takes counts or root, not 'least'"),
        ("light.blur=[1]", "'light.blur' takes"),
    ],
)
def test_wrong_settings_are_told(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load("jdsr", [setting])


def test_unknown_recipe_is_guessed() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load("jdsrr")
    assert caught.value.hint == "did you mean 'jdsr'?"


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    with pytest.raises(InputError, match="no recipe at"):
        load(str(path))
    path.write_text("steps = ")
    with pytest.raises(UsageError, match="is not TOML"):
        load(str(path))
    path.write_text("steps = 1")
    with pytest.raises(UsageError, match="has no name"):
        load(str(path))
