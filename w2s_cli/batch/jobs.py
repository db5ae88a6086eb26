"""What to do with each file, and what became of it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from w2s_cli.errors import BusyError, DiskFullError, W2SError, explained
from w2s_cli.interruptions import Stopped

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
    pairs: Iterable[FilePair],
    work: Callable[[Path, Path], Done],
    patient: Callable[[Path, Path], Done] | None = None,
) -> Reports[Done]:
    """Yield what became of each file; a file that fails does not stop the next.

    Only a full disk and an interruption end the batch: a `Failure` says so of the file
    in hand and of each that was not begun. The interruption is raised at the end; one
    that came while a report was used may be thrown in. With `patient` a file that
    another process has in hand comes last, and that is called then.
    """
    return _each(
        _Job(one, two, partial(work, one, two), patient and partial(patient, one, two))
        for one, two in pairs
    )


def each_file(sources: Iterable[Path], work: Callable[[Path], Done]) -> Reports[Done]:
    """Yield what became of each file, as `each` does, where nothing is written."""
    return _each(_Job(one, None, partial(work, one)) for one in sources)


def exit_code(reports: Sequence[Report]) -> int:
    """Return 0, the code of the only file's failure or of what ended all, or 1."""
    failures = [report for report in reports if isinstance(report, Failure)]
    for failure in failures:
        if len(reports) == 1 or failure.ends:
            return failure.error.exit_code
    return 1 if failures else 0


@dataclass(frozen=True, slots=True)
class _Job(Generic[Done]):
    source: Path
    target: Path | None
    work: Callable[[], Done]
    patient: Callable[[], Done] | None = None


def _each(jobs: Iterable[_Job[Done]]) -> Reports[Done]:
    waiting = deque(jobs)
    while waiting:
        job = waiting.popleft()
        source, target = job.source, job.target
        interrupt = None
        report: Done | Failure
        try:
            report = job.work()
        except BrokenPipeError:
            raise
        except BusyError as error:
            if job.patient:
                waiting.append(_Job(source, target, job.patient))
                continue
            report = Failure(source, target, error)
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
            for job in waiting:
                yield Failure(job.source, job.target, missed, begun=False)
            if interrupt:
                raise interrupt
            return
