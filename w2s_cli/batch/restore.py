"""Restore one file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any

from w2s_cli import __version__
from w2s_cli.batch.examine import Examined, examine
from w2s_cli.batch.job import Job
from w2s_cli.files import check_target, opened, write
from w2s_cli.files.streams import STREAM, received, sent
from w2s_cli.methods.build import account
from w2s_cli.restore import Chain, restore
from w2s_cli.restore.tiling import tile_count
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
    channels
        The noise of each channel; empty where the method needs none.
    clipped
        Output pixels that did not fit into the file's dtype.
    seconds
        Wall time.
    """

    source: Path
    target: Path
    shape: tuple[int, ...]
    scale: int
    channels: tuple[Examined, ...]
    clipped: int
    seconds: float

    @property
    def warnings(self) -> list[str]:
        """Return why the result should be looked at twice."""
        return [warning for channel in self.channels for warning in channel.warnings]

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "shape": list(self.shape),
            "scale": self.scale,
            "noise": noise_rows(self.channels),
            "clipped": self.clipped,
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
        }


def restore_file(
    job: Job,
    chain: Chain,
    source: Path,
    target: Path,
    *,
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
        received(source) as file,
        opened(file, axes=job.axes) as whole,
        sent(target) as spooled,
    ):
        stack = selected(whole, job)
        channels = tuple(examine(stack, chain, job.noise.of(source)))
        noise = {number: channel.noise for number, channel in enumerate(channels)}
        on_start(tiles(stack, chain, job.tile))
        restored, tally = restore(stack, chain, noise, tile=job.tile, on_tile=on_tile)
        write(
            restored,
            spooled,
            overwrite=job.overwrite,
            record=lambda: _record(job, chain, channels, tally.clipped),
        )
    return Outcome(
        source,
        target,
        restored.data.shape,
        chain.traits.scale,
        channels,
        tally.clipped,
        perf_counter() - start,
    )


def selected(stack: Stack, job: Job) -> Stack:
    """Return the part of a stack that the job is about."""
    return stack if job.channel is None else stack.only_channel(job.channel)


def tiles(stack: Stack, chain: Chain, tile: int) -> int:
    """Return how many tiles a stack is cut into."""
    *leading, height, width = stack.data.shape
    return prod(leading) * tile_count(height, width, chain.traits, tile)


def noise_rows(channels: Sequence[Examined]) -> list[dict[str, Any]]:
    """Return the noise of each channel as JSON objects."""
    return [{**asdict(channel.noise), "origin": channel.origin} for channel in channels]


def _record(
    job: Job, chain: Chain, channels: Sequence[Examined], clipped: int
) -> Mapping[str, Any]:
    """Return what the output file says of its making; the same run says the same."""
    return {
        "tool": "w2s",
        "version": __version__,
        "command": "restore",
        "method": job.method,
        "links": account(job.method, chain),
        "noise": noise_rows(channels),
        **({"axes": job.axes} if job.axes else {}),
        **({"channel": job.channel} if job.channel else {}),
        "tile": job.tile,
        "clipped": clipped,
        "warnings": [warning for channel in channels for warning in channel.warnings],
    }
