"""What a pickle says that it wants made: notes, where Python would have objects."""

from dataclasses import dataclass
from typing import NamedTuple


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
