"""A progress bar on standard error, where somebody can see it move."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


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
