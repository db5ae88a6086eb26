"""What is done to each image of a row, and how the result is scored."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from w2s_cli import __version__
from w2s_cli.bench.config import Row
from w2s_cli.bench.scores.convention import Convention
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.errors import UsageError
from w2s_cli.methods.build import account, build
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.units import EIGHT_BIT


@dataclass(frozen=True, slots=True)
class MethodConfig:
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

    def of(self, row: Row) -> "MethodConfig":
        """Return the trial of the methods of a row."""
        return replace(
            self, method=row.method, options=row.options, weights=row.weights
        )

    @property
    def digest(self) -> str:
        """Return a hash of all that decides about scores besides the images."""
        decides = {
            "version": __version__,
            "links": account(self.method, chain_of(self)),
            "metrics": self.metrics,
            "convention": self.convention.as_json(),
            "known_noise": self.known_noise,
            "eight_bit": self.eight_bit,
            "first_version": self.first_version,
            "tile": self.tile,
        }
        return sha256(dumps(decides, sort_keys=True).encode()).hexdigest()


def method_config(data: DataSet, protocol: str, **settings: Any) -> MethodConfig:
    """Return a trial on images of a data set.

    Parameters
    ----------
    data
        The images.
    protocol
        The name that the convention started from.
    settings
        Of the trial, the convention among them.

    Raises
    ------
    UsageError
        When the protocol is for gray values and the images are in counts, or the other
        way round.
    """
    eight_bit = data.per_unit == EIGHT_BIT.white
    first_version = protocol.startswith("w2s-v1")
    trial = MethodConfig(eight_bit=eight_bit, first_version=first_version, **settings)
    if trial.convention.clip and not eight_bit:
        raise UsageError(
            f"{protocol} scores images of 8 bit, those of {data.place} are in counts",
            hint="prepare them: w2s data prepare w2s RAW --form png",
        )
    if trial.convention.unit == "z" and eight_bit:
        raise UsageError(
            f"{protocol} takes z-scores of counts, and {data.place} has gray values "
            "of 8 bit",
            hint="prepare them: w2s data prepare w2s RAW",
        )
    return trial


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
    return {"fmd": "fmd", "video-rate": "basicsr"}.get(data.name, "plain")


@lru_cache(maxsize=8)
def chain_of(trial: MethodConfig) -> Chain:
    """Return the methods, built once a process; weights load at their first use."""
    return build(
        trial.method, trial.options, trial.weights, trial.device, trial.precision
    )
