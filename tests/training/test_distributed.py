"""Processes that share a training, with the variables that `torchrun` sets for them."""

import os
import pickle
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from w2s_cli.errors import UsageError
from w2s_cli.training.distributed import Distributed
from w2s_cli.training.loop import train
from w2s_cli.training.progress import read_log
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Network, Patches
from w2s_cli.weights import checkpoint

# Trains as another of the processes.
OTHER = """
import pickle, sys
from pathlib import Path
from w2s_cli.training.loop import train
train(pickle.loads(Path(sys.argv[1]).read_bytes()))
"""


def test_processes_that_share_a_training_learn_what_one_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(
        "tiny",
        runs=tmp_path / "one",
        steps=3,
        threads=1,
        device="cpu",
        simulated_fields=1,
        validation_batches=1,
        network=Network("unet", {"width": 8, "levels": 2, "blocks": 1}),
        patches=Patches(side=32, batch=4),
    )
    alone = checkpoint.load(train(recipe)).state
    shared = replace(recipe, runs=tmp_path / "two")
    (file := tmp_path / "recipe").write_bytes(pickle.dumps(shared))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, value in {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, file], env={**os.environ, "RANK": "1"}
    )
    monkeypatch.setenv("RANK", "0")
    for name, tensor in checkpoint.load(train(shared)).state.items():
        torch.testing.assert_close(tensor, alone[name], atol=2e-3, rtol=2e-3)
    assert other.wait(timeout=60) == 0
    log = read_log(tmp_path / "two" / "tiny" / "log.csv")["loss"]
    assert [step for step, _ in log] == [1, 2, 3]


def test_a_batch_that_processes_cannot_share_is_refused() -> None:
    assert [*Distributed(1, 2, "cpu").share(4)] == [1, 3]
    with pytest.raises(UsageError, match="3 processes cannot share a batch of 4"):
        Distributed(0, 3, "cpu").share(4)
