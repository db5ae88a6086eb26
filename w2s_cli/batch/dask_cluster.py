"""The workers of a dask cluster, here or on other machines, restore files."""

import logging
import os
import pickle
import re
import warnings
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from w2s_cli import __version__
from w2s_cli.batch.dask_parts import spread
from w2s_cli.batch.dask_tasks import (
    answer,
    anywhere,
    completed,
    spec_anywhere,
    threads_of,
)
from w2s_cli.batch.jobs import (
    EndedError,
    Failure,
    FilePair,
    Reports,
    each,
    until_ended,
)
from w2s_cli.batch.restore_work import Outcome, RestoreWork
from w2s_cli.batch.resume import Kept
from w2s_cli.batch.workers import for_parent
from w2s_cli.errors import (
    BusyError,
    ExistsError,
    UsageError,
    W2SError,
    explained,
    install_extra,
)
from w2s_cli.io.formats import FORMATS

if TYPE_CHECKING:
    from distributed import Client, Future

_LOCAL = re.compile(r"local:(\d{1,4})")
_ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://.+")
_SECONDS = 60  # until a first worker is there

_PIXELS = 1 << 22  # of an image for each worker, at the least, that is done in parts


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
    pairs: Collection[FilePair],
    work: RestoreWork,
    where: str,
    here: Callable[..., Outcome],
) -> Reports[Outcome]:
    """Yield what became of each file as soon as it is known, as `jobs.each` does.

    A worker restores a file; or, where there are fewer files than workers, and all
    outputs are of OME-Zarr, a part of one, while `here` does the rest. Paths mean the
    same to all workers. What a worker had in hand that dies is given to another, three
    times at most.
    """
    with _client(where) as client:
        _check_versions(client)
        if _in_parts(client, pairs, work):
            one = partial(here, spread=partial(spread, client))
            patient = partial(one, wait=True) if work.resume else None
            yield from each(pairs, one, patient)
        else:
            yield from _each(client, pairs, work)


def _in_parts(client: "Client", pairs: Collection[FilePair], work: RestoreWork) -> bool:
    """Return whether workers are to share each image, not the images."""
    threads = threads_of(client)
    folders = {suffix for form in FORMATS if form.folder for suffix in form.suffixes}
    if any(target.suffix.lower() not in folders for _, target in pairs):
        return False
    if work.spec.uncertainty:  # the map is written where all parts are restored
        return False
    if len(pairs) == 1 or len(pairs) >= threads:
        return len(pairs) == 1
    try:
        for source, target in pairs:
            with work.spec_of(source, target).opened(source) as stack:
                if prod(stack.data.shape) < threads * _PIXELS:
                    return False
    except W2SError:  # which is told when it is that file's turn
        return False
    return True


def _each(
    client: "Client", pairs: Collection[FilePair], work: RestoreWork
) -> Reports[Outcome]:
    waiting = deque((pair, False) for pair in pairs)
    in_hand: dict[Future, tuple[FilePair, bool]] = {}
    pickled = pickle.dumps(_anywhere(work))

    def begin(one: tuple[FilePair, bool]) -> "Future":
        (source, target), wait = one
        there = os.path.lexists(target)
        paths = anywhere(source), anywhere(target)
        return client.submit(_do, pickled, *paths, there, wait, pure=False)

    def reports() -> Reports[Outcome]:
        with closing(completed(client, waiting, begin, in_hand)) as running:
            for (pair, wait), future in running:
                report = _report(future, pair)
                error = report.error if isinstance(report, Failure) else None
                if isinstance(error, BusyError) and not wait:
                    waiting.append((pair, True))
                else:
                    yield report

    def begun(ended: EndedError, _: bool) -> Reports[Outcome]:
        for pair, _ in in_hand.values():
            yield Failure(*pair, ended)

    yield from until_ended(reports(), waiting, begun)


def _report(future: "Future", pair: FilePair) -> Outcome | Failure:
    """Return the report of a file that is done, by the paths that the user named."""
    try:
        found: Outcome = replace(answer(future), source=pair[0], target=pair[1])
    except Exception as error:
        return Failure(*pair, explained(error))
    return found


def _do(
    pickled: bytes, source: Path, target: Path, there: bool, wait: bool
) -> Outcome | Exception:
    """Restore a file, in a worker; `there` says that its output was, before."""
    try:
        work = _work(pickled)
        try:
            return work(source, target, wait=wait)
        except ExistsError:
            if there or not work.is_done(source, target):
                raise
            return Kept(source, target)  # by a worker that died before it could say
    except Exception as error:
        return for_parent(error)


@lru_cache(maxsize=1)  # one model a worker
def _work(pickled: bytes) -> RestoreWork:
    work: RestoreWork = pickle.loads(pickled)  # our own
    return work


def _anywhere(work: RestoreWork) -> RestoreWork:
    """Return the work with paths that do not depend on the working folder."""
    return replace(
        work,
        spec=spec_anywhere(work.spec),
        folder=work.folder and anywhere(work.folder),
        specs={
            (anywhere(one), anywhere(two)): spec_anywhere(own)
            for (one, two), own in work.specs.items()
        },
    )


@contextmanager
def _client(where: str) -> Iterator["Client"]:
    """Connect to a cluster, or start one of processes on this machine."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            "--dask needs the package distributed", hint=install_extra("dask")
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what dies is redone
    local = _LOCAL.fullmatch(where)
    cluster = None
    try:
        if local:
            with warnings.catch_warnings():  # another cluster has the usual port
                warnings.filterwarnings("ignore", "Port .* already in use")
                cluster = LocalCluster(
                    n_workers=int(local[1]),
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
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
