"""The whole specification of a run, from which the output's record is made."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from w2s_cli.errors import UsageError
from w2s_cli.io import open_image
from w2s_cli.io.formats import FORMATS
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.io.targets import STREAM
from w2s_cli.methods import AUTOMATIC, DEFAULT
from w2s_cli.methods.build import build, parse
from w2s_cli.restorers import TILE
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import DisplayRange
from w2s_cli.stack import Stack

RESOLVED, LEFT_OUT = "resolved", "left out"
"""Metadata of a field that the record doesn't repeat: see `RestoreSpec`."""

ALL = "all"
"""The series of a specification that is yet to be split into one an image."""

Compression: TypeAlias = Literal["zstd", "deflate", "lzw", "none"]
StoredAs: TypeAlias = Literal["auto", "input", "float32", "uint16"]
Defects: TypeAlias = Path | Literal["auto", "all", "keep"]


def defects_of(value: str | Path) -> Defects:
    """Return what is to be done with defects; any other name is a map's."""
    match value:
        case "auto" | "all" | "keep":
            return value
        case _:
            return Path(value)


@dataclass(frozen=True, slots=True)
class RestoreSpec:
    """How to restore images.

    Every field is written to the output's record, except those whose metadata say
    `RESOLVED` (the key of the record that has what became of it) or `LEFT_OUT` (why it
    is no part of the result).

    Attributes
    ----------
    method, options, weights, device, precision
        The chain of methods: see `w2s_cli.methods.build.build`.
    tile
        Side of a tile, in input pixels, at most: see `memory_forecast.fitting_tile`.
    noise
        Noise models that are known; estimated where there are none.
    display_range
        Black and white of every channel, for networks that need them; else measured.
    defects
        Whether pixels that the camera reads wrongly are looked for and repaired
        ("auto"), uneven lines evened out as well ("all"), or nothing is ("keep"); or a
        map of them, see `pipeline.defect_repair`, that is added to.
    dtype
        The type of the output's pixels: that of the input, but float32 where whole
        counts would round the light away ("auto"); that of the input; or another.
    compression
        That of a TIFF: "zstd", "deflate", "lzw" or "none"; the input's where None.
    pyramid
        Whether a TIFF is in tiles and has smaller sizes, for viewers.
    axes
        The axes of the file, where its metadata have none or are wrong.
    series
        The one of several images in a file, by name or number; the largest where None.
        `ALL` stands for a specification of each.
    channel
        The one channel to restore, by name or number; all of them where None.
    train_on
        Files that a self-supervised method is fitted to; to each input without.
    save_weights
        Where fitted weights are copied to.
    check
        Whether the output is compared with its input as it is written.
    uncertainty
        Whether a map of standard errors is made with the output.
    error_map
        Where that is written; beside the output where None.
    overwrite
        Whether an output that exists is replaced.
    max_memory, gpu_memory
        Bytes of main memory, and of that of a GPU, that may be taken; None for what
        the machine has.
    """

    method: str = DEFAULT
    options: tuple[str, ...] = ()
    weights: tuple[Path | None, ...] = ()
    device: str = field(default="auto", metadata={RESOLVED: "links"})
    precision: str = "auto"
    tile: int = field(default=TILE, metadata={RESOLVED: "tile"})
    noise: GivenNoise = field(default_factory=GivenNoise, metadata={RESOLVED: "noise"})
    display_range: DisplayRange | None = field(
        default=None, metadata={RESOLVED: "levels"}
    )
    defects: Defects = "auto"
    dtype: StoredAs = field(default="auto", metadata={RESOLVED: "dtype"})
    compression: Compression | None = None
    pyramid: bool = False
    axes: str | None = None
    series: str | None = None
    channel: str | None = None
    train_on: tuple[Path, ...] = ()
    save_weights: Path | None = field(
        default=None, metadata={LEFT_OUT: "a copy of weights, whose hash is recorded"}
    )
    check: bool = field(default=False, metadata={RESOLVED: "check"})
    uncertainty: bool = field(default=False, metadata={RESOLVED: "uncertainty"})
    error_map: Path | None = field(
        default=None, metadata={LEFT_OUT: "the map says which image it is of"}
    )
    overwrite: bool = field(
        default=False, metadata={LEFT_OUT: "about the file, not about its pixels"}
    )
    max_memory: int | None = field(
        default=None, metadata={LEFT_OUT: "about the machine; the tile is recorded"}
    )
    gpu_memory: int | None = field(
        default=None, metadata={LEFT_OUT: "about the machine; the tile is recorded"}
    )

    def opened(self, path: Path) -> AbstractContextManager[Stack]:
        """Open the image in a file that is to be restored, with all its channels."""
        return open_image(
            path,
            axes=self.axes,
            series=None if self.series == ALL else self.series,
            colours=self.channel is not None,
        )

    def in_form(self, image: Stack, target: Path) -> Stack:
        """Return an output that says what form of file is asked for."""
        asked = {"compression": self.compression, "pyramid": self.pyramid or None}
        asked = {key: value for key, value in asked.items() if value}
        if not asked:
            return image
        if target != STREAM and target.suffix.lower() not in FORMATS[0].suffixes:
            options = " and ".join(f"--{key}" for key in asked)
            raise UsageError(
                f"{options} {'are' if len(asked) > 1 else 'is'} for TIFF, which "
                f"{target} is not",
                hint="name a .ome.tif file, or leave it out",
            )
        return replace(image, extra={**image.extra, "asked form": asked})

    def part(self, stack: Stack) -> Stack:
        """Return the channels of a stack that are to be restored."""
        return stack if self.channel is None else stack.only_channel(self.channel)

    def chain(self) -> Chain:
        """Return the chain of methods, its weights loaded, built once for all files."""
        names = [entry.name for entry in parse(self.method)]
        if late := next((name for name in names[1:] if name in AUTOMATIC), ""):
            raise UsageError(
                f"{late} must come first, found {self.method}",
                hint="it goes by the noise of the camera, which other methods change",
            )
        chain = build(
            self.method, self.options, self.weights, self.device, self.precision
        )
        _ = chain.traits  # loads the weights: what is wrong with them shows now
        self._check_order(chain)
        return chain

    def _check_order(self, chain: Chain) -> None:
        """Refuse a method that needs the camera's noise on an enlarged image."""
        names = [entry.name for entry in parse(self.method)]
        traits = [link.traits for link in chain.links]
        first = next((at for at, one in enumerate(traits) if one.scale > 1), len(names))
        for name, late in zip(names[first + 1 :], traits[first + 1 :], strict=True):
            if _denoises(late):
                enlarger = names[first]
                raise UsageError(
                    f"{name} cannot come after {enlarger} in {self.method}: it expects "
                    "the noise of the camera, which an enlarged image has no longer",
                    hint=f"{enlarger} denoises as well: --method {enlarger}"
                    if _denoises(traits[first])
                    else f"denoise first: --method {name}+{enlarger}",
                )

    def doubts(self, chain: Chain) -> list[str]:
        """Return what to say of the run before it starts, one line a reason."""
        found = []
        names = [entry.name for entry in parse(self.method)]
        traits = [link.traits for link in chain.links]
        for at, name in enumerate(names):
            if compact := traits[at].provenance.get("compact"):
                found.append(
                    f"{name} has the compact weights that ship: {compact}; "
                    "`w2s train` and --weights FILE give it others"
                )
            if traits[at].noise_free and not any(map(_denoises, traits[:at])):
                found.append(
                    f"{name} has learned from images without noise, and takes noise "
                    f"for structure; denoise first: --method denoise+{name}"
                )
            if at and traits[at].network and _denoises(traits[at]):
                found.append(
                    f"{name} is made for the noise of the camera, and gets what "
                    f"{'+'.join(names[:at])} leaves of it: it may erase or invent "
                    f"structure; try --method {name} alone"
                )
        if any(_imitated(one.device, self.precision) for one in traits):
            found.append(
                f"this processor only imitates {self.precision}, about ten times as "
                "slow as fp32: leave --precision out"
            )
        return found

    def as_record(self) -> dict[str, Any]:
        """Return what the record says of the specification; unset fields are absent."""
        found = {
            one.name: _plain(getattr(self, one.name))
            for one in fields(self)
            if not {RESOLVED, LEFT_OUT} & one.metadata.keys()
        }
        return {
            name: value
            for name, value in found.items()
            if value not in (None, [], False)
        }


def _denoises(traits: Traits) -> bool:
    """Return whether a method is made for images with the camera's noise."""
    if traits.noise_free:
        return False
    return traits.needs_noise or (traits.network is not None and traits.scale == 1)


def _imitated(device: str | None, precision: str) -> bool:
    if device is None or precision in ("auto", "fp32"):
        return False
    from w2s_cli.networks.inference import is_slow  # torch, which is loaded by now

    return is_slow(device, precision)


def _plain(value: Any) -> Any:
    """Return a value as JSON; of a path the name, for folders may be private."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.name if isinstance(value, Path) else value
