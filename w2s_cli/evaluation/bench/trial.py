"""One image restored, timed and scored."""

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import sha256
from json import dumps
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2s_cli import __version__
from w2s_cli.datasets import DataSet, Pair
from w2s_cli.errors import InputError, UsageError
from w2s_cli.estimate.noise import fit_noise
from w2s_cli.evaluation.bench import first_version
from w2s_cli.evaluation.scores.aids import Aids, aids_for
from w2s_cli.evaluation.scores.convention import Convention, protocol
from w2s_cli.evaluation.scores.score import score
from w2s_cli.methods.build import account, build
from w2s_cli.methods.levels import stretches
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.restore import Chain, Levels, restore
from w2s_cli.restore.affine import EIGHT_BIT
from w2s_cli.stack import Stack

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trial:
    """What is done to each image of a row, all that its scores depend on.

    Attributes
    ----------
    method, options, weights, device, precision
        The chain of methods: see `w2s_cli.methods.build.build`.
    metrics
        Names in `w2s_cli.metrics.METRICS`.
    convention
        Units, range, window, border and fit.
    known_noise
        Whether methods are told the noise that the data set knows; else it is
        estimated from each image, as `w2s restore` does.
    eight_bit
        Whether the values are gray, from 0 to 255.
    first_version
        Whether images are restored as for the first version of W2S's tables.
    tile
        Side of a tile, in input pixels.
    """

    method: str = "identity"
    options: tuple[str, ...] = ()
    weights: tuple[Path, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    metrics: tuple[str, ...] = ("rmse", "ssim")
    convention: Convention = field(default_factory=Convention)
    known_noise: bool = False
    eight_bit: bool = False
    first_version: bool = False
    tile: int = 512

    @property
    def digest(self) -> str:
        """Return a hash of all that decides about scores besides the images."""
        decides = {
            "version": __version__,
            "links": account(self.method, _chain(self)),
            "metrics": self.metrics,
            "convention": self.convention.as_json(),
            "known_noise": self.known_noise,
            "eight_bit": self.eight_bit,
            "first_version": self.first_version,
            "tile": self.tile,
        }
        return sha256(dumps(decides, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one image.

    Attributes
    ----------
    name, group
        The image and its field of view.
    content
        A hash of the image and its truth.
    scores
        By the name of the metric; empty where the image could not be restored.
    seconds
        That the restoration took, the estimate of the noise included.
    error
        Why it could not be restored.
    """

    name: str
    group: str
    content: str
    scores: dict[str, float]
    seconds: float
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the scores as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """Return the scores that `as_json` gave."""
        return cls(**found)


def content_of(pair: Pair) -> str:
    """Return a hash of the pixels of a pair."""
    digest = sha256()
    planes = (pair.image, pair.truth, pair.valid)
    for plane in planes:
        if plane is not None:
            digest.update(f"{plane.dtype} {plane.shape}".encode())
            digest.update(np.ascontiguousarray(plane).data)
    digest.update(str(pair.noise).encode())
    return digest.hexdigest()


def attempt(trial: Trial, pair: Pair, content: str = "") -> Scored:
    """Return the scores of one image; an image that is refused says why.

    Parameters
    ----------
    trial
        What to do.
    pair
        The image, its truth, and where both are valid.
    content
        A hash of the pair, where it is known already.
    """
    content = content or content_of(pair)
    _warm_up(trial)
    start = perf_counter()
    try:
        image = restored(trial, pair)
        seconds = perf_counter() - start
        scores = score(
            *(pair.truth, image, trial.metrics, trial.convention, pair.valid),
            low=pair.image,
            aids=_aids(trial.metrics),
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
    chain = _chain(trial)
    stack = Stack(pair.image, "YX")
    noise = {0: _noise(trial, pair)} if chain.needs_noise else {}
    levels = _levels(trial, stack)
    if trial.first_version:
        known = {"noise": noise.get(0), "levels": levels.get(0)}
        facts: dict[str, Any] = {name: one for name, one in known.items() if one}
        return first_version.restored(pair.image, chain.bound(**facts))
    result, _ = restore(stack, chain, noise, levels, tile=trial.tile)
    plane: FloatArray = result.data[()]
    return plane


def trial_of(data: DataSet, named: str, **settings: Any) -> Trial:
    """Return a trial on images of a data set, scored by a protocol.

    Parameters
    ----------
    data
        The images.
    named
        The protocol, of `w2s_cli.evaluation.scores.convention.PROTOCOLS`.
    settings
        Of the trial.

    Raises
    ------
    UnknownNameError
        When there is no such protocol.
    UsageError
        When the protocol is for gray values, and the images are in counts.
    """
    eight_bit = data.per_unit == EIGHT_BIT.white
    convention = protocol(named)
    if convention.clip and not eight_bit:
        raise UsageError(
            f"{named} scores images of 8 bit, those of {data.place} are in counts",
            hint="prepare them: w2s data prepare w2s RAW --form png",
        )
    first_version = named.startswith("w2s-v1")
    return Trial(
        convention=convention,
        eight_bit=eight_bit,
        first_version=first_version,
        **settings,
    )


def protocol_for(data: DataSet, *, enlarged: bool) -> str:
    """Return the protocol of the published figures of a data set.

    Parameters
    ----------
    data
        The images.
    enlarged
        Whether the methods enlarge.
    """
    if data.name == "w2s-png":
        return "w2s-v1-sr" if enlarged else "w2s-v1"
    if data.name.startswith("w2s-"):
        return "w2s"
    return "fmd" if data.name.startswith("fmd") else "plain"


def _noise(trial: Trial, pair: Pair) -> NoiseModel:
    if trial.known_noise and pair.noise is not None:
        return pair.noise
    return fit_noise([pair.image]).model


def _levels(trial: Trial, stack: Stack) -> dict[int, Levels]:
    if trial.eight_bit:
        return {0: EIGHT_BIT}
    return dict(enumerate(one.levels for one in stretches(stack, _chain(trial))))


@lru_cache(maxsize=8)
def _warm_up(trial: Trial) -> None:
    """Restore a small image, once a process: loading weights is no part of the time."""
    noise = NoiseModel(1.0)
    plane = noise.sample(np.full((64, 64), 100, np.float32), np.random.default_rng(0))
    stack = Stack(np.asarray(plane, np.float32), "YX")
    levels = {0: Levels(0, 200)}
    restored, _ = restore(stack, _chain(trial), {0: noise}, levels, tile=trial.tile)
    restored.data[()]


@lru_cache(maxsize=1)
def _aids(metrics: tuple[str, ...]) -> Aids:
    return aids_for(metrics)


@lru_cache(maxsize=8)
def _chain(trial: Trial) -> Chain:
    """Return the methods, built once a process; weights load at their first use."""
    return build(
        trial.method, trial.options, trial.weights, trial.device, trial.precision
    )
