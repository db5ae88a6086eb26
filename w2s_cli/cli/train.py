"""`w2s train`: from a recipe to weights."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from w2s_cli.training.progress import Progress as Step


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A TOML file, or a recipe that ships: denoise, jdsr or epll.",
            metavar="RECIPE",
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Settings in place of the recipe's.", metavar="KEY=VALUE"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only where the weights are.")
    ] = False,
) -> None:
    """Train a network, or learn the prior of vst+epll.

    For example:
      w2s train jdsr data=images
      w2s train denoise data=images steps=8000 patches.batch=8
      w2s train mine.toml runs=/scratch/runs
      w2s train epll data=images

    A network's training that was interrupted goes on from its last checkpoint. The
    weights are for `w2s restore --weights`.
    """
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    from w2s_cli.training import loop, mixture
    from w2s_cli.training.recipe import load

    wanted = load(recipe, settings or [])
    run = mixture.train if wanted.kind == "mixture" else loop.train
    console = Console(stderr=True)
    still = quiet or not console.is_terminal or console.is_dumb_terminal
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with Progress(
        *columns,
        TextColumn("{task.fields[state]}", markup=False),
        console=console,
        disable=still,
    ) as display:
        task = display.add_task(wanted.name, total=wanted.steps, state="")
        weights = run(wanted, lambda step: _told(display, task, step, quiet=quiet))
    typer.echo(weights)


def _told(display: "Progress", task: "TaskID", step: "Step", *, quiet: bool) -> None:
    display.update(task, completed=step.step, state=f"loss {step.loss:.3f}")
    if step.validation is not None and not quiet:
        typer.echo(f"step {step.step}: validation loss {step.validation:.4f}", err=True)
