"""A dask cluster, here or on other machines, and tasks for its workers."""

import logging
import re
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from w2s_cli import __version__
from w2s_cli.errors import OutOfMemoryError, UsageError, install_extra
from w2s_cli.io.formats import address_of
from w2s_cli.pipeline.spec import RestoreSpec

if TYPE_CHECKING:
    from distributed import Client, Future

_LOCAL = re.compile(r"local:(\d{1,4})")
_ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://.+")
_SECONDS = 60  # until a first worker is there
_AHEAD = 3  # tasks a worker that wait at it
_OFTEN = 2.0  # seconds after which workers are counted again


Item = TypeVar("Item")


def checked_address(where: str) -> str:
    """Return the place of the workers; raise UsageError where it is none."""
    found = _LOCAL.fullmatch(where)
    if (found and int(found[1])) or _ADDRESS.fullmatch(where):
        return where
    raise UsageError(
        f"--dask is local:N or the address of a scheduler, found {where!r}",
        hint="for example --dask local:4, or --dask tcp://10.0.0.5:8786",
    )


@contextmanager
def connected(where: str) -> Iterator["Client"]:
    """Connect to a cluster, or start one of processes on this machine."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            "--dask needs the package distributed", hint=install_extra("dask")
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what dies is redone
    local = _LOCAL.fullmatch(where)
    with ExitStack() as opened:
        try:
            cluster = None
            if local:
                with warnings.catch_warnings():  # another cluster has the usual port
                    warnings.filterwarnings("ignore", "Port .* already in use")
                    cluster = LocalCluster(
                        n_workers=int(local[1]),
                        threads_per_worker=1,
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )
                opened.callback(cluster.close)
            client = Client(cluster or where, timeout=_SECONDS, set_as_default=False)
            opened.callback(client.close)
            client.wait_for_workers(1, timeout=_SECONDS)
            _check_versions(client)
        except (TimeoutError, OSError) as error:
            raise UsageError(
                f"no dask worker at {where}: {error}",
                hint="has the scheduler workers? --dask local:N starts some",
            ) from error
        yield client


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


def completed(
    client: "Client",
    waiting: deque[Item],
    begin: Callable[[Item], "Future"],
    in_hand: "dict[Future, Item]",
) -> "Generator[tuple[Item, Future], None, None]":
    """Yield what is done as soon as it is; a few for each worker are begun ahead."""
    from distributed import as_completed

    most, known = 0, -inf

    def give() -> list["Future"]:
        nonlocal most, known
        if monotonic() > known + _OFTEN:
            most, known = _AHEAD * threads_of(client), monotonic()
        given: dict[Future, Item] = {}
        while waiting and len(in_hand) + len(given) < most:
            item = waiting.popleft()
            given[begin(item)] = item
        in_hand.update(given)
        return [*given]

    running = as_completed(give(), loop=client.loop)
    try:
        for future in running:
            yield in_hand.pop(future), future
            running.update(give())
    finally:
        client.cancel([*in_hand], force=True)


def threads_of(client: "Client") -> int:
    """Return how many tasks a cluster does at a time, at least 1."""
    threads: dict[str, int] = client.nthreads()
    return max(sum(threads.values()), 1)


def answer(future: "Future") -> Any:
    """Return what a worker has answered; raise what it has raised."""
    from distributed import KilledWorker

    error = future.exception()
    found = error or future.result()
    if isinstance(found, KilledWorker):
        raise OutOfMemoryError(
            "the workers that had it in hand died, one after another",
            hint="they may have run out of memory: give workers more",
        )
    if isinstance(found, Exception):
        raise found
    return found


def anywhere(path: Path) -> Path:
    """Return a path that does not depend on the working folder."""
    return path if address_of(path) else path.absolute()


def spec_anywhere(spec: RestoreSpec) -> RestoreSpec:
    """Return a specification with such paths."""

    def absolute(one: Any) -> Any:
        return anywhere(one) if isinstance(one, Path) else one

    return replace(
        spec,
        weights=tuple(map(absolute, spec.weights)),
        train_on=tuple(map(absolute, spec.train_on)),
        save_weights=absolute(spec.save_weights),
        defects=absolute(spec.defects),
        error_map=absolute(spec.error_map),
    )
