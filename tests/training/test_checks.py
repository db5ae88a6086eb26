from pathlib import Path

import pytest

from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.training.recipe_reading import SHIPPED, load


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps=0", "'steps' takes 1 or more, not 0"),
        ("validate_every=0", "'validate_every' takes 1 or more"),
        ("patches.batch=0", "'patches.batch' takes 1 or more"),
        ("patches.stride=-1", "'patches.stride' takes 0 or more"),
        ("pairs.levels=[0]", "'pairs.levels' takes 1 or more"),
        ("seed=-1", "'seed' takes 0 or more"),
        ("average=1.5", "'average' takes 0 or more, and less than 1, not 1.5"),
        ("optimiser.rate=-1", "'optimiser.rate' takes 0 or more"),
        ("optimiser.betas=[0.9,2]", "'optimiser.betas' takes 0 or more, and less"),
        ("adversary.optimiser.clip=nan", "'adversary.optimiser.clip' takes 0 or more"),
        ("schedule.every=0", "'schedule.every' takes 1 or more"),
        ("loss.l1=-1", "'loss' takes 0 or more, not -1.0"),
        ("loss.root=0", "no loss with a weight above 0"),
        ("mixture.floor=0", "'mixture.floor' takes a number above 0"),
        ("light.photons=[0,1]", "'light.photons' takes a number above 0"),
        ("light.blur=[3,1]", r"two rising numbers, not \[3.0, 1.0\]"),
        ("train_fields=[9,1]", "'train_fields' takes two rising numbers"),
        ("sources={pairs=0,averages=0,simulated=0,even=0}", "one share above 0"),
        ("sources.pairs=-1", "shares of 0 or more"),
        ("seen.photons=1", "'seen.photons' takes two rising numbers, not 1"),
        ("seen.sigma=many", "'seen.sigma' takes a number"),
        ("units=z", "'physics' don't come in units 'z'"),
        ("name=../mine", "'name' takes the name of a folder"),
        ("name=", "'name' takes the name of a folder"),
    ],
)
def test_senseless_settings_are_told(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load("jdsr", [setting])
    assert caught.value.hint


def test_losses_fit_the_units() -> None:
    with pytest.raises(UsageError, match="the loss 'counts' is for units 'root'"):
        load("dncnn-w2s", ["loss.counts=1"])
    with pytest.raises(UnknownNameError, match="no loss is called 'l2'"):
        load("jdsr", ["loss.l2=1"])


def test_what_weights_are_for_has_known_keys(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'seen\.photon'") as caught:
        load("jdsr", ["seen.photon=[1,2]"])
    assert caught.value.hint == "did you mean 'seen.photons'?"
    path = tmp_path / "r.toml"
    path.write_text('name = "r"\n[seen]\nsigma = 1\n')
    with pytest.raises(UsageError, match="'seen' takes photons and sigma"):
        load(str(path))


def test_phases_are_checked_as_well(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('name = "r"\n[[phases]]\nname = "a/b"\n')
    with pytest.raises(UsageError, match="'name' takes the name of a folder, not 'a/b"):
        load(str(path))
    path.write_text('name = "r"\n[[phases]]\n[[phases]]\nsteps = -1\n')
    with pytest.raises(UsageError, match="'steps' takes 1 or more, not -1"):
        load(str(path))


def test_recipes_that_ship_make_sense() -> None:
    assert all(load(path.stem) for path in SHIPPED.glob("*.toml"))
