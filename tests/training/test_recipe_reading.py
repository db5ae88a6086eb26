import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from w2s_cli.errors import InputError, UnknownNameError, UsageError
from w2s_cli.training.recipe import load


def test_settings_replace_those_of_the_recipe() -> None:
    recipe = load(
        "denoise", ["steps=7", "patches.batch=2", "data=here", "light.blur=[1,2]"]
    )
    assert (recipe.steps, recipe.patches.batch) == (7, 2)
    assert recipe.data == Path("here")
    assert recipe.light.blur == (1.0, 2.0)
    assert recipe.patches.side == 128


def test_an_option_of_a_network_replaces_itself_alone() -> None:
    recipe = load("denoise", ["network.options.width=8", "loss.l1=0.5"])
    assert recipe.network.options == {"width": 8, "levels": 4, "blocks": 2, "scale": 1}
    assert recipe.loss == {"counts": 1.0, "l1": 0.5}


def test_a_table_of_weights_takes_the_place_of_another(tmp_path: Path) -> None:
    """Layers of VGG-16 do not stand beside those of VGG-19, which it does not have."""
    settings = ["features.layers={conv4_3=1}", "loss={l1=2}", "loss.perceptual=3"]
    recipe = load("jdsr-texture-w2s", settings)
    assert recipe.features.layers == {"conv4_3": 1.0}
    assert recipe.loss == {"l1": 2.0, "perceptual": 3.0}
    assert recipe.features.texture == "conv5_4"
    phases = load("esrgan-port", ["loss={mse=1}"]).phases
    assert [phase.loss for phase in phases] == [{"mse": 1.0}] * 2
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nlike = "jdsr-texture-w2s"\n'
        "[features]\nlayers = { conv4_3 = 1.0 }\n[network.options]\nwidth = 32\n"
    )
    mine = load(str(path))
    assert mine.features.layers == {"conv4_3": 1.0}
    assert mine.features.distance == "mse"
    assert mine.network.options == {"blocks": 16, "width": 32}
    added = load(str(path), ["features.layers.conv1_2=0.5"])
    assert added.features.layers == {"conv4_3": 1.0, "conv1_2": 0.5}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps", "not key=value"),
        ("patchs.batch=1", "no recipe key is called 'patchs'"),
        ("patches.bach=1", "no recipe key is called 'patches.bach'"),
        ("patches.batch=many", "'patches.batch' should be a valid integer, not 'many'"),
        ("loss.l1=least", "'loss.l1' should be a valid number, not 'least'"),
        ("light.blur=[1]", "'light.blur' should be a list of 2 numbers, not"),
        ("pairs.levels=1", "'pairs.levels' should be a list, not 1"),
        ("loss=l1", "'loss' should be a table, not 'l1'"),
        ("patches=64", "'patches' should be a table, not 64"),
        ("pairs.fields=1", "'pairs.fields' should be true or false, not 1"),
        ("patches.augment=flips", "'turns', 'w2s', 'mirror' or 'none', not 'flips'"),
    ],
)
def test_wrong_settings_are_told(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load("jdsr", [setting])


def test_a_setting_and_a_table_of_one_name_are_told() -> None:
    with pytest.raises(UsageError, match=r"'steps\.a=4' wants a table 'steps'"):
        load("jdsr", ["steps=3", "steps.a=4"])


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
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(UsageError, match="is not TOML"):
        load(str(path))
    path.write_text("steps = 1")
    with pytest.raises(UsageError, match="has no name"):
        load(str(path))
    path.write_text('name = "r"\nseed = 100000000000000000000000')
    with pytest.raises(UsageError, match="'seed' should be less than or equal to"):
        load(str(path))
    path.write_text('name = "r"\nphases = 2')
    with pytest.raises(UsageError, match=r"each under \[\[phases\]\]"):
        load(str(path))


def test_phases_are_the_recipe_but_for_their_tables(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        'name = "r"\nsteps = 9\n[patches]\nside = 32\nbatch = 2\n'
        '[[phases]]\nname = "first"\nloss = { l1 = 1 }\n'
        "[[phases]]\nsteps = 3\nloss = { mse = 1 }\n[phases.patches]\nside = 16\n"
    )
    whole = load(str(path), ["patches.batch=5"])
    first, second = whole.parts
    assert (first.name, second.name) == ("r/first", "r/2")
    assert (first.steps, second.steps) == (9, 3)
    assert (first.loss, second.loss) == ({"l1": 1.0}, {"mse": 1.0})
    assert [part.patches.side for part in whole.parts] == [32, 16]
    assert [part.patches.batch for part in (whole, *whole.parts)] == [5, 5, 5]
    assert first.parts == (first,)


def test_a_new_name_holds_for_the_folders_of_the_phases() -> None:
    recipe = load("esrgan-port", ["name=mine", "steps=5"])
    assert recipe.name == "mine"
    assert [part.name for part in recipe.parts] == ["mine/pixels", "mine/adversary"]
    assert {part.steps for part in recipe.parts} == {5}


def test_phases_are_no_setting() -> None:
    with pytest.raises(UsageError, match=r"each under \[\[phases\]\]"):
        load("esrgan-port", ["phases=2"])


def test_a_recipe_is_like_another_but_for_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('like = "jdsr"\nname = "mine"\nlight = { photons = [5, 50] }')
    mine, model = load(str(path)), load("jdsr")
    assert mine.light == replace(model.light, photons=(5.0, 50.0))
    assert mine.network == model.network
    path.write_text(f'like = "{path}"\nname = "mine"')
    with pytest.raises(UsageError, match="is like itself"):
        load(str(path))
    path.write_text('like = 3\nname = "mine"')
    with pytest.raises(UsageError, match="'like' takes a text, not 3"):
        load(str(path))


def test_recipes_are_read_without_what_trains_them() -> None:
    heavy = "import sys, w2s_cli.training.patches, w2s_cli.training.recipe\n" + (
        "print(sorted({'torch', 'scipy', 'PIL'} & sys.modules.keys()))"
    )
    told = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"


def test_options_go_with_the_network_that_they_are_of() -> None:
    """Another network has none of them; the same one keeps those that stay."""
    other = load("n2v", ["network.name=n2n-unet", "network.options.width=8"])
    assert other.network.options == {"width": 8}
    same = load("n2v", ["network.name=unet", "network.options.width=8"])
    assert same.network.options == {**load("n2v").network.options, "width": 8}
    judge = load("esrgan-w2s", ["discriminator.network=unet-discriminator"])
    assert judge.discriminator.options == {}
