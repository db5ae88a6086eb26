"""Tasks for the workers of a dask cluster, a few begun ahead for each."""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import replace
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from w2s_cli.errors import OutOfMemoryError
from w2s_cli.io.formats import address_of
from w2s_cli.pipeline.spec import RestoreSpec

if TYPE_CHECKING:
    from distributed import Client, Future

_AHEAD = 3  # tasks a worker that wait at it
_OFTEN = 2.0  # seconds after which workers are counted again

Item = TypeVar("Item")


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
    """Return how many tasks a cluster does at a time, 1 at the least."""
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
