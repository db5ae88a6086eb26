"""The stack machine that a pickle is a program for. It makes notes, not objects.

Names that an attack would put into a file of weights, and a training would not.

Nothing in a checkpoint is ever imported or called, whatever it is called. These names
are refused for the user's sake: other programs would run what such a file asks for.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from w2s_cli.weights.contents import Refusal, quoted


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a class or function, and no more than the name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Item(NamedTuple):
    """An entry of a dictionary. Its key may be anything: keys are never hashed."""

    key: object
    value: object


@dataclass(slots=True, eq=False, repr=False)
class Made:
    """What is to be made, and from what.

    Attributes
    ----------
    maker
        The class or function: a `Name` as a rule.
    arguments
        What it is to be called with: a tuple as a rule.
    state
        What is to be put into the object afterwards.
    contents
        What is to be added to the object: items, or the members of a set or list.
    """

    maker: object
    arguments: object = ()
    state: object = None
    contents: list[object] | None = None

    def add(self, values: list[object]) -> None:
        """Note more contents. Most objects get none, so the list is made late."""
        if self.contents is None:
            self.contents = values
        else:
            self.contents += values


DICT = Name("builtins", "dict")
SET = Name("builtins", "set")
PERSISTENT = Name("", "persistent")  # kept outside the pickle, under an id


@dataclass(frozen=True, slots=True)
class Pickled:
    """A pickle, read.

    Attributes
    ----------
    root
        The object: a number, string, bytes, bool, None, tuple, list, `Name` or `Made`.
    persistent
        The ids of all that is kept outside the pickle.
    """

    root: object
    persistent: list[object]


_BUILTINS = """
    __import__ breakpoint compile delattr eval exec execfile globals input locals open
    setattr vars
"""
# What configurations, bound methods and Python 2 bring along.
_HARMLESS = """
    __future__ _codecs argparse builtins collections copyreg datetime decimal enum
    fractions functools pathlib random time types.SimpleNamespace typing uuid
"""
_OTHERS = """
    commands dill numpy.f2py numpy.load numpy.testing pip popen2 setuptools
    torch._dynamo torch._inductor torch.hub torch.jit torch.load torch.package
    torch.serialization torch.utils.cpp_extension
"""


def is_denied(name: str) -> bool:
    """Return whether no weights need what a dotted name names."""
    root, _, rest = name.partition(".")
    if root == "builtins":
        return rest in _BUILTINS.split()
    if root in sys.stdlib_module_names:
        return not _lies_in(name, _HARMLESS)
    return _lies_in(name, _OTHERS)


def _lies_in(name: str, places: str) -> bool:
    return any(f"{name}.".startswith(f"{place}.") for place in places.split())


@dataclass(slots=True)
class Machine:
    """A stack that is cut at marks, a memory by number, and the ids it has met."""

    stack: list[object] = field(default_factory=list)
    below: list[list[object]] = field(default_factory=list)  # one for each open mark
    memory: dict[int, object] = field(default_factory=dict)
    persistent: list[object] = field(default_factory=list)

    def run(self, instruction: str, argument: Any) -> None:
        """Do one instruction, named as in `pickletools`.

        Raises
        ------
        Refusal
            When it cannot be done, or asks for what no weights need.
        """
        if instruction in _CONSTANTS:
            self.stack.append(argument)
        elif instruction in _PLAIN:
            _PLAIN[instruction](self)
        elif instruction in _WITH_ARGUMENT:
            _WITH_ARGUMENT[instruction](self, argument)
        elif instruction not in _ABOUT_THE_PICKLE:
            raise Refusal(f"has a pickle with {instruction}, which no weights need")

    def _push(self, value: object) -> None:
        self.stack.append(value)

    def _top(self) -> Any:
        if not self.stack:
            raise Refusal("has a damaged pickle: it takes more than there is")
        return self.stack[-1]

    def pop(self) -> Any:
        """Return what is on top, and take it away."""
        self._top()
        return self.stack.pop()

    def _drop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._to_mark()

    def _mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _to_mark(self) -> list[object]:
        if not self.below:
            raise Refusal("has a damaged pickle: a mark is missing")
        values, self.stack = self.stack, self.below.pop()
        return values

    def _tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self._push(tuple(reversed(values)))

    def _name(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refusal("has a damaged pickle: a name that is not a string")
        # Protocols up to 2 use Python 2's name.
        found = Name("builtins" if module == "__builtin__" else module, name)
        if is_denied(str(found)):
            raise Refusal(
                f"asks for {quoted(str(found))}, which no weights need; "
                "nothing was run",
                hint="don't open it with any other program",
            )
        self._push(found)

    def _name_from_stack(self) -> None:
        name = self.pop()
        self._name(self.pop(), name)

    def _name_in_line(self, text: str) -> None:
        module, _, name = text.partition(" ")
        self._name(module, name)

    def _make(self) -> None:
        arguments = self.pop()
        self._push(Made(self.pop(), arguments))

    def _make_with_keywords(self) -> None:
        self.pop()
        self._make()

    def _make_from_marked(self) -> None:
        arguments = self._to_mark()
        if not arguments:
            raise Refusal("has a damaged pickle: an object of no class")
        self._push(Made(arguments[0], tuple(arguments[1:])))

    def _make_named(self, text: str) -> None:
        self._name_in_line(text)
        maker = self.pop()
        self._push(Made(maker, tuple(self._to_mark())))

    def _make_dict(self) -> None:
        values = self._to_mark()
        self._push(Made(DICT))
        self._add_items(values)

    def _build(self) -> None:
        state = self.pop()
        self._open().state = state

    def _add(self, values: list[object]) -> None:
        target = self._top()
        if isinstance(target, list):
            target += values
        else:
            self._open().add(values)

    def _add_items(self, values: list[object]) -> None:
        if len(values) % 2:
            raise Refusal("has a damaged pickle: a key without a value")
        self._open().add([*map(Item, values[::2], values[1::2])])

    def _add_item(self) -> None:
        value = self.pop()
        self._add_items([self.pop(), value])

    def _open(self) -> Made:
        """Return the object on top, which something is to be put into."""
        target = self._top()
        if not isinstance(target, Made):
            kind = type(target).__name__
            raise Refusal(f"has a damaged pickle: it puts something into a {kind}")
        return target

    def _recall(self, place: int) -> None:
        if place not in self.memory:
            raise Refusal("has a damaged pickle: it recalls what it never kept")
        self._push(self.memory[place])

    def _keep(self, place: int) -> None:
        self.memory[place] = self._top()

    def _look_up(self, name: object) -> None:
        self.persistent.append(name)
        self._push(Made(PERSISTENT, (name,)))


_ABOUT_THE_PICKLE = frozenset(("PROTO", "FRAME", "STOP"))
_NUMBERS_AND_TEXTS = """
    INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING
    SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE
    SHORT_BINUNICODE BINUNICODE BINUNICODE8
