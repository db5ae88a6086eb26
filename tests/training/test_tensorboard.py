import sys
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

from w2s_cli.training.progress import (
    TensorBoardWriter,
    TrainingProgress,
    tensorboard_writer,
)


class _Writer:
    made: ClassVar[list["_Writer"]] = []

    def __init__(self, folder: str) -> None:
        self.folder, self.told, self.closed = folder, [], False
        self.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.told.append((name, value, step))

    def add_image(self, name: str, image: np.ndarray, step: int) -> None:
        self.told.append((name, image.shape, step))

    def close(self) -> None:
        self.closed = True


def test_a_step_is_written_to_the_board(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ModuleType("torch.utils.tensorboard")
    stand_in.SummaryWriter = _Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", stand_in)
    sample = (np.ones((4, 4), np.float32),) * 3
    progress = TrainingProgress(
        7, 9, 0.5, 0.4, 1e-3, {"mse": 0.5}, Path("runs/a"), samples=(sample,)
    )
    shown = TensorBoardWriter()
    shown.add(progress)
    shown.close()
    (writer,) = _Writer.made
    assert writer.folder == "runs/a"
    assert ("loss/mse", 0.5, 7) in writer.told
    assert ("validation", 0.4, 7) in writer.told
    assert ("output/0", (1, 4, 4), 7) in writer.told
    assert writer.closed


def test_no_board_where_tensorboard_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("w2s_cli.training.progress.find_spec", lambda name: None)
    assert tensorboard_writer() is None
