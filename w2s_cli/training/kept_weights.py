"""Weights that are trained once, and kept with what was fetched."""

from collections.abc import Callable
from pathlib import Path

from w2s_cli.weights.cache import cache_folder, locked


def trained_once(name: str, digest: str, training: Callable[[Path], Path]) -> Path:
    """Return the weights of a training, which goes on where it was interrupted.

    One that another process is at is waited for.

    - `name`: what the weights are called.
    - `digest`: a hash of all that decides about them.
    - `training`: trains in a folder; returns the file, which is moved.
    """
    folder = cache_folder() / "fitted" / digest[:32]
    weights = folder / f"{name}.safetensors"
    with locked(folder):
        if not weights.is_file():
            made = training(folder)
            made.replace(weights)
            (made.parent / "checkpoint.pt").unlink()
    return weights
