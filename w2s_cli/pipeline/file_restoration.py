"""Restore one file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any

from w2s_cli import __version__
from w2s_cli.io import open_image, write_image
from w2s_cli.io.targets import STREAM, check_target, spooled_input, spooled_output
from w2s_cli.methods.build import account
from w2s_cli.pipeline.auto_method import resolve_auto
from w2s_cli.pipeline.diagnosis import diagnose_channels
from w2s_cli.pipeline.findings import Diagnosis
from w2s_cli.pipeline.shared_fitting import (
    FittedMethods,
    check_known,
    check_savable,
    save_weights,
)
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.pipeline.stack_restoration import restore
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.display_range import stretches
from w2s_cli.restorers.fitting import fit_channels
from w2s_cli.restorers.restorer import FitProgress
from w2s_cli.restorers.tiling import tile_count
from w2s_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a restored file is, and what was found out on the way.

    Attributes
    ----------
    source, target
        The files.
    shape, scale
        The output's shape, and its pixels per input pixel along Y and X.
    findings
        What was found out before.
    clipped
        Output pixels that did not fit into the file's dtype.
    seconds
        Wall time.
    """

    source: Path
    target: Path
    shape: tuple[int, ...]
    scale: int
    findings: Diagnosis
    clipped: int
    seconds: float

    @property
    def warnings(self) -> list[str]:
        """Return why the result should be looked at twice."""
        return self.findings.warnings

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "shape": list(self.shape),
            "scale": self.scale,
            **self.findings.as_json(),
            "clipped": self.clipped,
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
        }


def restore_file(
    job: RestoreSpec,
    chain: Chain,
    source: Path,
    target: Path,
    *,
    known: FittedMethods | None = None,
    on_step: Callable[[int], FitProgress] = lambda channel: (
        lambda step, steps, loss: None
    ),
    on_start: Callable[[int], None] = lambda tiles: None,
    on_tile: Callable[[], None] = lambda: None,
) -> Outcome:
    """Restore `source` into `target`, plane by plane.

    Parameters
    ----------
    job
        How.
    chain
        The methods of the job.
    source, target
        The files; "-" is a standard stream.
    known
        What a method that learns has learned before; None to learn from the file.
    on_step
        Gives what to call after each step of learning in a channel.
    on_start, on_tile
        Called once with the number of tiles, then after each tile.

    Raises
    ------
    W2SError
        When the file cannot be read, restored or written; nothing is left behind.
    """
    start = perf_counter()
    if target != STREAM:
        check_target(target, overwrite=job.overwrite)
    with (
        spooled_input(source) as file,
        open_image(file, axes=job.axes) as whole,
        spooled_output(target) as spooled,
    ):
        stack = job.part(whole)
        given = job.noise.of(source)
        taken, chain, choice = resolve_auto(job, chain, stack, given)
        channels, levels = (
            diagnose_channels(stack, chain, given),
            stretches(stack, chain),
        )
        noise = {number: one.noise for number, one in enumerate(channels)}
        if known:
            check_known(known, stack, job.train_on)
        check_savable(job, stack.channel_count)
        taught = known or fit_channels(stack, chain, noise, on_step)
        findings = Diagnosis(tuple(channels), tuple(levels), choice, taught)
        on_start(tiles(stack, chain, job.tile))
        restored, tally = restore(
            stack,
            chain,
            findings.noise,
            findings.levels,
            taught,
            tile=job.tile,
            on_tile=on_tile,
        )
        links = account(taken.method, chain)
        write_image(
            restored,
            spooled,
            overwrite=job.overwrite,
            record=lambda: _record(job, links, findings, tally.clipped),
        )
        if job.save_weights and not known:
            save_weights(taught, job.save_weights)
    return Outcome(
        source,
        target,
        restored.data.shape,
        chain.traits.scale,
        findings,
        tally.clipped,
        perf_counter() - start,
    )


def tiles(stack: Stack, chain: Chain, tile: int) -> int:
    """Return how many tiles a stack is cut into."""
    *leading, height, width = stack.data.shape
    return prod(leading) * tile_count(height, width, chain.traits, tile)


def _record(
    job: RestoreSpec,
    links: Sequence[Mapping[str, Any]],
    findings: Diagnosis,
    clipped: int,
) -> Mapping[str, Any]:
    """Return what the output file says of its making; the same run says the same."""
    return {
        "tool": "w2s",
        "version": __version__,
        "command": "restore",
        "method": job.method,
        "links": links,
        **findings.as_json(),
        **({"axes": job.axes} if job.axes else {}),
        **({"channel": job.channel} if job.channel else {}),
        "tile": job.tile,
        "clipped": clipped,
        "warnings": findings.warnings,
    }
