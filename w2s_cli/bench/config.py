"""Which combinations of methods a bench compares: the rows of its table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from itertools import chain, product
from json import dumps
from pathlib import Path
from typing import Any

from w2s_cli import __version__
from w2s_cli.bench.scores.convention import Convention
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.errors import UsageError
from w2s_cli.methods import AUTOMATIC, JOINT, METHODS
from w2s_cli.methods.build import (
    build,
    chain_options,
    chain_record,
    check_weights,
    lacking_weights,
    method_for_weights,
    options_for,
    parse,
    weights_for,
)
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers import TILE
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.units import EIGHT_BIT

NOISY, CLEAN = "noisy", "noise-free"
"""What stands for a denoiser where the input is as it is, or has no noise."""
LEVEL = "{level}"  # stands for the level of noise in the name of a method or a file


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a chain of methods on images of one level."""

    denoiser: str  # a method, `NOISY` or `CLEAN`
    sr: str  # what enlarges its output; empty for none
    level: int  # of the images; that of the cleanest ones for `CLEAN`
    # Files for the methods that take one, in their order; None for their own
    weights: tuple[Path | None, ...] = ()
    options: tuple[str, ...] = ()  # "key=value", only those that the methods have
    # What the table calls the denoiser and `sr`, where that is not their method
    labels: tuple[str, str] = ("", "")

    @property
    def names(self) -> tuple[str, str]:
        """Return what the table calls the denoiser and `sr`."""
        return self.labels[0] or self.denoiser, self.labels[1] or self.sr

    @property
    def name(self) -> str:
        """Return what the table calls it."""
        return "+".join(filter(None, self.names))

    @property
    def weights_by_part(
        self,
    ) -> tuple[tuple[Path | None, ...], tuple[Path | None, ...]]:
        """Return the files of the denoiser's methods, and those of `sr`'s."""
        bare = self.denoiser in ("", NOISY, CLEAN)
        number = 0 if bare else len(weights_for(self.denoiser, {}))
        return self.weights[:number], self.weights[number:]

    @property
    def method(self) -> str:
        """Return the methods that the images go through."""
        first = "" if self.denoiser in (NOISY, CLEAN) else self.denoiser
        return "+".join(filter(None, (first, self.sr))) or "identity"

    @property
    def scale(self) -> int:
        """Return 2 where the output is larger than the input."""
        scale = 1
        for entry in parse(self.method):
            if entry.needs_weights:
                # Not loaded yet, so that nothing is fetched; what may do both enlarges
                scale *= entry.scale or 2
            else:
                options = chain_options(entry.name, self.options)
                scale *= build(entry.name, options).traits.scale
        return scale

    def as_json(self) -> dict[str, Any]:
        """Return the row as a JSON object."""
        return {
            "method": self.name,
            "level": self.level,
            "scale": self.scale,
            "weights": [path and str(path) for path in self.weights],
            "options": [*self.options],
        }


@dataclass(frozen=True)
class BenchConfig:
    """Which methods are compared, at which levels of noise."""

    # Methods that don't enlarge. Alone they are compared with the noisy image; before
    # `sr`, every one with every one. Here and in `sr` and `joint`, "LABEL=FILE" stands
    # for the method that weights are for.
    denoisers: Sequence[str] = ()
    sr: Sequence[str] = ()  # methods that enlarge what a denoiser has made
    joint: Sequence[str] = ()  # methods that do both at once
    levels: Sequence[int] = (1,)  # of noise
    # Files by the name of their method. A file's name, as that of a method, may hold
    # "{level}".
    weights: Mapping[str, str] = field(default_factory=dict)
    # "key=value" or "method.key=value", for the methods that have them
    options: Sequence[str] = ()

    def rows(self, clean: int | None = None) -> list[Row]:
        """Return the rows, level by level, those of level `clean` last; None for none.

        Raises UsageError when nothing is to be compared, a method stands where it
        cannot, or weights or an option are for none of the methods.
        """
        for words in (self.denoisers, self.sr, self.joint):
            _check_names(words)
        first = [NOISY, *self.denoisers] if self.denoisers or self.sr else []
        pairs = [*product(first, self.sr or [""]), *product([""], self.joint)]
        rows = [self._row(*pair, level) for level in self.levels for pair in pairs]
        if clean is not None and clean not in self.levels:
            rows += [self._row(CLEAN, sr, clean) for sr in self.sr]
        if not rows:
            raise UsageError(
                "there is nothing to compare",
                hint="name methods: --denoiser denoise,vst+bm3d",
            )
        options = options_for([row.method for row in rows], self.options)
        rows = [replace(row, options=o) for row, o in zip(rows, options, strict=True)]
        for row in rows:
            names = [entry.name for entry in parse(row.method)]
            if name := next((one for one in names if one in AUTOMATIC), ""):
                raise UsageError(
                    f"{name} takes another method for each image, which no row can "
                    "tell",
                    hint="name the methods that it chooses from, such as denoise",
                )
            if (row.scale > 1) != bool(row.sr):
                raise UsageError(
                    f"{row.names[1] or row.names[0]} enlarges x{row.scale}",
                    hint="--denoiser is for methods that keep the size, --sr and --jdsr"
                    " for those that enlarge",
                )
        check_weights([row.method for row in rows], self.weights)
        wanting = (lacking_weights(row.method, row.weights) for row in rows)
        if missing := [*dict.fromkeys(chain(*wanting))]:
            from w2s_cli.methods.published_network import no_weights  # loads torch

            named = " ".join(f"--weights {name}=FILE" for name in missing)
            raise no_weights(missing, named)
        return rows

    def _row(self, denoiser: str, sr: str, level: int) -> Row:
        """Return the row of two words that name methods; either may be empty."""
        at_level = {k: v.replace(LEVEL, str(level)) for k, v in self.weights.items()}
        words = [word.replace(LEVEL, str(level)) for word in (denoiser, sr)]
        first, second = (_method_of(word) for word in words)
        files: list[Path | None] = []
        for word, method in zip(words, (first, second), strict=True):
            if "=" in word:
                files.append(Path(word.partition("=")[2]))
            elif method not in ("", NOISY, CLEAN):
                files += weights_for(method, at_level)
        weights = tuple(files) if any(files) else ()
        one, two = (word.rpartition("=")[0].partition("=")[0] for word in words)
        return Row(first, second, level, weights, labels=(one, two))


