"""What to do with each file, and what became of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from errno import EDQUOT, EFBIG, ENOSPC, EROFS
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from w2s_cli.errors import InputError, OutOfMemoryError, OutputError, W2SError

FilePair = tuple[Path, Path]


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
    pairs: Iterable[FilePair], work: Callable[[Path, Path], Done]
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
