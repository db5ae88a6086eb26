"""What to do with each file, and what became of it."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from w2s_cli.errors import DiskFullError, Stopped, W2SError, explained

FilePair = tuple[Path, Path]


class Report(Protocol):
    """What is told of one file."""

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        ...


class EndedError(W2SError):
    """Why a file was not done though nothing is wrong with it: the batch has ended.

    Its exit code is that of what ended the batch.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one file was not done."""

    source: Path
    target: Path | None
    error: W2SError
    begun: bool = True

    @property
    def ends(self) -> bool:
        """Find out whether no other file is done after it."""
        return isinstance(self.error, DiskFullError | EndedError)

    def as_json(self) -> dict[str, Any]:
        """Return the failure as a JSON object."""
        return {
            "status": "failed" if self.begun else "not begun",
            "source": str(self.source),
            **({"target": str(self.target)} if self.target else {}),
            "error": str(self.error),
            "hint": self.error.hint,
            "exit_code": self.error.exit_code,
        }


Done = TypeVar("Done", bound=Report)
Reports: TypeAlias = Generator[Done | Failure, None, None]


def each(
    pairs: Iterable[FilePair], work: Callable[[Path, Path], Done]
) -> Reports[Done]:
    """Yield what became of each file; a file that fails does not stop the next.

    Only a full disk and an interruption end the batch: a `Failure` says so of the file
    in hand and of each that was not begun. The interruption is raised at the end; one
    that came while a report was used may be thrown in.
    """
    return _each([(one, two, partial(work, one, two)) for one, two in pairs])


def each_file(sources: Iterable[Path], work: Callable[[Path], Done]) -> Reports[Done]:
    """Yield what became of each file, as `each` does, where nothing is written."""
    return _each([(one, None, partial(work, one)) for one in sources])


def exit_code(reports: Sequence[Report]) -> int:
    """Return 0, the code of the only file's failure or of what ended all, or 1."""
    failures = [report for report in reports if isinstance(report, Failure)]
    for failure in failures:
        if len(reports) == 1 or failure.ends:
            return failure.error.exit_code
    return 1 if failures else 0


def _each(
    jobs: Sequence[tuple[Path, Path | None, Callable[[], Done]]],
) -> Reports[Done]:
    for number, (source, target, work) in enumerate(jobs, start=1):
        interrupt = None
        report: Done | Failure
        try:
            report = work()
        except BrokenPipeError:
            raise
        except Exception as error:
            report = Failure(source, target, explained(error))
        except KeyboardInterrupt as error:
            interrupt = error
            code = Stopped.exit_code_of(error)
            report = Failure(source, target, EndedError("interrupted", code))
        ended = report.error if isinstance(report, Failure) and report.ends else None
        try:
            yield report
        except KeyboardInterrupt as error:  # thrown in from outside
            interrupt = error
            ended = EndedError("interrupted", Stopped.exit_code_of(error))
        if ended:
            missed = EndedError(f"not begun: {ended}", ended.exit_code)
            for source, target, _ in jobs[number:]:
                yield Failure(source, target, missed, begun=False)
            if interrupt:
                raise interrupt
            return
