"""`w2s train`: from a recipe to weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Annotated

from w2s_cli.cli import completion
from w2s_cli.cli.output import TERMINAL, duration, note, print_result, table
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import TaskID

    from w2s_cli.training.progress import (
        ProgressCallback,
        TensorBoardWriter,
        TrainingProgress,
    )
    from w2s_cli.training.recipe import Recipe

_COLUMNS = ("input", "output", "truth")
_POINTS = 100  # of a curve of losses: each is the mean of some steps


@contextmanager
def watched(recipe: "Recipe", *, quiet: bool) -> "Iterator[ProgressCallback]":
    """Enter with a function to call after each step."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    from w2s_cli.training.progress import tensorboard_writer

    console = Console(stderr=True)
    still = quiet or not console.is_terminal or console.is_dumb_terminal
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    state = TextColumn("{task.fields[state]}", markup=False)
    with Progress(*columns, state, console=console, disable=still) as display:
        watcher = _Watcher(recipe, display, tensorboard_writer(), quiet=quiet)
        try:
            yield watcher.show
        finally:
            watcher.close()


class _Watcher:
    def __init__(
        self,
        recipe: "Recipe",
        display: "Display",
        tensorboard: "TensorBoardWriter | None",
        *,
        quiet: bool,
    ) -> None:
        self._recipe, self._display, self._tensorboard = recipe, display, tensorboard
        self._quiet = quiet
        self._tasks: dict[str, TaskID] = {}
        self._since, self._from = monotonic(), 0

    def show(self, progress: "TrainingProgress") -> None:
        """Show a step."""
        self._display.update(
            self._task(progress),
            completed=progress.step,
            state=f"loss {progress.loss:.4g}",
        )
        if self._tensorboard:
            self._tensorboard.add(progress)
        if progress.validation is None:
            return
        if not self._quiet:
            note(self._line(progress))
        draw(progress)

    def close(self) -> None:
        """Finish what was begun."""
        if self._tensorboard:
            self._tensorboard.close()

    def _task(self, progress: "TrainingProgress") -> "TaskID":
        name = str(progress.folder)
        if name not in self._tasks:
            label = str(progress.folder.relative_to(self._recipe.runs))
            task = self._display.add_task(label, total=progress.steps, state="")
            self._tasks[name] = task
            self._since, self._from = monotonic(), progress.step
        return self._tasks[name]

    def _line(self, progress: "TrainingProgress") -> str:
        taken = progress.step - self._from
        left = (monotonic() - self._since) * (progress.steps - progress.step)
        time = f", {duration(left / taken)} left" if taken and left else ""
        return (
            f"step {progress.step} of {progress.steps}: "
            f"validation loss {progress.validation:.4g}{time}"
        )


def draw(progress: "TrainingProgress") -> None:
    """Draw the curves of a training so far, and its samples, beside its log."""
    from numpy import asarray

    from w2s_cli.bench.pictures import save_sheet
    from w2s_cli.bench.plots import Series, line_plot
    from w2s_cli.training.progress import read_log, smoothed

    curves = read_log(progress.folder / "log.csv")
    each = max(len(curves["loss"]) // _POINTS, 1)
    curves_shown = {"training": smoothed(curves["loss"], each)}
    curves_shown["validation"] = curves.get("validation", [])
    series = [
        Series(name, asarray(points)[:, 0], asarray(points)[:, 1], colour=number)
        for number, (name, points) in enumerate(curves_shown.items())
        if points
    ]
    path = progress.folder / "losses.png"
    line_plot(path, series, "step", "loss", progress.folder.name)
    if progress.samples:
        save_sheet(progress.folder / "samples.png", progress.samples, _COLUMNS)


def train(
    recipe: Annotated[
        str,
        arg(
            "A TOML file, or a recipe that ships.",
            metavar="RECIPE",
            complete=completion.recipes,
        ),
    ] = "",
    settings: Annotated[
        list[str] | None, arg("Settings in place of the recipe's.", metavar="KEY=VALUE")
    ] = None,
    list_: Annotated[bool, opt("List the recipes that ship.", "--list", "-l")] = False,
    quiet: Annotated[
        bool, opt("Say only where the weights are.", "--quiet", "-q")
    ] = False,
) -> None:
    """Train a network, or fit the prior of vst+epll.

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
        from w2s_cli.training.recipe import SHIPPED, load

        found = [load(path.stem) for path in sorted(SHIPPED.glob("*.toml"))]
        rows = [[one.name, one.summary] for one in found]
        print_result(table([["RECIPE", "WHAT"], *rows], TERMINAL))
        return
    if not recipe:
        raise UsageError(
            "no recipe is named", hint="`w2s train --list` lists those that ship"
        )
    from w2s_cli.training import loop, mixture_training
    from w2s_cli.training.recipe import load

    spec = load(recipe, settings or [])
    run = mixture_training.train if spec.kind == "mixture" else loop.train
    with watched(spec, quiet=quiet) as progress:
        weights = run(spec, progress)
    print_result(str(weights))
