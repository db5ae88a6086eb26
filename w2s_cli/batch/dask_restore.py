"""The workers of a dask cluster restore files, or a part each of one OME-Zarr image."""

import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import lru_cache, partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from w2s_cli.batch.dask_cluster import (
    answer,
    anywhere,
    completed,
    connected,
    spec_anywhere,
    threads_of,
)
from w2s_cli.batch.jobs import EndedError, Failure, FilePair, Reports, each, until_ended
from w2s_cli.batch.restore_work import Outcome, RestoreWork
from w2s_cli.batch.resume import Kept
from w2s_cli.batch.workers import for_parent
from w2s_cli.errors import BusyError, ExistsError, OutputError, W2SError, explained
from w2s_cli.io.formats import FORMATS, holds_zarr
from w2s_cli.io.ome_zarr_writing import Block, ZarrOutput
from w2s_cli.pipeline.restoration import (
    Decisions,
    Restoration,
    RestoreProgress,
    restore_as_decided,
)
from w2s_cli.pipeline.restored_parts import (
    Found,
    Part,
    parts_of,
    put_together,
    restore_part,
)
from w2s_cli.restorers.chain import Chain

if TYPE_CHECKING:
    from distributed import Client, Future

_PIXELS = 1 << 22  # of an image for each worker, at the least, that is done in parts


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
    with connected(where) as client:
        if _in_parts(client, pairs, work):
            one = partial(here, spread=partial(_spread, client))
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
        work: RestoreWork = _work(pickled)
        try:
            return work(source, target, wait=wait)
        except ExistsError:
            if there or not work.is_done(source, target):
                raise
            return Kept(source, target)  # by a worker that died before it could say
    except Exception as error:
        return for_parent(error)


_work = lru_cache(maxsize=1)(pickle.loads)  # our own; one model a worker


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


def _spread(
    client: "Client",
    restoration: Restoration,
    source: Path,
    path: Path,
    progress: RestoreProgress,
) -> None:
    """Have workers write the pixels of an output of OME-Zarr, of all sizes."""
    output = ZarrOutput.create(path, restoration.image)
    decided = replace(restoration.decided, spec=spec_anywhere(restoration.decided.spec))
    pickled = pickle.dumps((decided, anywhere(source), anywhere(path)))
    parts = [*parts_of(restoration, output.block_rows)]
    found: dict[int, Found] = {}
    for number, one in _answers(client, pickled, _restore_part, parts):
        found[number] = one
        for _ in range(parts[number].tiles):
            progress.tile()
    put_together(restoration, ((part, found[at]) for at, part in enumerate(parts)))
    for level in range(1, output.levels):
        blocks = [(level, block) for block in output.smaller(level)]
        for _ in _answers(client, pickled, _shrink, blocks):
            pass
    output.remove_strays()


def _answers(
    client: "Client",
    pickled: bytes,
    function: Callable[[bytes, Any], Any],
    items: Sequence[Any],
) -> Iterator[tuple[int, Any]]:
    """Yield what workers answer to items, each with the place of the item."""
    running = completed(
        client,
        deque(enumerate(items)),
        lambda one: client.submit(_safely, function, pickled, one[1], pure=False),
        {},
    )
    with closing(running):
        for (number, _), future in running:
            yield number, answer(future)


def _safely(function: Callable[..., Any], pickled: bytes, item: Any) -> Any:
    """Return what a function does, or its error, as it can be sent."""
    try:
        return function(pickled, item)
    except Exception as error:
        _, _, path = pickle.loads(pickled)
        if _is_removed(path):  # by the run, which was interrupted: nobody listens
            return OutputError(f"{path} is there no longer")
        return for_parent(error)


def _is_removed(path: Path) -> bool:
    """Return whether an image that was being written is gone, or a part of it."""
    try:
        levels = ZarrOutput(path).levels
    except OutputError:
        return True
    return not all(holds_zarr(path / str(level)) for level in range(levels))


def _restore_part(pickled: bytes, part: Part) -> Found:
    """Restore a part of an image, in a worker, which keeps it open for the next."""
    if getattr(_OPEN, "pickled", None) != pickled:
        _OPEN.pickled = None
        if before := getattr(_OPEN, "files", None):
            before.close()
        decided, chain, source, path = _decided(pickled)
        _OPEN.files = ExitStack()
        stack = _OPEN.files.enter_context(decided.spec.opened(source))
        _OPEN.image = restore_as_decided(decided, stack, chain), ZarrOutput(path)
        _OPEN.pickled = pickled
    restoration, output = _OPEN.image
    return restore_part(restoration, output, part)


_OPEN = threading.local()


@lru_cache(maxsize=1)  # one model a worker
def _decided(pickled: bytes) -> tuple[Decisions, Chain, Path, Path]:
    decided, source, path = pickle.loads(pickled)  # our own
    return decided, decided.spec.chain(), source, path


def _shrink(pickled: bytes, what: tuple[int, Block]) -> None:
    _, _, path = pickle.loads(pickled)
    ZarrOutput(path).shrink(*what)
