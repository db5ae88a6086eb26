"""The progress of a training: its log, and what a callback gets."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from w2s_cli.io.atomic_files import replacing
from w2s_cli.restorers.restorer import FitProgress

Sample: TypeAlias = tuple[NDArray[np.float32], ...]
LEADING = ("step", "loss", "validation", "rate")


@dataclass(frozen=True, eq=False)
class TrainingProgress:
    """Where a training stands.

    - `step`, `steps`: how many were taken, of how many.
    - `loss`: of the last step's batch.
    - `validation`: of the held-out batches, where it was just measured; lower is
      better.
    - `rate`: the learning rate of the step.
    - `terms`: the parts of the loss, weighed, and the discriminator's own.
    - `folder`: where the training writes.
    - `samples`: at a validation: pictures of held-out inputs, outputs and truths, about
      in [0, 1].
    """

    step: int
    steps: int
    loss: float
    validation: float | None = None
    rate: float = 0.0
    terms: Mapping[str, float] = field(default_factory=dict)
    folder: Path = Path()
    samples: tuple[Sample, ...] = ()

    def row(self) -> list[str]:
        """Return the line of the log."""
        validation = "" if self.validation is None else f"{self.validation:.6g}"
        numbers = (f"{number:.6g}" for number in (self.rate, *self.terms.values()))
        return [str(self.step), f"{self.loss:.6g}", validation, *numbers]


ProgressCallback: TypeAlias = Callable[[TrainingProgress], None]


def fit_progress(progress: FitProgress) -> ProgressCallback:
    """Return a callback of a training that calls one of (step, steps, loss)."""
    return lambda now: progress(now.step, now.steps, now.loss)


@dataclass(frozen=True)
class LossLog:
    """A CSV file with a line a step."""

    path: Path

    def add(self, progress: TrainingProgress) -> None:
        """Add a line to the file, which is made where it is missing."""
        new = not self._begun
        with self.path.open("a", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            if new:
                lines.writerow([*LEADING, *progress.terms])
            lines.writerow(progress.row())

    def truncate(self, step: int) -> None:
        """Leave out what came after `step`, which will be done again."""
        if not self._begun:
            return
        head, *rows = self.path.read_text().splitlines()
        rows = [row for row in rows if int(row.partition(",")[0]) <= step]
        with replacing(self.path) as temporary:
            temporary.write_text("".join(f"{row}\n" for row in [head, *rows]))

    @property
    def _begun(self) -> bool:
        """Find out whether the file has a head; a full disk may have left it empty."""
        return self.path.exists() and self.path.stat().st_size > 0


def read_log(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the curves of a log: column -> (step, value), without what is missing."""
    curves: dict[str, list[tuple[int, float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            step = int(row.pop("step"))
            for name, text in row.items():
                if text:
                    curves.setdefault(name, []).append((step, float(text)))
    return curves


def smoothed(curve: list[tuple[int, float]], count: int) -> list[tuple[int, float]]:
    """Return the means of every `count` points of a curve, at the last of each."""
    parts = [curve[first : first + count] for first in range(0, len(curve), count)]
    return [
        (part[-1][0], sum(value for _, value in part) / len(part)) for part in parts
    ]


class TensorBoardWriter:
    """Event files in the folder of each phase."""

    def __init__(self) -> None:
        self._writers: dict[str, Any] = {}

    def add(self, progress: TrainingProgress) -> None:
        """Write a step: its losses, and the samples where there are any."""
        folder = str(progress.folder)
        if folder not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[folder] = SummaryWriter(folder)
        writer = self._writers[folder]
        step = progress.step
        writer.add_scalar("loss", progress.loss, step)
        writer.add_scalar("rate", progress.rate, step)
        for name, value in progress.terms.items():
            writer.add_scalar(f"loss/{name}", value, step)
        if progress.validation is not None:
            writer.add_scalar("validation", progress.validation, step)
        for number, sample in enumerate(progress.samples):
            for part, plane in zip(("input", "output", "truth"), sample, strict=True):
                shown = np.clip(plane, 0, 1)[None]
                writer.add_image(f"{part}/{number}", shown, step)

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()


def tensorboard_writer() -> TensorBoardWriter | None:
    """Return a board where TensorBoard is installed, else None."""
    return TensorBoardWriter() if find_spec("tensorboard") else None
