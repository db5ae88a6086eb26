"""A progress bar on standard error, where somebody can see it move."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from w2s_cli.cli.output import duration, note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from w2s_cli.pipeline.shared_fitting import FittedMethods
    from w2s_cli.pipeline.spec import RestoreSpec
    from w2s_cli.restorers.chain import Chain
    from w2s_cli.restorers.restorer import FitProgress


@dataclass(frozen=True, slots=True)
class Bar:
    """What is in hand, and how much of it is done: tiles, images, files."""

    display: "Progress"
    task: "TaskID"

    def start(self, total: int) -> None:
        """Learn how many there are."""
        self.display.update(self.task, total=total)

    def rename(self, name: str) -> None:
        """Say what is in hand now."""
        self.display.update(self.task, description=name)

    def advance(self) -> None:
        """Count one more."""
        self.display.advance(self.task)

    def reach(self, done: int, total: int) -> None:
        """Learn how many are done, and of how many."""
        self.display.update(self.task, completed=done, total=total)


@contextmanager
def progress(name: str, *, quiet: bool) -> Iterator[Bar]:
    """Show a bar while the block runs, unless nobody could see it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    still = quiet or not console.is_terminal or console.is_dumb_terminal
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=still,
        transient=True,
        redirect_stdout=False,  # the image itself may go there
    ) as display:
        yield Bar(display, display.add_task(name, total=None))


_WARM, _TIMED = 5, 20  # steps: the first are slower; then it is known how long all take


@dataclass(frozen=True)
class FitDisplay:
    """What a method is fitted to, and the bar that shows how far it is."""

    name: str
    bar: Bar
    quiet: bool

    def of_channel(self, channel: int) -> "FitProgress":
        """Return what to call after each step in a channel."""
        begun: list[float] = []
        name = f"{self.name}, channel {channel + 1}" if channel else self.name

        def show(step: int, steps: int, loss: float) -> None:
            begun.append(monotonic())
            if len(begun) == _TIMED and not self.quiet:
                each = (begun[-1] - begun[_WARM]) / (_TIMED - 1 - _WARM)
                left = each * (steps - step)
                note(f"{self.name}: at most {steps} steps, about {duration(left)}")
            self.bar.rename(f"{name}: loss {loss:.4g}")
            self.bar.reach(step, steps)

        return show


def fit_to_files(
    spec: "RestoreSpec", chain: "Chain", *, quiet: bool
) -> "FittedMethods":
    """Return the method fitted to the files of `--train-on`, saved as asked."""
    from w2s_cli.pipeline.shared_fitting import fit_files, save_weights

    name = str(spec.train_on[0])
    with progress(name, quiet=quiet) as bar:
        shown = FitDisplay(name, bar, quiet=quiet)
        fitted = fit_files(spec, chain, spec.train_on, shown.of_channel)
    if spec.save_weights:
        save_weights(fitted, spec.save_weights)
    return fitted
