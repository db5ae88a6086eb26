"""Every command has a page; the pages are those that the command line generates."""

import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch
import typer

from w2s_cli import errors
from w2s_cli.cli import app
from w2s_cli.methods import METHODS
from w2s_cli.methods.build import options_of
from w2s_cli.training.initial_network import initial_network
from w2s_cli.training.recipe import Recipe, load

MAN = Path(__file__).parents[2] / "man"
ROOT: Any = typer.main.get_command(app)
COMMANDS = {"w2s": ROOT} | {f"w2s-{name}": c for name, c in ROOT.commands.items()}


def page(name: str) -> str:
    """Return a page without its fonts and escapes."""
    text = (MAN / "man1" / f"{name}.1").read_text(encoding="utf-8")
    return re.sub(r"\\f.|\\&", "", text).replace("\\-", "-")


def test_pages_are_current() -> None:
    """`python man/generate.py` writes them anew."""
    for name, text in runpy.run_path(str(MAN / "generate.py"))["pages"]():
        written = (MAN / name).read_text(encoding="utf-8")
        assert written == text, f"{name} is old: run python man/generate.py"


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert sorted(path.stem for path in MAN.glob("man1/*")) == sorted(COMMANDS)
    sources = sorted(path.stem for path in MAN.glob("*.md"))
    about = [path.stem for path in MAN.glob("man7/*")]
    assert sources == sorted([*COMMANDS, *about])


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("jdsr-texture-w2s", "loss={mse=1.0,perceptual=0.05,texture=0.01}"),
        ("rcan-w2s", "loss={l1=1.0}"),
        ("jdsr-texture-w2s", "features.layers={conv5_4=1.0}"),
        ("jdsr-texture-w2s", "network.options.blocks=12"),
        ("dncnn-w2s", "units=z/255"),
        ("dncnn-w2s", "pairs.split=published"),
        ("dncnn-w2s", "keep=best"),
        ("rcan-w2s", "optimiser.renew=0"),
        ("epsr-w2s", "network.options={width=64,blocks=16}"),
        ("noise2sr", "network.options={features=256,head=[256,256]}"),
        ("noise2sr-paper", "network.options.side=3"),
        ("noise2sr-paper", "patches.augment=turns"),
        ("noise2sr-paper", "units=root loss={counts=1.0}"),
        ("n2v", "data=GRAY network.name=n2n-unet units=unit loss={mse=1.0}"),
        ("dncnn-fmd", "pairs.validation=test"),
        ("real-esrgan-base", "discriminator.kind=vanilla"),
        ("real-esrgan-base", "patches.side=128"),
        ("esrgan-port", "initial=0.316"),
    ],
)
def test_what_protocols_say_to_type_can_be_typed(recipe: str, settings: str) -> None:
    prose = " ".join((MAN / "w2s-protocols.md").read_text().split())
    assert settings in prose
    with torch.device("meta"):
        assert initial_network(replace(load(recipe, settings.split()), start=""))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_its_page(name: str) -> None:
    words = re.split(r"[\s,]+", page(name).partition(".SH OPTIONS")[2])
    command = COMMANDS[name]
    below = {} if command is ROOT else getattr(command, "commands", {})
    for verb in [command, *below.values()]:
        context = verb.make_context(name, [], resilient_parsing=True)
        for parameter in verb.get_params(context):
            if parameter.param_type_name == "option":
                for option in parameter.opts:
                    assert option in words, f"{option} is missing in {name}.1"


def test_pages_name_pages() -> None:
    for name in COMMANDS:
        for other in re.findall(r"(w2s[a-z-]*)\(1\)", page(name)):
            assert other in COMMANDS


@pytest.mark.parametrize("name", [entry.name for entry in METHODS])
def test_every_method_stands_in_the_page_of_restore(name: str) -> None:
    methods = page("w2s-restore").partition(".SH METHODS")[2].partition(".SH EXIT")[0]
    places = re.split(rf"^\.T[PQ]\n{re.escape(name)}$", methods, flags=re.MULTILINE)
    assert len(places) == 2, f"{name} is missing"
    # The networks of others share their options.
    shared = "published" in METHODS[name].target
    about = methods if shared else places[1].partition(".TP\n")[0]
    for option in options_of(METHODS[name].load()):
        assert re.search(rf"\b{option.name}\b", about), f"{name}: {option.name}"


@pytest.mark.parametrize("name", ["w2s", "w2s-restore"])
def test_exit_codes(name: str) -> None:
    listed = page(name).partition(".SH EXIT STATUS")[2]
    codes = {int(code) for code in re.findall(r"^(\d+)$", listed, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if hasattr(kind, "exit_code")]
    assert codes >= {0, 130, 141, *(kind.exit_code for kind in kinds)}


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
@pytest.mark.parametrize("path", sorted(MAN.glob("man?/*")), ids=lambda path: path.stem)
def test_pages_render_without_a_warning(path: Path) -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", str(path)], capture_output=True, check=True
    )
    assert done.stderr == b""


def _keys(table: type) -> Iterator[str]:
    """Yield the keys of a recipe's table, and of the tables in it."""
    kinds = get_type_hints(table)
    for key in fields(table):
        yield key.name
        kind = kinds[key.name]
        for one in (kind, *get_args(kind)):  # a table, or none
            if isinstance(one, type) and is_dataclass(one) and one is not table:
                yield from _keys(one)


def test_every_key_of_a_recipe_stands_in_its_page() -> None:
    words = re.split(r"[\s,.;:()]+", page("w2s-train"))
    missing = sorted(set(_keys(Recipe)) - set(words))
    assert not missing
