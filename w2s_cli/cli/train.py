"""`w2s train`: from a recipe to weights."""

from typing import Annotated

import typer

from w2s_cli.cli.train_report import recipes_table, watched
from w2s_cli.errors import UsageError


def train(
    recipe: Annotated[
        str,
        typer.Argument(help="A TOML file, or a recipe that ships.", metavar="RECIPE"),
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Settings in place of the recipe's.", metavar="KEY=VALUE"),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", "-l", help="List the recipes that ship.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only where the weights are.")
    ] = False,
) -> None:
    """Train a network, or learn the prior of vst+epll.

    For example:
      w2s train --list
      w2s train jdsr data=images
      w2s train dncnn-w2s data=W2S pairs.levels=[4] runs=/scratch/runs
      w2s train mine.toml steps=8000 patches.batch=8
      torchrun --nproc-per-node=4 -m w2s_cli train rcan-w2s data=W2S device=cuda

    A network's training that was interrupted goes on from its last checkpoint. The
    weights are for `w2s restore --weights`.
    """
    if list_:
        typer.echo(recipes_table())
        return
    if not recipe:
        raise UsageError(
            "no recipe is named", hint="`w2s train --list` lists those that ship"
        )
    from w2s_cli.training import loop, mixture
    from w2s_cli.training.reading import load

    wanted = load(recipe, settings or [])
    run = mixture.train if wanted.kind == "mixture" else loop.train
    with watched(wanted, quiet=quiet) as tell:
        weights = run(wanted, tell)
    typer.echo(weights)
