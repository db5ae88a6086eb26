"""No pickle runs, hangs or fills the memory; each is refused in clear words."""

import builtins
import codecs
import ctypes
import functools
import importlib
import operator
import os
import pathlib
import pdb
import pickle
import pty
import runpy
import shutil
import socket
import struct
import subprocess
import timeit
import types
import urllib.request
import webbrowser
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pytest
import torch

from w2s_cli.errors import WeightsError

TOUCH = "touch canary"
WRITE = "open('canary', 'w').close()"
NAMES = "asks for '{}', which no weights need; nothing was run"
EMPTY = "holds no tensors by name"
DAMAGED = "has a damaged pickle"


class Call:
    """An object that Python's pickle makes by a call."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.how = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.how


def call(function: Callable[..., Any], *arguments: object, protocol: int = 2) -> bytes:
    asked = {"state_dict": Call(function, *arguments)}
    return pickle.dumps(asked, protocol, fix_imports=False)


def text(words: str) -> bytes:
    return b"U" + bytes([len(words)]) + words.encode()


# What Python's own pickle would run: each is a word of some attack that has been seen.
CALLS = {
    "posix.system": call(os.system, TOUCH),
    "posix.system, protocol 0": call(os.system, TOUCH, protocol=0),
    "posix.system, protocol 5": call(os.system, TOUCH, protocol=5),
    "os.popen": call(os.popen, TOUCH),
    "nt.system": b"cnt\nsystem\n" + text(TOUCH) + b"\x85R.",
    "subprocess.Popen": call(subprocess.Popen, ["touch", "canary"]),
    "subprocess.check_output": call(subprocess.check_output, ["touch", "canary"]),
    "builtins.eval": call(eval, WRITE),
    "builtins.exec": call(exec, WRITE),
    "builtins.exec, as __builtin__": b"c__builtin__\nexec\n" + text(WRITE) + b"\x85R.",
    "builtins.compile": call(compile, WRITE, "x", "exec"),
    "builtins.__import__": call(__import__, "antigravity"),
    "builtins.open": b"cbuiltins\nopen\n(" + text("canary") + text("w") + b"tR.",
    "io.open": call(open, "canary", "w"),
    "builtins.setattr": call(setattr, Call(os.getcwd), "x", 1),
    "builtins.breakpoint": call(builtins.breakpoint),
    "importlib.import_module": call(importlib.import_module, "this"),
    "runpy.run_path": call(runpy.run_path, "canary.py"),
    "pty.spawn": call(pty.spawn, ["touch", "canary"]),
    "shutil.rmtree": call(shutil.rmtree, "."),
    "socket.create_connection": call(socket.create_connection, ("127.0.0.1", 9)),
    "urllib.request.urlopen": call(urllib.request.urlopen, "http://127.0.0.1:9"),
    "webbrowser.open": call(webbrowser.open, "http://127.0.0.1:9"),
    "ctypes.CDLL": call(ctypes.CDLL, "libc.so.6"),
    "_pickle.loads": call(pickle.loads, call(os.system, TOUCH)),
    "marshal.loads": b"cmarshal\nloads\n" + text("x") + b"\x85R.",
    "types.FunctionType": b"ctypes\nFunctionType\n)R.",
    "types.CodeType": b"\x8c\x05types\x8c\x08CodeType\x93)R.",
    "operator.attrgetter": call(operator.attrgetter, "system"),
    "operator.methodcaller": call(operator.methodcaller, "system", TOUCH),
    "_functools.reduce": call(functools.reduce, print, [1, 2]),
    "timeit.timeit": call(timeit.timeit, WRITE),
    "pdb.run": call(pdb.run, WRITE),
    "torch.load": b"ctorch\nload\n" + text("x.pth") + b"\x85R.",
    "torch.hub.load": call(torch.hub.load, "a/b", "c"),
    "torch.jit.load": b"ctorch.jit\nload\n" + text("x.pt") + b"\x85R.",
    "torch.serialization.load": call(torch.load, "x.pth"),
    "numpy.load": b"cnumpy\nload\n" + text("x.npy") + b"\x85R.",
    "os.system, by INST": b"(" + text(TOUCH) + b"ios\nsystem\n.",
    "os.system, by OBJ": b"(cos\nsystem\n" + text(TOUCH) + b"o.",
    "os.system, by NEWOBJ": b"\x80\x02cos\nsystem\n" + text(TOUCH) + b"\x85\x81.",
    "os.system, by NEWOBJ_EX": b"\x80\x04cos\nsystem\n" + text(TOUCH) + b"\x85}\x92.",
    "os.system, by STACK_GLOBAL": b"\x8c\x02os\x8c\x06system\x93)R.",
    "os.system, from the memo": b"\x8c\x02os\x94\x8c\x06system\x94h\0h\1\x93)R.",
    "os.system, by BUILD": b"ctorch\nX\n)R}"
    + text("__setstate__")
    + b"cos\nsystem\nsb"
    + text(TOUCH)
    + b"b.",
    "os.system, never called": b"cos\nsystem\n0}.",
    "os.path.os.system": b"\x8c\x02os\x8c\x0epath.os.system\x93)R.",
    "sys.modules": b"csys\nmodules\n.",
}

GETATTR = Call(getattr, Call(getattr, "", "__class__"), "__subclasses__")
DEEP = 60_000
TWICE = b"".join(b"g%d\ng%d\n\x86p%d\n0" % (i, i, i + 1) for i in range(99))
LAUGHS = b")p0\n0" + TWICE + b"g99\n"

OTHERS = {
    # Things that are not suspect by their name, and do nothing either.
    "getattr chain": (pickle.dumps({"state_dict": GETATTR}, 2), EMPTY),
    "functools.partial": (call(functools.partial, print, "x"), EMPTY),
    "codecs": (call(codecs.encode, "x", "rot13"), EMPTY),
    "pathlib unlink": (call(pathlib.Path.unlink, pathlib.Path("w.pth")), EMPTY),
    "numpy arrays": (pickle.dumps({"a": np.arange(3)}, 2), EMPTY),
    "a namespace": (pickle.dumps(types.SimpleNamespace(a=1), 2), EMPTY),
    "a module nobody has": (b"cno.such\nClass\n)\x81}" + text("a") + b"K\1sb.", EMPTY),
    "__setstate__ of a list": (b"]}b.", "puts something into a list"),
    "state of a number": (b"K\1}b.", "puts something into a int"),
    "state of a name": (b"ctorch\nX\n}b.", "puts something into a GlobalName"),
    # Words of the language that a file has no use for.
    "EXT1": (b"\x80\2\x82\1.", "has a pickle with EXT1"),
    "EXT2": (b"\x80\2\x83\1\0.", "has a pickle with EXT2"),
    "EXT4": (b"\x80\2\x84\1\0\0\0.", "has a pickle with EXT4"),
    "NEXT_BUFFER": (b"\x80\5\x97.", "has a pickle with NEXT_BUFFER"),
    "READONLY_BUFFER": (b"\x80\5\x98.", "has a pickle with READONLY_BUFFER"),
    # Damage.
    "nothing": (b"", "no bytes|pickle exhausted"),
    "no end": (b"\x80\2}", DAMAGED),
    "no such word": (b"\x80\2\xff.", DAMAGED),
    "empty stack": (b"\x80\2.", "takes more than there is"),
    "call of nothing": (b"R.", "takes more than there is"),
    "pair of one": (b"K\1\x86.", "takes more than there is"),
    "no mark": (b"]K\1e.", "a mark is missing"),
    "too many pops": (b"K\x01" + b"000.", "a mark is missing"),
    "recalls nothing": (b"h\7.", "recalls what it never kept"),
    "keeps nothing": (b"q\1.", "takes more than there is"),
    "object of no class": (b"(o.", "an object of no class"),
    "key without a value": (b"}(K\1u.", "a key without a value"),
    "item of a list": (b"]K\1K\1s.", "puts something into a list"),
    "member of a string": (b"U\1aK\1a.", "puts something into a str"),
    "name of numbers": (b"K\1K\2\x93.", "a name that is not a string"),
    "half a name": (b"cos\n", DAMAGED),
    "bad unicode": (b"X\2\0\0\0\xff\xff.", DAMAGED),
    "bad integer": (b"Ixyz\n.", DAMAGED),
    "integer of 9000 digits": (b"I" + b"9" * 9000 + b"\n.", DAMAGED),
    "negative length": (b"\x8b\xff\xff\xff\xff.", DAMAGED),
    # Sizes that are not there.
    "long of 2 GB": (b"\x8b\xff\xff\xff\x7f.", DAMAGED),
    "text of 8 EB": (b"\x8d" + b"\xff" * 7 + b"\x7f.", DAMAGED),
    "bytes of 16 EB": (b"\x8e" + b"\xff" * 8 + b".", DAMAGED),
    "array of 4 EB": (b"\x96" + b"\xff" * 7 + b"\x3f.", DAMAGED),
    "frame of 16 EB": (b"\x80\4\x95" + b"\xff" * 8 + b"}.", EMPTY),
    "memo of 4 billion": (b"}r\xff\xff\xff\xff.", EMPTY),
    # Explosions.
    "laughs": (LAUGHS + b".", EMPTY),
    "laughs as a key": (b"}(" + LAUGHS + b"K\1u.", EMPTY),
    "laughs in a set": (b"\x8f(" + LAUGHS + b"\x90.", EMPTY),
    "deep lists": (b"]" * DEEP + b"a" * (DEEP - 1) + b".", EMPTY),
    "deep tuples as a key": (b"}(" + b")" + b"\x85" * DEEP + b"K\1u.", EMPTY),
    "deep calls": (b"ctorch\nX\n" + b")R" * DEEP + b".", EMPTY),
    "deep dictionaries": (b"}U\1a" * DEEP + b"}" + b"s" * DEEP + b".", EMPTY),
    "a list in itself": (b"]q\1h\1a.", EMPTY),
    "a dictionary in itself": (b"}q\1U\1ah\1s.", EMPTY),
    "endless memo": (b"}" + b"\x94" * 1_000_001 + b".", "more than 1000000 instr"),
}


@pytest.mark.parametrize("container", ["zipped", "legacy"])
@pytest.mark.parametrize("name", CALLS)
def test_nothing_that_a_pickle_asks_for_is_run(
    name: str, container: str, forge, load
) -> None:
    asked = NAMES.format(name.partition(",")[0])
    with pytest.raises(WeightsError, match=asked.replace(".", r"\.")) as error:
        load(getattr(forge, container)(CALLS[name]))
    assert error.value.hint == "don't open it with any other program"
    assert error.value.exit_code == 5
    assert str(error.value).startswith("w.pth ")


@pytest.mark.parametrize("name", OTHERS)
def test_odd_pickles_are_refused(name: str, forge, load) -> None:
    pickled, message = OTHERS[name]
    start = process_time()
    with pytest.raises(WeightsError, match=message) as error:
        load(forge.zipped(pickled))
    assert process_time() - start < 10
    assert error.value.hint
    assert len(str(error.value)) < 200
    assert str(error.value).isprintable()


def test_what_is_called_beside_good_weights_is_not_called(forge, load) -> None:
    """As SAN's checkpoints do: a bound method is a call of getattr."""
    state = load(
        forge.zipped(
            forge.pickled(
                a=forge.tensor(), f=Call(getattr, pathlib.Path("w.pth"), "unlink")
            ),
            {"0": struct.pack("<2f", 1, 1)},
        )
    ).state
    assert [*state] == ["a"]
    assert torch.equal(state["a"], torch.ones(2))
