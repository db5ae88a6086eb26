from pathlib import Path

import pytest

from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.networks import NETWORKS
from w2s_cli.training.initial_network import build_module
from w2s_cli.training.recipe import SHIPPED, load
from w2s_cli.training.recipe_tables import Network


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps=0", "'steps' should be greater than or equal to 1, not 0"),
        ("validate_every=0", "'validate_every' should be greater than or equal to 1"),
        ("patches.batch=0", "'patches.batch' should be greater than or equal to 1"),
        ("patches.stride=-1", "'patches.stride' should be greater than or equal to 0"),
        ("pairs.levels=[0]", "'pairs.levels' should be greater than or equal to 1"),
        ("seed=-1", "'seed' should be greater than or equal to 0"),
        ("average=1.5", "'average' should be less than 1, not 1.5"),
        ("optimiser.rate=-1", "'optimiser.rate' should be greater than or equal to 0"),
        ("optimiser.betas=[0.9,2]", "'optimiser.betas' should be less than 1"),
        (
            "discriminator.optimiser.clip=nan",
            "optimiser.clip' should be a finite number",
        ),
        ("schedule.every=0", "'schedule.every' should be greater than or equal to 1"),
        ("loss.l1=-1", "'loss.l1' should be greater than or equal to 0, not -1"),
        ("loss.counts=0", "no loss with a weight above 0"),
        ("mixture.floor=0", "'mixture.floor' should be greater than 0"),
        ("light.photons=[0,1]", "'light.photons' should be greater than 0"),
        ("light.blur=[3,1]", r"two rising numbers, not \[3, 1\]"),
        ("train_fields=[9,1]", "'train_fields' should be two rising numbers"),
        (
            "sources={pairs=0,averages=0,simulated=0,sharp=0,even=0}",
            "no share in the table 'sources' is above 0",
        ),
        (
            "sources.pairs=-1",
            "'sources.pairs' should be greater than or equal to 0, not -1",
        ),
        ("trained_on.photons=1", "'trained_on.photons' should be a list, not 1"),
        (
            "trained_on.photons=[2, 1]",
            "'trained_on.photons' should be two rising numbers",
        ),
        ("trained_on.sigma=many", "'trained_on.sigma' should be a valid number"),
        ("units=z", "'physics' don't come in units 'z'"),
        ("name=../mine", "'name' should be the name of a folder"),
        ("name=", "'name' should be the name of a folder"),
    ],
)
def test_senseless_settings_are_told(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load("denoise", [setting])
    assert caught.value.hint


@pytest.mark.parametrize("setting", ["name='rcan'", "name='unet'"])
def test_networks_that_no_machine_holds_are_refused_at_once(setting: str) -> None:
    wide = {"rcan": {"width": 100_000_000}, "unet": {"levels": 60}}
    name = setting.split("'")[1]
    with pytest.raises(UsageError, match=f"{name} cannot be made of .* over 1,000,000"):
        build_module(NETWORKS, Network(name, wide[name]))


def test_losses_fit_the_units() -> None:
    with pytest.raises(UsageError, match="the loss 'counts' is for units 'root'"):
        load("dncnn-w2s", ["loss.counts=1"])
    with pytest.raises(UnknownNameError, match="no loss is called 'l2'"):
        load("jdsr", ["loss.l2=1"])


def test_what_weights_are_for_has_known_keys(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'trained_on\.photon'") as caught:
        load("jdsr", ["trained_on.photon=[1,2]"])
    assert caught.value.hint == "did you mean 'trained_on.photons'?"
    path = tmp_path / "r.toml"
    path.write_text('name = "r"\n[trained_on]\nsigma = 1\n')
    with pytest.raises(UsageError, match=r"the recipe has no trained_on\.photons"):
        load(str(path))


def test_phases_are_checked_as_well(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('name = "r"\n[[phases]]\nname = "a/b"\n')
    with pytest.raises(
        UsageError, match="'name' should be the name of a folder, not 'a/b"
    ):
        load(str(path))
    path.write_text('name = "r"\n[[phases]]\n[[phases]]\nsteps = -1\n')
    with pytest.raises(
        UsageError, match="'steps' should be greater than or equal to 1, not -1"
    ):
        load(str(path))


def test_recipes_that_ship_make_sense() -> None:
    assert all(load(path.stem) for path in SHIPPED.glob("*.toml"))
