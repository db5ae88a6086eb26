"""Processes that share the work."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from os import environ

from w2s_cli.errors import UsageError

_THREADS = "OMP_NUM_THREADS"


@contextmanager
def workers(jobs: int) -> Iterator[Executor | None]:
    """Give a pool of processes, or none for one job.

    Raises
    ------
    UsageError
        When there is less than one job.
    """
    if jobs < 1:
        raise UsageError(
            f"--jobs must be 1 or more, found {jobs}",
            hint="1 works without other processes",
        )
    if jobs == 1:
        yield None
        return
    from w2s_cli.methods.device import cores

    with _threads(max(cores() // jobs, 1)):
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let processes that start meanwhile use so many threads each."""
    before = environ.get(_THREADS)
    environ[_THREADS] = str(number)
    try:
        yield
    finally:
        if before is None:
            del environ[_THREADS]
        else:
            environ[_THREADS] = before
