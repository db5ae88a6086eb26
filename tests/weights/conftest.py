"""Files of weights, forged: any pickle in torch's containers, and what watches it."""

import pickle
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from w2s_cli.errors import WeightsError
from w2s_cli.weights import checkpoint

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {}}


class Stored(NamedTuple):
    """A storage, which a pickle names and a container holds."""

    identity: object


class Tensor:
    """A tensor, which a pickle makes by a call."""

    def __init__(self, *how: object) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        return self.how


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: object) -> object:
        return thing.identity if isinstance(thing, Stored) else None


class Forge:
    """Make files that `torch.save` might have written, and some that it might not."""

    @staticmethod
    def tensor(
        *,
        offset: object = 0,
        shape: object = (2,),
        strides: object = (1,),
        kind: type = torch.FloatStorage,
        key: object = "0",
        count: object = 2,
        maker: Callable[..., torch.Tensor] = torch._utils._rebuild_tensor_v2,
        more: tuple[object, ...] = (),
    ) -> Tensor:
        """Return what a pickle says of a tensor: two floats, if not told otherwise."""
        storage = Stored(("storage", kind, key, "cpu", count))
        parts = storage, offset, shape, strides, False, {}, *more
        return Tensor(maker, parts)

    @staticmethod
    def pickled(**things: object) -> bytes:
        """Return a pickled dictionary, tensors in it."""
        out = BytesIO()
        _Pickler(out, 2).dump(things)
        return out.getvalue()

    @staticmethod
    def zipped(
        pickled: bytes,
        storages: dict[str, bytes] | None = None,
        *,
        order: bytes = b"little",
        **more: bytes,
    ) -> bytes:
        """Return a file of torch since 1.6."""
        members = {"data.pkl": pickled, "byteorder": order, "version": b"3\n"}
        members |= {f"data/{key}": raw for key, raw in (storages or {}).items()}
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, raw in (members | more).items():
                archive.writestr(f"archive/{name}", raw)
        return out.getvalue()

    @staticmethod
    def legacy(
        pickled: bytes,
        storages: dict[str, bytes] | None = None,
        *,
        magic: object = MAGIC,
        protocol: object = PROTOCOL,
        system: object = SYSTEM,
        keys: object = None,
        width: int = 4,
    ) -> bytes:
        """Return a file of torch before 1.6."""
        storages = storages or {}
        keys = [*storages] if keys is None else keys
        head = [pickle.dumps(part, 2) for part in (magic, protocol, system)]
        body = [struct.pack("<q", len(raw) // width) + raw for raw in storages.values()]
        return b"".join([*head, pickled, pickle.dumps(keys, 2), *body])


# Events of Python that no reading of weights causes.
WATCHED = """
    builtins.breakpoint builtins.input code compile ctypes exec import marshal os pickle
    pty shutil socket subprocess urllib webbrowser
"""
_deeds: list[str] = []
_watching = False


def _note(event: str, _: Any) -> None:
    if _watching and {event, event.split(".")[0]} & {*WATCHED.split()}:
        _deeds.append(event)


sys.addaudithook(_note)


@contextmanager
def watched() -> Iterator[None]:
    """Fail when Python runs, imports, removes or connects to anything meanwhile."""
    global _watching
    _deeds.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
        assert _deeds == []


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """Return the forge, once all that loading imports is imported."""
    path = tmp_path_factory.mktemp("warm") / "w.pth"
    torch.save({"a": torch.ones(1)}, path)
    checkpoint.load(path)
    path.write_bytes(Forge.zipped(pickle.dumps({"a": 1}, 0)))
    with pytest.raises(WeightsError):
        checkpoint.load(path)
    return Forge()


Load = Callable[[bytes], checkpoint.Checkpoint]


@pytest.fixture
def load(forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load the bytes of a file while nothing else may happen."""
    monkeypatch.chdir(tmp_path)

    def loaded(content: bytes) -> checkpoint.Checkpoint:
        path = Path("w.pth")
        path.write_bytes(content)
        with watched():
            return checkpoint.load(path)

    return loaded
