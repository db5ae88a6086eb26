"""Read a pickle as data: nothing that it names is imported, called or built.

A pickle is a program for a small stack machine. Python's machine imports what the
program names and calls it, and so a checkpoint can run code. The machine here knows the
same instructions, but where Python's makes an object, it keeps what was to be made and
from what: a `PickledObject`. In those the tensors can be found.

Some names are refused as well, for the user's sake: an attack puts them into a file of
weights, a training does not, and other programs would run what such a file asks for.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pickletools import genops
from typing import IO, Any, NamedTuple

from w2s_cli.weights.contents import Refusal, quoted

# A whole pickled RCAN, of 2000 layers, takes 0.8 MB and 320,000 instructions. Since one
# makes at most about 100 bytes, a pickle can blow itself up to some 100 MB, not more.
MAX_BYTES = 16 << 20
MAX_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class GlobalName:
    """The name of a class or function, and no more than the name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class DictItem(NamedTuple):
    """An entry of a dictionary. Its key may be anything: keys are never hashed."""

    key: object
    value: object


@dataclass(slots=True, eq=False, repr=False)
class PickledObject:
    """What is to be made, and from what."""

    function: object  # the class or function: a `GlobalName` as a rule
    arguments: object = ()  # what it is to be called with: a tuple as a rule
    state: object = None  # what is to be put into the object afterwards
    # What is to be added to the object: items, or the members of a set or list. Most
    # get none, so the list is made late
    contents: list[object] | None = None


DICT = GlobalName("builtins", "dict")
SET = GlobalName("builtins", "set")
PERSISTENT = GlobalName("", "persistent")  # kept outside the pickle, under an id


@dataclass(frozen=True, slots=True)
class UnpickledData:
    """A pickle, read."""

    # A number, string, bytes, bool, None, tuple, list, `GlobalName` or `PickledObject`
    root: object
    persistent: list[object]  # the ids of all that is kept outside the pickle


_DENIED_BUILTINS = """
    __import__ breakpoint compile delattr eval exec execfile globals input locals open
    setattr vars
"""
# What configurations, bound methods and Python 2 bring along.
_ALLOWED_STANDARD = """
    __future__ _codecs argparse builtins collections copyreg datetime decimal enum
    fractions functools pathlib random time types.SimpleNamespace typing uuid
"""
_DENIED_OTHERS = """
    commands dill numpy.f2py numpy.load numpy.testing pip popen2 setuptools
    torch._dynamo torch._inductor torch.hub torch.jit torch.load torch.package
    torch.serialization torch.utils.cpp_extension
"""


def is_denied(name: str) -> bool:
    """Return whether no weights need what a dotted name names."""
    root, _, rest = name.partition(".")
    if root == "builtins":
        return rest in _DENIED_BUILTINS.split()
    if root in sys.stdlib_module_names:
        return not _lies_in(name, _ALLOWED_STANDARD)
    return _lies_in(name, _DENIED_OTHERS)


def _lies_in(name: str, places: str) -> bool:
    return any(f"{name}.".startswith(f"{place}.") for place in places.split())


@dataclass(slots=True)
class _Machine:
    """A stack that is cut at marks, a memory by number, and the ids it has met."""

    stack: list[object] = field(default_factory=list)
    below: list[list[object]] = field(default_factory=list)  # one for each open mark
    memory: dict[int, object] = field(default_factory=dict)
    persistent: list[object] = field(default_factory=list)

    def run(self, instruction: str, argument: Any) -> None:
        """Do one instruction, named as in `pickletools`."""
        if instruction in _CONSTANTS:
            self.push(argument)
        elif instruction in _PLAIN:
            _PLAIN[instruction](self)
        elif instruction in _WITH_ARGUMENT:
            _WITH_ARGUMENT[instruction](self, argument)
        elif instruction not in ("PROTO", "FRAME", "STOP"):
            raise Refusal(f"has a pickle with {instruction}, which no weights need")

    def push(self, value: object) -> None:
        self.stack.append(value)

    def top(self) -> Any:
        if not self.stack:
            raise Refusal("has a damaged pickle: it takes more than there is")
        return self.stack[-1]

    def pop(self) -> Any:
        self.top()
        return self.stack.pop()

    def drop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def mark(self) -> None:
        """Open a mark: the values from here on are taken together."""
        self.below.append(self.stack)
        self.stack = []

    def pop_mark(self) -> list[object]:
        """Return the values since the last mark, and take them away."""
        if not self.below:
            raise Refusal("has a damaged pickle: a mark is missing")
        values, self.stack = self.stack, self.below.pop()
        return values

    def push_tuple(self, count: int) -> None:
        self.push(tuple([self.pop() for _ in range(count)][::-1]))

    def push_name(self, module: object, name: object) -> None:
        """Push the name of a class or function, unless no weights need it."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refusal("has a damaged pickle: a name that is not a string")
        # Protocols up to 2 use Python 2's name.
        found = GlobalName("builtins" if module == "__builtin__" else module, name)
        if is_denied(str(found)):
            raise Refusal(
                f"asks for {quoted(str(found))}, which no weights need; "
                "nothing was run",
                hint="don't open it with any other program",
            )
        self.push(found)

    def push_name_in_line(self, text: str) -> None:
        """Push a name that stands in the pickle as two lines."""
        module, _, name = text.partition(" ")
        self.push_name(module, name)

    def push_name_from_stack(self) -> None:
        name = self.pop()
        self.push_name(self.pop(), name)

    def push_object(self, keywords: bool = False) -> None:
        """Push what a call of a function with arguments would make."""
        if keywords:
            self.pop()
        arguments = self.pop()
        self.push(PickledObject(self.pop(), arguments))

    def push_object_from_mark(self) -> None:
        """Push an object whose class and arguments follow a mark."""
        arguments = self.pop_mark()
        if not arguments:
            raise Refusal("has a damaged pickle: an object of no class")
        self.push(PickledObject(arguments[0], tuple(arguments[1:])))

    def push_object_in_line(self, text: str) -> None:
        """Push an object whose class stands in the pickle as two lines."""
        self.push_name_in_line(text)
        function = self.pop()
        self.push(PickledObject(function, tuple(self.pop_mark())))

    def push_dict(self) -> None:
        values = self.pop_mark()
        self.push(PickledObject(DICT))
        self.add_items(values)

    def build(self) -> None:
        state = self.pop()
        self.top_object().state = state

    def add(self, values: list[object]) -> None:
        """Add values to the list, set or other object on top."""
        if isinstance(target := self.top(), list):
            target += values
        elif (made := self.top_object()).contents is None:
            made.contents = values
        else:
            made.contents += values

    def add_items(self, values: list[object]) -> None:
        """Add keys and values, one after the other, to the dictionary on top."""
        if len(values) % 2:
            raise Refusal("has a damaged pickle: a key without a value")
        self.top_object()
        self.add([*map(DictItem, values[::2], values[1::2])])

    def add_item(self) -> None:
        value = self.pop()
        self.add_items([self.pop(), value])

    def top_object(self) -> PickledObject:
        """Return the object on top, which something is to be put into."""
        target = self.top()
        if not isinstance(target, PickledObject):
            kind = type(target).__name__
            raise Refusal(f"has a damaged pickle: it puts something into a {kind}")
        return target

    def recall(self, place: int) -> None:
        if place not in self.memory:
            raise Refusal("has a damaged pickle: it recalls what it never kept")
        self.push(self.memory[place])

    def store(self, place: int) -> None:
        self.memory[place] = self.top()

    def push_persistent(self, identity: object) -> None:
        self.persistent.append(identity)
        self.push(PickledObject(PERSISTENT, (identity,)))


_NUMBERS_AND_TEXTS = """
    INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING
    SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE
    SHORT_BINUNICODE BINUNICODE BINUNICODE8
