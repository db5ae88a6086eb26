"""The workers of a dask cluster, here or on other machines, restore files."""

import logging
import pickle
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from w2s_cli import __version__
from w2s_cli.batch.jobs import EndedError, Failure, FilePair, Reports
from w2s_cli.batch.restore_work import Outcome, RestoreWork
from w2s_cli.batch.workers import Work, for_parent
from w2s_cli.errors import (
    OutOfMemoryError,
    Stopped,
    UsageError,
    W2SError,
    explained,
)
from w2s_cli.io.targets import check_target

if TYPE_CHECKING:
    from distributed import Client, Future

_LOCAL = re.compile(r"local:(\d{1,4})")
_ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://.+")
_SECONDS = 60  # until a first worker is there
_AHEAD = 3  # files a worker that wait at it


def checked_address(where: str) -> str:
    """Return where the workers are, if it says so; raises UsageError."""
    found = _LOCAL.fullmatch(where)
    if (found and int(found[1])) or _ADDRESS.fullmatch(where):
        return where
    raise UsageError(
        f"--dask is local:N or the address of a scheduler, found {where!r}",
        hint="for example --dask local:4, or --dask tcp://10.0.0.5:8786",
    )


def each_in_dask(
    pairs: Collection[FilePair], work: RestoreWork, where: str
) -> Reports[Outcome]:
    """Yield what became of each file as soon as it is known, as `jobs.each` does.

    Paths mean the same to all workers. A file whose worker dies is given to another,
    three times at most; what the dead one had done already is kept.
    """
    free = []
    for source, target in pairs:
        try:
            if target.exists() and not work.resume:
                check_target(target, overwrite=work.spec.overwrite)
            free.append((source, target))
        except W2SError as error:
            yield Failure(source, target, error)
    if not free:
        return
    pickled = pickle.dumps(_anywhere(work))
    with _client(where) as client:
        _check_versions(client)
        yield from _each(client, free, pickled)


def _each(
    client: "Client", pairs: Collection[FilePair], pickled: bytes
) -> Reports[Outcome]:
    from distributed import as_completed

    waiting = iter(pairs)
    in_hand: dict[Future, FilePair] = {}

    def give(count: int) -> list["Future"]:
        given = []
        for source, target in islice(waiting, count):
            paths = source.absolute(), target.absolute()
            future = client.submit(_do, pickled, *paths, pure=False)
            in_hand[future] = source, target
            given.append(future)
        return given

    ended: EndedError | None = None
    interrupt: KeyboardInterrupt | None = None
    running = as_completed(give(_AHEAD * _threads(client)), loop=client.loop)
    try:
        for future in running:
            report = _report(future, in_hand.pop(future))
            yield report
            if isinstance(report, Failure) and report.ends:
                ended = EndedError(str(report.error), report.error.exit_code)
                break
            running.update(give(max(_AHEAD * _threads(client) - len(in_hand), 0)))
    except KeyboardInterrupt as error:
        interrupt = error
        ended = EndedError("interrupted", Stopped.exit_code_of(error))
    finally:
        client.cancel([*in_hand], force=True)
    if ended:
        missed = EndedError(f"not begun: {ended}", ended.exit_code)
        for pair in in_hand.values():
            yield Failure(*pair, ended)
        for pair in waiting:
            yield Failure(*pair, missed, begun=False)
    if interrupt:
        raise interrupt


def _threads(client: "Client") -> int:
    threads: dict[str, int] = client.nthreads()
    return max(sum(threads.values()), 1)


def _report(future: "Future", pair: FilePair) -> Outcome | Failure:
    """Return the report of a file that is done, by the paths that the user named."""
    error = future.exception()
    if error is not None:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            error = OutOfMemoryError(
                "the workers that had it in hand died, one after another",
                hint="they may have run out of memory: give workers more",
            )
        return Failure(*pair, explained(error))
    answer = future.result()
    if isinstance(answer, Exception):
        return Failure(*pair, explained(answer))
    found: Outcome = replace(answer, source=pair[0], target=pair[1])
    return found


def _do(pickled: bytes, source: Path, target: Path) -> Outcome | Exception:
    """Restore a file, in a worker."""
    try:
        return _work(pickled)(source, target, wait=True)
    except Exception as error:
        return for_parent(error)


@lru_cache(maxsize=1)  # one model a worker
def _work(pickled: bytes) -> Work[Outcome]:
    work: Work[Outcome] = pickle.loads(pickled)  # our own
    return work


def _anywhere(work: RestoreWork) -> RestoreWork:
    """Return the work with paths that do not depend on the working folder."""
    spec = work.spec

    def absolute(one: Any) -> Any:
        return one.absolute() if isinstance(one, Path) else one

    paths = {
        "weights": tuple(map(absolute, spec.weights)),
        "train_on": tuple(map(absolute, spec.train_on)),
        "save_weights": absolute(spec.save_weights),
        "defects": absolute(spec.defects),
    }
    return RestoreWork(
        replace(spec, **paths),
        work.chain,
        work.resume or not spec.overwrite,
        absolute(work.folder),
        {
            (one.absolute(), two.absolute()): replace(own, **paths)
            for (one, two), own in work.specs.items()
        },
        work.fitted,
    )


@contextmanager
def _client(where: str) -> Iterator["Client"]:
    """Connect to a cluster, or start one of processes on this machine."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            "--dask needs the package distributed", hint="pip install 'w2s-cli[dask]'"
        ) from error
    logging.getLogger("distributed").setLevel(logging.ERROR)
    local = _LOCAL.fullmatch(where)
    cluster = None
    try:
        if local:
            cluster = LocalCluster(
                n_workers=int(local[1]),
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.ERROR,
            )
        client = Client(cluster or where, timeout=_SECONDS, set_as_default=False)
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
            yield client
        finally:
            client.close()
    except (TimeoutError, OSError) as error:
        raise UsageError(
            f"no dask worker at {where}: {error}",
            hint="has the scheduler workers? --dask local:N starts some",
        ) from error
    finally:
        if cluster:
            cluster.close()


def _check_versions(client: "Client") -> None:
    """Refuse workers of another w2s: their results would be of another, too."""
    found = client.run(_version, on_error="return")
    for worker, version in found.items():
        if version != __version__:
            raise UsageError(
                f"the worker {worker} has w2s {version}, here it is {__version__}",
                hint="install the same version for all workers",
            )


def _version() -> str:
    return __version__
