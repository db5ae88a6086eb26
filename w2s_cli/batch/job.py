"""What to do with each file, and what became of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from errno import EDQUOT, EFBIG, ENOSPC, EROFS
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from w2s_cli.batch.noise_file import GivenNoise
from w2s_cli.errors import (
    InputError,
    OutOfMemoryError,
    OutputError,
    UsageError,
    W2SError,
)
from w2s_cli.methods.build import build, parse
from w2s_cli.restore import Chain
from w2s_cli.stack import Stack

Pair = tuple[Path, Path]


@dataclass(frozen=True, slots=True)
class Job:
    """How to restore a file.

    Attributes
    ----------
    method, options, weights, device, precision
        The chain of methods: see `w2s_cli.methods.build.build`.
    noise
        What is known of the noise of the files; estimated where nothing is.
    axes
        The axes of the file, where its metadata have none or are wrong.
    channel
        The one channel to restore, by name or number; all of them where None.
    tile
        Side of a tile, in input pixels.
    overwrite
        Whether an output that exists is replaced.
    train_on
        Files for a method that learns to learn from; each input by itself without.
    save_weights
        Where what it has learned is copied to.
    """

    method: str = "jdsr"
    options: tuple[str, ...] = ()
    weights: tuple[Path, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    noise: GivenNoise = field(default_factory=GivenNoise)
    axes: str | None = None
    channel: str | None = None
    tile: int = 512
    overwrite: bool = False
    train_on: tuple[Path, ...] = ()
    save_weights: Path | None = None

    def part(self, stack: Stack) -> Stack:
        """Return the part of a stack that the job is about."""
        return stack if self.channel is None else stack.only_channel(self.channel)

    def chain(self) -> Chain:
        """Return the chain of methods, built once for all files.

        Raises
        ------
        UsageError
            When there is no such method or option, or when `auto` does not come first.
        WeightsError
            When the weights of a network cannot be had.
        """
        if any(entry.name == "auto" for entry in parse(self.method)[1:]):
            raise UsageError(
                f"auto must come first, found {self.method}",
                hint="it goes by the noise of the camera, which other methods change",
            )
        chain = build(
            self.method, self.options, self.weights, self.device, self.precision
        )
        _ = chain.traits  # loads the weights: what is wrong with them shows now
        return chain


class Report(Protocol):
    """What is told of one file."""

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one file was not done."""

    source: Path
    target: Path | None
    error: W2SError

    def as_json(self) -> dict[str, Any]:
        """Return the failure as a JSON object."""
        return {
            "source": str(self.source),
            **({"target": str(self.target)} if self.target else {}),
            "error": str(self.error),
            "hint": self.error.hint,
            "exit_code": self.error.exit_code,
        }


Done = TypeVar("Done", bound=Report)


def each(
    pairs: Iterable[Pair], work: Callable[[Path, Path], Done]
) -> Iterator[Done | Failure]:
    """Yield what became of each file; a file that fails does not stop the next.

    Failures that a user can cause become a `Failure`. A bug is raised as it is.
    """
    for source, target in pairs:
        yield _isolated(source, target, partial(work, source, target))


def each_file(
    sources: Iterable[Path], work: Callable[[Path], Done]
) -> Iterator[Done | Failure]:
    """Yield what became of each file, as `each` does, where nothing is written."""
    for source in sources:
        yield _isolated(source, None, partial(work, source))


def exit_code(reports: Sequence[Report]) -> int:
    """Return 0, the code of the only file's failure, or 1 where some of many failed."""
    failures = [report for report in reports if isinstance(report, Failure)]
    if failures and len(reports) == 1:
        return failures[0].error.exit_code
    return 1 if failures else 0


def _isolated(
    source: Path, target: Path | None, work: Callable[[], Done]
) -> Done | Failure:
    try:
        return work()
    except BrokenPipeError:
        raise
    except (W2SError, MemoryError, OSError) as error:
        return Failure(source, target, _told(error))


def _told(error: Exception) -> W2SError:
    """Return a failure of the machine in the words of the program."""
    match error:
        case W2SError():
            return error
        case MemoryError():
            return OutOfMemoryError(
                "out of memory", hint="use a smaller --tile, or restore one --channel"
            )
        case OSError(errno=code) if code in (ENOSPC, EDQUOT, EFBIG, EROFS):
            return OutputError(f"cannot write: {error}")
        case _:
            return InputError(f"cannot read: {error}")
