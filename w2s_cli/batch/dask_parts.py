"""The workers of a dask cluster restore one image of OME-Zarr, a part each."""

import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from w2s_cli.batch.dask_tasks import answer, anywhere, completed, spec_anywhere
from w2s_cli.batch.workers import for_parent
from w2s_cli.errors import OutputError
from w2s_cli.io.formats import holds_zarr
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
    from distributed import Client


def spread(
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