def _method_of(word: str) -> str:
    """Return the method that a word names, or that the file in "LABEL=FILE" is for."""
    label, labelled, file = word.partition("=")
    if not labelled:
        return label
    found = method_for_weights([Path(file)])
    if JOINT.get(label) == found:
        return label
    if label in METHODS and label != found:
        raise UsageError(
            f"{file} is for the method {found}, and would be called {label}",
            hint=f"give it another label, or leave it out: {found}={file}",
        )
    return found


def _check_names(words: Sequence[str]) -> None:
    """Raise UsageError where the table would call two rows the same, or one nothing."""
    names = [word.partition("=")[0] for word in words]
    for word, name in zip(words, names, strict=True):
        if "=" in word and (not name or word.endswith("=") or name in (NOISY, CLEAN)):
            raise UsageError(
                f"weights with a label of their own are given as LABEL=FILE, found "
                f"{word!r}",
                hint="for example --sr A=first.safetensors,B=second.safetensors",
            )
        if names.count(name) > 1:
            raise UsageError(
                f"two of the methods would be called {name}",
                hint="give each another label: LABEL=FILE",
            )


@dataclass(frozen=True, slots=True)
class MethodConfig:
    """What is done to each image of a row, all that its scores depend on."""

    # the chain of methods: see `w2s_cli.methods.build.build`
    method: str = "identity"
    options: tuple[str, ...] = ()
    weights: tuple[Path | None, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    metrics: tuple[str, ...] = ("rmse", "ssim")  # names in `w2s_cli.metrics.METRICS`
    # units, range, window, border and fit
    convention: Convention = field(default_factory=Convention)
    # whether methods get the noise that the data set knows; else it is estimated from
    # each image, as `w2s restore` does
    known_noise: bool = False
    eight_bit: bool = False  # whether the values are gray, from 0 to 255
    # whether images are restored as for the first version of W2S's tables
    first_version: bool = False
    tile: int = TILE  # side of a tile, in input pixels

    def of(self, row: Row) -> "MethodConfig":
        """Return the configuration with the methods of a row."""
        return replace(
            self, method=row.method, options=row.options, weights=row.weights
        )

    @property
    def spec(self) -> RestoreSpec:
        """Return how the images are restored."""
        return RestoreSpec(
            self.method,
            self.options,
            self.weights,
            self.device,
            self.precision,
            self.tile,
            display_range=EIGHT_BIT if self.eight_bit else None,
        )

    @property
    def digest(self) -> str:
        """Return a hash of all that decides about scores besides the images."""
        decides = {
            "version": __version__,
            "links": chain_record(self.method, chain_of(self)),
            "metrics": self.metrics,
            "convention": self.convention.as_json(),
            "known_noise": self.known_noise,
            "eight_bit": self.eight_bit,
            "first_version": self.first_version,
            "tile": self.tile,
        }
        return sha256(dumps(decides, sort_keys=True).encode()).hexdigest()


def method_config(data: DataSet, protocol: str, **settings: Any) -> MethodConfig:
    """Return how methods are run and scored on a data set by a protocol.

    Raises UsageError when the protocol is for gray values and the images are in counts,
    or the other way round.
    """
    eight_bit = data.per_unit == EIGHT_BIT.white
    first_version = protocol.startswith("w2s-v1")
    config = MethodConfig(eight_bit=eight_bit, first_version=first_version, **settings)
    if config.convention.clip and not eight_bit:
        raise UsageError(
            f"{protocol} scores images of 8 bit, those of {data.place} are in counts",
            hint="prepare them: w2s data prepare w2s RAW --form png",
        )
    if config.convention.unit == "z" and eight_bit:
        raise UsageError(
            f"{protocol} takes z-scores of counts, and {data.place} has gray values "
            "of 8 bit",
            hint="prepare them: w2s data prepare w2s RAW",
        )
    return config


def protocol_for(data: DataSet, *, enlarged: bool) -> str:
    """Return the protocol of the published figures of a data set."""
    if data.name == "w2s-png":
        return "w2s-v1-sr" if enlarged else "w2s-v1"
    if data.name.startswith("w2s-"):
        return "w2s"
    known = {"fmd": "fmd", "fmd-simulated": "noise2sr", "video-rate": "basicsr"}
    known["simulated-video-rate"] = "basicsr"
    return known.get(data.name, "plain")


@lru_cache(maxsize=8)
def chain_of(config: MethodConfig) -> Chain:
    """Return the methods, built once a process; weights load at their first use."""
    return build(
        config.method, config.options, config.weights, config.device, config.precision
    )
