"""The container of torch before 1.6: five pickles, then the storages, one by one."""

from io import BytesIO
from typing import IO

from w2s_cli.assets.contents import Contents
from w2s_cli.assets.notes import DICT, Item, Made
from w2s_cli.assets.pickled import MAX_BYTES, unpickled
from w2s_cli.assets.rebuilding import storage_type
from w2s_cli.assets.refusal import Refusal, quoted
from w2s_cli.assets.states import found_layouts
from w2s_cli.assets.tensors import Extent

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_COUNT = 8  # bytes before a storage that say how many elements it has
_SHORT = 100  # instructions that are enough for each of the first three pickles


def contents(file: IO[bytes], size: int) -> Contents:
    """Return what a file that an older `torch.save` wrote holds.

    Raises
    ------
    Refusal
        When it is damaged or cut short, not torch's, or holds no weights.
    """
    pickles = BytesIO(file.read(MAX_BYTES))
    if unpickled(pickles, _SHORT).root != _MAGIC:
        raise Refusal(
            "is a pickle, but torch.save has not written it",
            hint="weights are what torch.save(network.state_dict(), FILE) writes",
        )
    if unpickled(pickles, _SHORT).root != _PROTOCOL:
        raise Refusal("has another protocol than torch's 1001")
    if _big_endian(unpickled(pickles, _SHORT).root):
        raise Refusal(
            "was written on a big-endian machine",
            hint="load and save it again on another machine",
        )
    pickled = unpickled(pickles)
    keys = unpickled(pickles).root
    sizes = _sizes(pickled.persistent)
    storages = _storages(file, size, pickles.tell(), keys, sizes)
    layouts, wrapper = found_layouts(pickled.root, storages)
    return Contents("torch legacy", layouts, wrapper)


def _big_endian(system: object) -> bool:
    return (
        isinstance(system, Made)
        and system.maker == DICT
        and Item("little_endian", False) in (system.contents or [])
    )


def _sizes(persistent: list[object]) -> dict[str, tuple[int, int]]:
    """Return the elements of each storage, and the bytes of an element."""
    sizes = {}
    for identity in persistent:
        match identity:
            case ("module", *_):  # a class, with its source code
                continue
        key, dtype, count = storage_type(identity)
        sizes[key] = count, dtype.itemsize
    return sizes


def _storages(
    file: IO[bytes],
    size: int,
    start: int,
    keys: object,
    sizes: dict[str, tuple[int, int]],
) -> dict[str, Extent]:
    """Return where the storages are, in the order of `keys`."""
    if not isinstance(keys, list):
        raise Refusal("is damaged: the list of its storages is missing")
    storages = {}
    for key in keys:
        if not isinstance(key, str) or key not in sizes or key in storages:
            raise Refusal(f"is damaged: a storage called {quoted(key)}")
        count, width = sizes[key]
        file.seek(start)
        if int.from_bytes(file.read(_COUNT), "little") != count:
            raise Refusal(f"is damaged or cut short at its storage {quoted(key)}")
        storages[key] = Extent(start + _COUNT, count * width)
        start += _COUNT + count * width
        if start > size:
            raise Refusal(f"is cut short in its storage {quoted(key)}")
    return storages
