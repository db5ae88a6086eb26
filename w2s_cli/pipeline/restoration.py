"""The one place that knows the order: open, diagnose, choose, fit, restore, record.

The command line, the Python API, the bench and the speed test all come through here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any

from w2s_cli import __version__
from w2s_cli.io import open_image, write_image
from w2s_cli.io.targets import STREAM, check_target, spooled_input, spooled_output
from w2s_cli.methods.build import chain_record
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.auto_method import Choice, resolve_auto
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis, diagnose
from w2s_cli.pipeline.shared_fitting import (
    FittedMethods,
    check_fitted,
    check_savable,
    save_weights,
)
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.pipeline.stack_restoration import Tally, bound_chains, restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import fit_channels
from w2s_cli.restorers.restorer import FitProgress
from w2s_cli.restorers.tiling import tile_count
from w2s_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class RestoreProgress:
    """What to call on the way."""

    # Called with the number of tiles
    started: Callable[[int], None] = lambda tiles: None
    tile: Callable[[], None] = lambda: None  # called after each tile
    # Called with a channel; gives what to call after each step of fitting
    fit: Callable[[int], FitProgress] = lambda channel: lambda step, steps, loss: None


@dataclass(frozen=True, slots=True, eq=False)
class Restoration:
    """A stack that is restored as its planes are read, and what is known of it."""

    spec: RestoreSpec  # what was asked for
    source: Stack  # the stack before, of the channels that were asked for
    image: Stack  # the restored stack; lazy
    method: str  # the methods that were taken, without `auto`
    chain: Chain
    choice: Choice | None  # why those, where that was left open
    diagnosis: Diagnosis  # what was found in the stack before
    fitted: FittedMethods  # the method that was fitted, by channel; empty for others
    tally: Tally  # complete when every plane of the image has been read

    @property
    def warnings(self) -> list[str]:
        """Return why the result should be looked at twice."""
        chosen = self.choice.warnings if self.choice else []
        methods = [link.traits for link in self.chain.links]
        return chosen + self.diagnosis.warnings_for(methods)

    @property
    def chains(self) -> list[Chain]:
        """Return the methods for each channel, from its counts to counts."""
        found = self.diagnosis
        return bound_chains(
            self.source, self.chain, found.noise, found.display_ranges, self.fitted
        )

    def found(self) -> dict[str, Any]:
        """Return what was found out and chosen, as a part of a JSON object."""
        learned = [dict(one.traits.provenance) for one in self.fitted.values()]
        return {
            **({"auto": self.choice.as_json()} if self.choice else {}),
            **self.diagnosis.as_json(),
            **({"learned": learned} if learned else {}),
        }

    @property
    def record(self) -> dict[str, Any]:
        """Return what an output says of its making; the same run says the same."""
        return {
            "tool": "w2s",
            "version": __version__,
            "command": "restore",
            **self.spec.as_record(),
            "links": chain_record(self.method, self.chain),
            **self.found(),
            "clipped": self.tally.clipped,
            "warnings": self.warnings,
        }


def restore_stack(
    spec: RestoreSpec,
    stack: Stack,
    *,
    given: Sequence[NoiseModel] | None = None,
    chain: Chain | None = None,
    diagnosis: Diagnosis | None = None,
    fitted: FittedMethods | None = None,
    progress: RestoreProgress | None = None,
) -> Restoration:
    """Return a restored stack, its planes computed when they are read.

    What is `given`, diagnosed or fitted already, and methods that are built, are used;
    the rest is done here: a few planes are read to diagnose the stack, and all that are
    learned from to fit a method. `given` stands for the noise models of every file.
    """
    progress = progress or RestoreProgress()
    chain = chain or spec.chain()
    part = spec.part(stack)
    if diagnosis is None:
        diagnosis = diagnose(
            part,
            spec.noise.everywhere if given is None else given,
            noise=chain.needs_noise,
            display_range=chain.needs_range,
            known_range=spec.display_range,
        )
    method, chain, choice = resolve_auto(spec, chain, diagnosis)
    if choice and not chain.needs_noise:
        diagnosis = diagnosis.without_noise()
    noise = diagnosis.noise
    if fitted:
        check_fitted(fitted, part, spec.train_on)
    check_savable(spec, part.channel_count)
    fitted = fitted or fit_channels(part, chain, noise, progress.fit)
    progress.started(tiles_of(part, chain, spec.tile))
    image, tally = restore_planes(
        part,
        chain,
        noise,
        diagnosis.display_ranges,
        fitted,
        tile=spec.tile,
        on_tile=progress.tile,
    )
    return Restoration(
        spec, part, image, method, chain, choice, diagnosis, fitted, tally
    )


@dataclass(frozen=True, slots=True)
class RestoredFile:
    """What a restored file is, and what was found out on the way."""

    source: Path
    target: Path
    # The output's shape, and its pixels per input pixel along Y and X
    shape: tuple[int, ...]
    scale: int
    channels: tuple[ChannelDiagnosis, ...]  # what the input showed, by channel
    clipped: int  # output pixels that did not fit into the file's dtype
    seconds: float  # wall time
    warnings: tuple[str, ...] = ()  # why the result should be looked at twice
    # Which method was taken, and why, where that was left open
    choice: Choice | None = None
    # What was found out, as a part of a JSON object
    found: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "shape": list(self.shape),
            "scale": self.scale,
            **self.found,
            "clipped": self.clipped,
            "warnings": [*self.warnings],
            "seconds": round(self.seconds, 3),
        }


def restore_file(
    spec: RestoreSpec,
    chain: Chain,
    source: Path,
    target: Path,
    *,
    fitted: FittedMethods | None = None,
    progress: RestoreProgress | None = None,
) -> RestoredFile:
    """Restore `source` into `target`, plane by plane."""
    start = perf_counter()
    if target != STREAM:
        check_target(target, overwrite=spec.overwrite)
    with (
        spooled_input(source) as file,
        open_image(file, axes=spec.axes) as stack,
        spooled_output(target) as spooled,
    ):
        result = restore_stack(
            spec,
            stack,
            given=spec.noise.of(source),
            chain=chain,
            fitted=fitted,
            progress=progress,
        )
        write_image(
            result.image,
            spooled,
            overwrite=spec.overwrite,
            record=lambda: result.record,
        )
        if spec.save_weights and not fitted:
            save_weights(result.fitted, spec.save_weights)
    return RestoredFile(
        source,
        target,
        result.image.data.shape,
        result.chain.traits.scale,
        result.diagnosis.channels,
        result.tally.clipped,
        perf_counter() - start,
        tuple(result.warnings),
        result.choice,
        result.found(),
    )


def tiles_of(stack: Stack, chain: Chain, tile: int) -> int:
    """Return how many tiles a stack is cut into."""
    *leading, height, width = stack.data.shape
    return prod(leading) * tile_count(height, width, chain.traits, tile)
