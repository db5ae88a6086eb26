"""Zarr groups and arrays of versions 2 and 3: in folders, ZIP archives, elsewhere."""

import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import zarr
from zarr.errors import ContainsArrayError
from zarr.storage import FsspecStore, LocalStore, WrapperStore, ZipStore

from w2s_cli.errors import InputError
from w2s_cli.io.formats import ZARR_MARKS, address_of, holds_zarr

_HINT = "copy or export it again"
_BLOSC_SIZE = slice(12, 16)  # where a chunk of Blosc says how long it is


@dataclass(frozen=True, slots=True)
class ZarrStore:
    """A Zarr hierarchy that is open for reading."""

    store: Any
    path: Path  # as the user has named it
    root: str  # of the hierarchy within the store

    def group(self, place: str) -> dict[str, Any] | None:
        """Return the attributes of the group at a place; None where there is none."""
        try:
            with _in_silence():
                found = zarr.open_group(
                    self.store,
                    path=_join(self.root, place),
                    mode="r",
                    use_consolidated=False,
                )
                return dict(found.attrs)
        except (FileNotFoundError, ContainsArrayError):
            return None
        except Exception as error:  # zarr has no error of its own for broken metadata
            raise InputError(
                f"{self.name(place)} has broken metadata: {_words(error)}", hint=_HINT
            ) from error

    def array(self, place: str) -> "zarr.Array[Any] | None":
        """Return the array at a place; None where there is none."""
        path = _join(self.root, place)
        try:
            with _in_silence():
                found = zarr.open_array(self.store, path=path, mode="r")
                if any(side < 1 for side in (*found.chunks, *(found.shards or ()))):
                    raise ValueError(f"its chunks of {found.chunks} hold no pixels")
                if found.shards is None and "Blosc" in str(found.compressors):
                    return zarr.open_array(_Whole(self.store), path=path, mode="r")
                return found
        except FileNotFoundError:
            return None
        except Exception as error:
            raise InputError(
                f"{self.name(place)} is no array that can be read: {_words(error)}",
                hint=_HINT,
            ) from error

    def children(self) -> list[str]:
        """Return the names of the arrays and groups in the root of a folder."""
        if not isinstance(self.store, LocalStore):
            return []
        return sorted(one.name for one in self.path.iterdir() if holds_zarr(one))

    def text(self, place: str) -> str:
        """Return the text of a file within the hierarchy; "" where there is none."""
        from zarr.core.buffer import default_buffer_prototype
        from zarr.core.sync import sync

        key = _join(self.root, place)
        try:
            data = sync(self.store.get(key, default_buffer_prototype()))
            return data.to_bytes().decode("utf-8") if data else ""
        except (OSError, ValueError, KeyError):
            return ""

    def chunks_missing(self, place: str, array: "zarr.Array[Any]") -> int:
        """Return how many chunks, or shards, of an array are not stored; 0 if unknown.

        Each is a file, or an entry of an archive.
        """
        shape = array.shards or array.chunks
        sides = zip(array.shape, shape, strict=True)
        expected: int = prod(-(-length // side) for length, side in sides)
        if isinstance(self.store, LocalStore):
            tree = os.walk(self.path / place)
            names = [name for _, _, files in tree for name in files]
        elif isinstance(self.store, ZipStore):
            start = f"{_join(self.root, place)}/".lstrip("/")
            with zipfile.ZipFile(self.path) as file:
                names = [
                    one.rpartition("/")[2]
                    for one in file.namelist()
                    if one.startswith(start)
                ]
        else:
            return 0
        there = sum(
            bool(name) and name not in ZARR_MARKS and not name.startswith(".")
            for name in names
        )
        return max(expected - there, 0)

    def name(self, place: str) -> str:
        """Return what a message calls the group or array at a place."""
        named = address_of(self.path) or str(self.path)
        return f"{named}/{place}" if place else named


class _Whole(WrapperStore[Any]):  # type: ignore[misc]
    """A store that refuses chunks that are cut off, of which Blosc makes anything."""

    async def get(self, key: str, *how: Any, **more: Any) -> Any:
        """Return a chunk, or a part of it."""
        data = await super().get(key, *how, **more)
        if data is not None and key.rpartition("/")[2] not in ZARR_MARKS:
            said = data.to_bytes()
            wanted = int.from_bytes(said[_BLOSC_SIZE], "little")
            if len(said) < max(wanted, _BLOSC_SIZE.stop):
                raise ValueError(f"chunk {key} is cut off: it has {len(said)} bytes")
        return data


@contextmanager
def opened(path: Path) -> Iterator[ZarrStore]:
    """Open a Zarr hierarchy for reading."""
    if address := address_of(path):
        yield ZarrStore(_elsewhere(address), path, "")
    elif path.is_dir():
        yield ZarrStore(LocalStore(path, read_only=True), path, "")
    else:
        with zipfile.ZipFile(path) as file:
            marks = [n for n in file.namelist() if n.rpartition("/")[2] in ZARR_MARKS]
        root = min((name.rpartition("/")[0] for name in marks), key=len)
        store = ZipStore(path, mode="r")
        try:
            yield ZarrStore(store, path, root)
        finally:
            store.close()


def _elsewhere(address: str) -> Any:
    try:
        return FsspecStore.from_url(address, read_only=True)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"cannot open {address}: {_words(error)}",
            hint="install what reads from there: pip install 'fsspec[http,s3]'",
        ) from error


@contextmanager
def _in_silence() -> Iterator[None]:
    """Keep to oneself what zarr says of types and codecs that are not yet standard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _join(root: str, place: str) -> str:
    return "/".join(part for part in (root, place) if part)


def _words(error: Exception) -> str:
    """Return what an error says, in one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 200 else f"{text[:200]} ..."