"""
_CONSTANTS = frozenset(_NUMBERS_AND_TEXTS.split())
_WITH_ARGUMENT: dict[str, Callable[[_Machine, Any], None]] = {
    "GLOBAL": _Machine.push_name_in_line,
    "INST": _Machine.push_object_in_line,
    "PERSID": _Machine.push_persistent,
    "GET": _Machine.recall,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "PUT": _Machine.store,
    "BINPUT": _Machine.store,
    "LONG_BINPUT": _Machine.store,
}
_PLAIN: dict[str, Callable[[_Machine], object]] = {
    "NONE": lambda machine: machine.push(None),
    "NEWTRUE": lambda machine: machine.push(True),
    "NEWFALSE": lambda machine: machine.push(False),
    "EMPTY_LIST": lambda machine: machine.push([]),
    "EMPTY_TUPLE": lambda machine: machine.push(()),
    "EMPTY_DICT": lambda machine: machine.push(PickledObject(DICT)),
    "EMPTY_SET": lambda machine: machine.push(PickledObject(SET)),
    "MARK": _Machine.mark,
    "POP_MARK": _Machine.pop_mark,
    "POP": _Machine.drop,
    "DUP": lambda machine: machine.push(machine.top()),
    "LIST": lambda machine: machine.push(machine.pop_mark()),
    "TUPLE": lambda machine: machine.push(tuple(machine.pop_mark())),
    "TUPLE1": lambda machine: machine.push_tuple(1),
    "TUPLE2": lambda machine: machine.push_tuple(2),
    "TUPLE3": lambda machine: machine.push_tuple(3),
    "DICT": _Machine.push_dict,
    "FROZENSET": lambda machine: machine.push(
        PickledObject(SET, (machine.pop_mark(),))
    ),
    "APPEND": lambda machine: machine.add([machine.pop()]),
    "APPENDS": lambda machine: machine.add(machine.pop_mark()),
    "ADDITEMS": lambda machine: machine.add(machine.pop_mark()),
    "SETITEM": _Machine.add_item,
    "SETITEMS": lambda machine: machine.add_items(machine.pop_mark()),
    "STACK_GLOBAL": _Machine.push_name_from_stack,
    "REDUCE": _Machine.push_object,
    "NEWOBJ": _Machine.push_object,
    "NEWOBJ_EX": lambda machine: machine.push_object(keywords=True),
    "OBJ": _Machine.push_object_from_mark,
    "BUILD": _Machine.build,
    "BINPERSID": lambda machine: machine.push_persistent(machine.pop()),
    "MEMOIZE": lambda machine: machine.store(len(machine.memory)),
}


def unpickle(file: IO[bytes], most: int = MAX_STEPS) -> UnpickledData:
    """Return what the next pickle in `file` says, in `most` instructions at most."""
    machine = _Machine()
    try:
        for step, (opcode, argument, _) in enumerate(genops(file)):
            if step == most:
                raise Refusal(f"has a pickle of more than {most} instructions")
            machine.run(opcode.name, argument)
    except ValueError as error:  # of genops; the machine raises none
        raise Refusal(f"has a damaged pickle: {quoted(str(error))}") from error
    return UnpickledData(machine.pop(), machine.persistent)
