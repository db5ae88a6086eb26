"""Several processes that restore files: each has one in hand at a time."""

import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

from w2s_cli.batch.jobs import (
    Done,
    EndedError,
    Failure,
    FilePair,
    Reports,
    Waiting,
    until_ended,
)
from w2s_cli.errors import BugError, BusyError, OutOfMemoryError, explained
from w2s_cli.interruptions import raise_stopped_on_signals
from w2s_cli.io.atomic_files import remove_own

_ENDING = 10.0  # seconds that a worker has to clean up

Made = TypeVar("Made", covariant=True)


class Work(Protocol[Made]):
    """What a worker is told once: it can be pickled."""

    def __call__(self, source: Path, target: Path, *, wait: bool) -> Made:
        """Do one file."""
        ...


@dataclass(eq=False)
class _Worker(Generic[Done]):
    process: BaseProcess
    pipe: Connection
    number: int  # from 0
    pair: FilePair | None = None  # that it has in hand
    wait: bool = False


def each_in_workers(
    pairs: Iterable[FilePair], works: Sequence[Work[Done]], count: int
) -> Reports[Done]:
    """Yield what became of each file as soon as it is known, as `jobs.each` does.

    `count` workers do the works in turn, such as one for each GPU. A worker that is
    killed, for example by a system without memory, fails the file that it had in hand,
    and is replaced.
    """
    waiting = deque((pair, False) for pair in pairs)
    workers: list[_Worker[Done]] = []

    def reports() -> Reports[Done]:
        while waiting or any(one.pair for one in workers):
            _deal(waiting, workers, works, count)
            report = _next_report(waiting, workers)
            if report is not None:
                yield report

    try:
        yield from until_ended(reports(), waiting, partial(_in_hand, waiting, workers))
    finally:
        _end(workers)


def _deal(
    waiting: Waiting[Path],
    workers: list[_Worker[Done]],
    works: Sequence[Work[Done]],
    count: int,
) -> None:
    """Give a file to each worker that has none."""
    while waiting:
        idle = next((one for one in workers if one.pair is None), None)
        if idle is None:
            if len(workers) == count:
                return
            numbers = {*range(count)} - {one.number for one in workers}
            number = min(numbers)
            idle = _started(works[number % len(works)], number, count)
            workers.append(idle)
        idle.pair, idle.wait = waiting.popleft()
        try:
            idle.pipe.send((*idle.pair, idle.wait))
        except OSError:  # it has died, which `_next_report` finds out
            return


def _started(work: Work[Done], number: int, count: int) -> _Worker[Done]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_serve, args=(theirs, pickle.dumps(work)), daemon=True
    )
    before = os.environ.get("OMP_NUM_THREADS")
    if before is None:  # the cores are shared
        os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // count))
    try:
        process.start()
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
    theirs.close()
    return _Worker(process, ours, number)


def _next_report(
    waiting: Waiting[Path], workers: list[_Worker[Done]]
) -> Done | Failure | None:
    """Return the next report; None where a file comes again at the end."""
    ready = connection.wait([one.pipe for one in workers if one.pair])
    worker = next(one for one in workers if one.pipe in ready)
    pair = worker.pair
    assert pair
    try:
        answer = worker.pipe.recv()
    except (EOFError, OSError):
        workers.remove(worker)
        worker.process.join(_ENDING)
        code = worker.process.exitcode
        how = f"by signal {-code}" if code and code < 0 else f"with exit code {code}"
        died = OutOfMemoryError(
            f"the process that had it in hand ended {how}",
            hint="it may have run out of memory: take fewer --jobs",
        )
        return Failure(*pair, died)
    worker.pair = None
    if isinstance(answer, Exception):
        if isinstance(answer, BusyError) and not worker.wait:
            waiting.append((pair, True))
            return None
        return Failure(*pair, explained(answer))
    report: Done = answer
    return report


def _in_hand(
    waiting: Waiting[Path], workers: list[_Worker[Done]], ended: EndedError, stop: bool
) -> Reports[Done]:
    """Yield what became of the files in hand, when no other is begun."""
    if stop:
        for one in workers:
            one.process.terminate()
    while any(one.pair for one in workers):
        report = _next_report(waiting, workers)
        if stop and isinstance(report, Failure):
            report = Failure(report.source, report.target, ended)
        if report is not None:
            yield report


def _end(workers: list[_Worker[Any]]) -> None:
    for one in workers:
        one.pipe.close()
    for one in workers:
        if one.pair:
            one.process.terminate()
        one.process.join(_ENDING)
        if one.process.is_alive():
            one.process.kill()


def _serve(pipe: Connection, pickled: bytes) -> None:
    """Do the files that come, until none do or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and tells
    raise_stopped_on_signals()
    Thread(target=_follow_parent, daemon=True).start()
    try:
        failure: Exception | None = None
        try:
            work: Work[Any] = pickle.loads(pickled)  # our own; loads the weights
        except Exception as error:
            failure = error
        while True:
            source, target, wait = pipe.recv()
            try:
                if failure:
                    raise failure
                answer = work(source, target, wait=wait)
            except Exception as error:
                answer = for_parent(error)
            pipe.send(answer)
    except (EOFError, OSError):
        pass
    except KeyboardInterrupt:
        sys.exit(1)
    finally:
        remove_own()


def _follow_parent() -> None:
    """End in good order when the parent was killed."""
    parent = parent_process()
    if parent:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def for_parent(error: Exception) -> Exception:
    """Return an error as it can be sent; a bug's traceback is shown here."""
    found = explained(error)
    if isinstance(found, BugError):
        traceback.print_exception(error)
    found.__cause__ = None
    return found
