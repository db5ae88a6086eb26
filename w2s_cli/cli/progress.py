"""A progress bar on standard error, where somebody can see it move."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from w2s_cli.cli.output import duration, note, printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from w2s_cli.pipeline.shared_fitting import FittedMethods
    from w2s_cli.pipeline.spec import RestoreSpec
    from w2s_cli.restorers.chain import Chain
    from w2s_cli.restorers.restorer import FitProgress


EVERY = 30  # seconds between two lines


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
        self.display.update(self.task, description=printable(name))

    def advance(self) -> None:
        """Count one more."""
        self.display.advance(self.task)

    def reach(self, done: int, total: int) -> None:
        """Learn how many are done, and of how many; 0 where that is not known."""
        self.display.update(self.task, completed=done, total=total or None)


class Lines:
    """The same as lines, for a log file: one now and then, none of what is short."""

    def __init__(self, name: str, in_words: Callable[[int], str] = str) -> None:
        self._name, self._in_words = name, in_words
        self._first, self._done, self._total = 0, 0, 0
        self._begun = self._said = monotonic()

    def start(self, total: int) -> None:
        """Learn how many there are."""
        self._first, self._done, self._total = 0, 0, total
        self._begun = monotonic()

    def rename(self, name: str) -> None:
        """Say what is in hand now."""
        self._name = name

    def advance(self) -> None:
        """Count one more."""
        self.reach(self._done + 1, self._total)

    def reach(self, done: int, total: int) -> None:
        """Learn how many are done, and of how many."""
        if total != self._total or done < self._done:
            self.start(total)
            self._first = done  # a download that goes on has some already
        self._done, now = done, monotonic()
        if now - self._said < EVERY or not self._first < done < total:
            return
        self._said = now
        left = (now - self._begun) / (done - self._first) * (total - done)
        counted = f"{self._in_words(done)} of {self._in_words(total)}"
        note(f"{self._name}: {counted}, about {duration(left)} left")


@contextmanager
def progress(
    name: str, *, quiet: bool, download: bool = False
) -> Iterator[Bar | Lines]:
    """Show a bar while the block runs; lines where nobody could see it move.

    Of a download bytes are counted.
    """
    from rich.console import Console
    from rich.filesize import decimal
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    moving = not quiet and console.is_terminal and not console.is_dumb_terminal
    if not moving and not quiet:
        yield Lines(name, decimal if download else str)
        return
    bytes_done = (DownloadColumn(), TransferSpeedColumn())
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *(bytes_done if download else (MofNCompleteColumn(),)),
        TimeRemainingColumn(),
        console=console,
        disable=not moving,
        transient=True,
        redirect_stdout=False,  # the image itself may go there
    ) as display:
        yield Bar(display, display.add_task(printable(name), total=None))


_WARM, _TIMED = 5, 20  # steps: the first are slower; then it is known how long all take


@dataclass(frozen=True)
class FitDisplay:
    """What a method is fitted to, and the bar that shows how far it is."""

    name: str
    bar: Bar | Lines
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
        save_weights(fitted, spec.save_weights, overwrite=spec.overwrite)
    return fitted
