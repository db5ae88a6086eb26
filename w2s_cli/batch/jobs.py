"""What to do with each file, and what became of it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

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


Target = TypeVar("Target", Path, None)
Done = TypeVar("Done", bound=Report)
Row = TypeVar("Row")  # a report or a failure
Reports: TypeAlias = Generator[Done | Failure, None, None]
Waiting: TypeAlias = deque[tuple[tuple[Path, Target], bool]]
"""Files that are not begun; of each, whether to wait for who else has it in hand."""


def each(
    pairs: Iterable[tuple[Path, Target]],
    work: Callable[[Path, Target], Done],
    patient: Callable[[Path, Target], Done] | None = None,
) -> Reports[Done]:
    """Yield what became of each file; a file that fails does not stop the next.

    Only a full disk and an interruption end the batch: a `Failure` says so of the file
    in hand and of each that was not begun. The interruption is raised at the end; one
    that came while a report was used may be thrown in. With `patient` a file that
    another process has in hand comes last, and that is called then.
    """
    waiting: Waiting[Target] = deque((pair, False) for pair in pairs)
    in_hand: list[tuple[Path, Target]] = []

    def reports() -> Reports[Done]:
        while waiting:
            pair, wait = waiting.popleft()
            in_hand[:] = [pair]
            report: Done | Failure
            try:
                report = (patient if wait and patient else work)(*pair)
            except BrokenPipeError:
                raise
            except Exception as error:
                if isinstance(error, BusyError) and patient and not wait:
                    waiting.append((pair, True))
                    continue
                report = Failure(*pair, explained(error))
            in_hand.clear()
            yield report

    yield from until_ended(
        reports(), waiting, lambda ended, _: (Failure(*pair, ended) for pair in in_hand)
    )


def each_file(sources: Iterable[Path], work: Callable[[Path], Done]) -> Reports[Done]:
    """Yield what became of each file, as `each` does, where nothing is written."""
    return each(((one, None) for one in sources), lambda source, _: work(source))


def until_ended(
    reports: Generator[Row, None, None],
    waiting: Waiting[Target],
    in_hand: Callable[[EndedError, bool], Iterable[Row]],
) -> Generator[Row | Failure, None, None]:
    """Yield reports, and what becomes of the other files where the batch ends early.

    That is told of the files that are begun by `in_hand`, which learns what has ended
    the batch, and whether that was an interruption; it is raised at the end.
    """
    ended: EndedError | None = None
    interrupt: KeyboardInterrupt | None = None
    try:
        for report in reports:
            if isinstance(report, Failure) and report.ends:
                ended = EndedError(str(report.error), report.error.exit_code)
            yield report
            if ended:
                break
    except KeyboardInterrupt as error:
        interrupt = error
        ended = EndedError("interrupted", Stopped.exit_code_of(error))
    finally:
        reports.close()
    if ended:
        yield from in_hand(ended, interrupt is not None)
        missed = EndedError(f"not begun: {ended}", ended.exit_code)
        for pair, _ in waiting:
            yield Failure(*pair, missed, begun=False)
    if interrupt:
        raise interrupt


def exit_code(reports: Sequence[Report]) -> int:
    """Return 0, the code of the only file's failure or of what ended all, or 1."""
    failures = [report for report in reports if isinstance(report, Failure)]
    for failure in failures:
        if len(reports) == 1 or failure.ends:
            return failure.error.exit_code
    return 1 if failures else 0
