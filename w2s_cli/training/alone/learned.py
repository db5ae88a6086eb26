"""What was learned from images, kept so that it need not be learned again."""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from w2s_cli import __version__
from w2s_cli.assets.cache import cache_folder
from w2s_cli.assets.lock import locked
from w2s_cli.restore import Series, Told
from w2s_cli.training.alone.places import fitted
from w2s_cli.training.alone.supply import Alone
from w2s_cli.training.examples import Part
from w2s_cli.training.loop import train
from w2s_cli.training.progress import Progress
from w2s_cli.training.recipe import Recipe


def learned(recipe: Recipe, places: Sequence[Series], told: Told) -> Path:
    """Return the weights that a recipe gives on images.

    They are kept in the cache by the pixels and the recipe. A training that was
    interrupted goes on, and one that another process is at is waited for.

    Parameters
    ----------
    recipe
        With the table `hidden`.
    places
        Planes in stabilised counts; those of one place are captures of the same.
    told
        What to call after each step.

    Raises
    ------
    InputError
        When nothing can be learned from them.
    OutputError
        When the cache cannot be written.
    """
    folder = cache_folder() / "learned" / _key(recipe, places)
    kept = folder / f"{recipe.name}.safetensors"
    with locked(folder):
        if not kept.is_file():
            _learn(replace(fitted(recipe, places), runs=folder), places, told, kept)
    return kept


def _learn(recipe: Recipe, places: Sequence[Series], told: Told, kept: Path) -> None:
    def source(recipe: Recipe, part: Part) -> Alone:
        return Alone(recipe, part, places)

    def tell(progress: Progress) -> None:
        told(progress.step, progress.steps, progress.loss)

    train(recipe, tell, source).replace(kept)
    (recipe.folder / "checkpoint.pt").unlink()


def _key(recipe: Recipe, places: Sequence[Series]) -> str:
    """Return a hash of all that decides about the weights."""
    digest = sha256(json.dumps([__version__, recipe.as_dict()]).encode())
    for place in places:
        digest.update(b"place")
        for plane in place:
            digest.update(str(plane.shape).encode())
            digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()[:32]
