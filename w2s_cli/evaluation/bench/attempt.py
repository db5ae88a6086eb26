"""One image restored, timed and scored."""

from functools import lru_cache
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.datasets import Pair
from w2s_cli.errors import InputError
from w2s_cli.estimate.noise import fit_noise
from w2s_cli.evaluation.bench import first_version
from w2s_cli.evaluation.bench.scored import Scored
from w2s_cli.evaluation.bench.trial import Trial, chain_of
from w2s_cli.evaluation.scores.aids import Aids, aids_for
from w2s_cli.evaluation.scores.convention import Convention
from w2s_cli.evaluation.scores.score import score
from w2s_cli.methods.levels import stretches
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.restore import Levels, lessons, restore
from w2s_cli.restore.affine import EIGHT_BIT
from w2s_cli.restore.sampling import spread
from w2s_cli.stack import Stack

FloatArray = NDArray[np.float32]


def content_of(pair: Pair) -> str:
    """Return a hash of the pixels of a pair."""
    digest = sha256()
    for plane in (pair.image, pair.truth, pair.valid):
        if plane is not None:
            digest.update(f"{plane.dtype} {plane.shape}".encode())
            digest.update(np.ascontiguousarray(plane).data)
    digest.update(str(pair.noise).encode())
    return digest.hexdigest()


def attempt(trial: Trial, pair: Pair, content: str) -> Scored:
    """Return the scores of one image; an image that is refused says why.

    Parameters
    ----------
    trial
        What to do.
    pair
        The image, its truth, and where both are valid.
    content
        Its hash: see `content_of`.
    """
    _warm_up(trial)
    start = perf_counter()
    try:
        image = restored(trial, pair)
        seconds = perf_counter() - start
        scores = score(
            *(pair.truth, image, trial.metrics, trial.convention, pair.valid),
            low=pair.image,
            aids=_aids(trial.metrics, trial.convention),
        )
    except InputError as error:
        return Scored(pair.name, pair.group, content, {}, 0.0, str(error))
    return Scored(pair.name, pair.group, content, scores, seconds)


def restored(trial: Trial, pair: Pair) -> FloatArray:
    """Return the restored image, float32 in the unit of the input.

    Raises
    ------
    InputError
        When the image has no noise that can be measured, and the method needs it.
    """
    chain = chain_of(trial)
    stack = Stack(pair.image, "YX")
    noise = {0: _noise(trial, pair)} if chain.needs_noise else {}
    levels = _levels(trial, stack)
    taught = lessons(stack, chain, noise)
    if trial.first_version:
        known: dict[str, dict[int, Any]]
        known = {"noise": {**noise}, "levels": {**levels}, "lesson": {**taught}}
        facts: dict[str, Any] = {name: by[0] for name, by in known.items() if 0 in by}
        return first_version.restored(pair.image, chain.bound(**facts))
    result, _ = restore(stack, chain, noise, levels, taught, tile=trial.tile)
    plane: FloatArray = result.data[()]
    return plane


def _noise(trial: Trial, pair: Pair) -> NoiseModel:
    if trial.known_noise and pair.noise is not None:
        return pair.noise
    return fit_noise(spread([pair.image])).model


def _levels(trial: Trial, stack: Stack) -> dict[int, Levels]:
    if trial.eight_bit:
        return {0: EIGHT_BIT}
    return dict(enumerate(one.levels for one in stretches(stack, chain_of(trial))))


@lru_cache(maxsize=8)
def _warm_up(trial: Trial) -> None:
    """Restore a small image, once a process: loading weights is no part of the time.

    A method that learns does so for each image anew, and loads nothing before.
    """
    if chain_of(trial).learner:
        return
    noise = NoiseModel(1.0)
    plane = noise.sample(np.full((64, 64), 100, np.float32), np.random.default_rng(0))
    stack = Stack(np.asarray(plane, np.float32), "YX")
    levels = {0: Levels(0, 200)}
    result, _ = restore(stack, chain_of(trial), {0: noise}, levels, tile=trial.tile)
    result.data[()]  # a plane is computed when it is asked for


@lru_cache(maxsize=1)
def _aids(metrics: tuple[str, ...], convention: Convention) -> Aids:
    return aids_for(metrics, convention)