"""
_CONSTANTS = frozenset(_NUMBERS_AND_TEXTS.split())
_WITH_ARGUMENT: dict[str, Callable[[Machine, Any], None]] = {
    "GLOBAL": Machine._name_in_line,
    "INST": Machine._make_named,
    "PERSID": Machine._look_up,
    "GET": Machine._recall,
    "BINGET": Machine._recall,
    "LONG_BINGET": Machine._recall,
    "PUT": Machine._keep,
    "BINPUT": Machine._keep,
    "LONG_BINPUT": Machine._keep,
}
_PLAIN: dict[str, Callable[[Machine], object]] = {
    "NONE": lambda machine: machine._push(None),
    "NEWTRUE": lambda machine: machine._push(True),
    "NEWFALSE": lambda machine: machine._push(False),
    "EMPTY_LIST": lambda machine: machine._push([]),
    "EMPTY_TUPLE": lambda machine: machine._push(()),
    "EMPTY_DICT": lambda machine: machine._push(Made(DICT)),
    "EMPTY_SET": lambda machine: machine._push(Made(SET)),
    "MARK": Machine._mark,
    "POP_MARK": Machine._to_mark,
    "POP": Machine._drop,
    "DUP": lambda machine: machine._push(machine._top()),
    "LIST": lambda machine: machine._push(machine._to_mark()),
    "TUPLE": lambda machine: machine._push(tuple(machine._to_mark())),
    "TUPLE1": lambda machine: machine._tuple_of(1),
    "TUPLE2": lambda machine: machine._tuple_of(2),
    "TUPLE3": lambda machine: machine._tuple_of(3),
    "DICT": Machine._make_dict,
    "FROZENSET": lambda machine: machine._push(Made(SET, (machine._to_mark(),))),
    "APPEND": lambda machine: machine._add([machine.pop()]),
    "APPENDS": lambda machine: machine._add(machine._to_mark()),
    "ADDITEMS": lambda machine: machine._add(machine._to_mark()),
    "SETITEM": Machine._add_item,
    "SETITEMS": lambda machine: machine._add_items(machine._to_mark()),
    "STACK_GLOBAL": Machine._name_from_stack,
    "REDUCE": Machine._make,
    "NEWOBJ": Machine._make,
    "NEWOBJ_EX": Machine._make_with_keywords,
    "OBJ": Machine._make_from_marked,
    "BUILD": Machine._build,
    "BINPERSID": lambda machine: machine._look_up(machine.pop()),
    "MEMOIZE": lambda machine: machine._keep(len(machine.memory)),
}
