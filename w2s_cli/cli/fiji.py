"""`w2s fiji`: w2s in the menus of Fiji and ImageJ."""

import json
import os
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.commands import Command, Commands
from w2s_cli.cli.output import note, print_result
from w2s_cli.cli.typer_options import arg
from w2s_cli.errors import ExistsError, UnknownNameError, UsageError
from w2s_cli.methods import FOR_MENUS

fiji = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None)

MACRO = "Restore_with_w2s.ijm"
NAMES = (MACRO, "Restore_Folder_with_w2s.py")
_PLACE = Path("plugins", "w2s")  # Fiji makes a menu of it
_NameOfFile = Annotated[
    str, arg(f"Which file: {' or '.join(NAMES)}.", metavar="[NAME]")
]


class _AtTemplate(Template):
    """A text with fields such as @command."""

    delimiter = "@"


@fiji.callback()
def about() -> None:
    """Restore the open image from Fiji or ImageJ.

    For example:
      w2s fiji install ~/Fiji.app
      w2s fiji print > Restore_with_w2s.ijm
    """


@fiji.command("install", cls=Command, no_args_is_help=True)
def install(
    folder: Annotated[Path, arg("Where Fiji is, such as Fiji.app.", metavar="FOLDER")],
    overwrite: ask.Overwrite = False,
) -> None:
    """Add Plugins > w2s to Fiji, with this very w2s behind it."""
    if not (folder / "plugins").is_dir():
        raise UsageError(
            f"{folder} has no folder plugins",
            hint="name the folder that Fiji was unpacked into, such as ~/Fiji.app",
        )
    place = folder / _PLACE
    there = [place / name for name in NAMES if (place / name).exists()]
    if there and not overwrite:
        raise ExistsError(f"{there[0]} exists", hint="replace it with --overwrite")
    place.mkdir(exist_ok=True)
    for name in NAMES:
        (place / name).write_text(text_of(name), encoding="utf-8")
        print_result(str(place / name))
    note("start Fiji again: Plugins > w2s > Restore with w2s")


@fiji.command("print", cls=Command)
def print_file(name: _NameOfFile = MACRO) -> None:
    """Print the macro, or the script for a whole folder."""
    print_result(text_of(name).rstrip())


@fiji.command("run", cls=Command, no_args_is_help=True)
def run(
    source: Annotated[Path, typer.Argument(metavar="IN")],
    target: Annotated[Path, typer.Argument(metavar="OUT")],
    method: Annotated[str, typer.Argument(metavar="METHOD")],
    more: Annotated[str, typer.Argument(metavar="[OPTIONS]")] = "",
) -> None:
    """Restore a file, and print what Fiji is to show: a macro has one text alone."""
    words = [*_W2S, "restore", str(source), "-o", str(target), "--method", method]
    done = subprocess.run(
        [*words, "--quiet", *shlex.split(more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = done.stdout.replace(f"{source}: ", "").strip()
    if said:
        print_result(said)
    raise typer.Exit(done.returncode)


_W2S = (sys.executable, "-m", "w2s_cli")


def text_of(name: str) -> str:
    """Return a file for Fiji, which calls the w2s that is running."""
    if name not in NAMES:
        raise UnknownNameError("file for Fiji", name, NAMES)
    template = files(__package__) / "fiji_files" / f"{name}.template"
    text = template.read_text(encoding="utf-8")
    python, *words = (json.dumps(os.fspath(word)) for word in _W2S)
    return _AtTemplate(text).safe_substitute(
        command=python[1:-1],
        words="".join(f"{word}, " for word in words),
        methods=", ".join(map(json.dumps, FOR_MENUS)),
        choices=", ".join(map(json.dumps, FOR_MENUS)),
        default=FOR_MENUS[0],
        python=", ".join([python, *words]),
    )
