"""The curves of a training for TensorBoard, where that is installed."""

from importlib.util import find_spec
from typing import Any

import numpy as np

from w2s_cli.training.progress import Progress


class Board:
    """Event files in the folder of each phase."""

    def __init__(self) -> None:
        self._writers: dict[str, Any] = {}

    def add(self, progress: Progress) -> None:
        """Write a step: its losses, and the samples where there are any."""
        writer = self._writer(str(progress.folder))
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

    def _writer(self, folder: str) -> Any:
        if folder not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[folder] = SummaryWriter(folder)
        return self._writers[folder]


def board() -> Board | None:
    """Return a board where TensorBoard is installed, else None."""
    return Board() if find_spec("tensorboard") else None
