"""Names that turn into code only when somebody asks for it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from w2s_cli.errors import UnknownNameError

LICENCE = "MIT"  # of the project, and of what it says nothing else of


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a catalogue: free to list, imported on first use."""

    name: str
    target: str  # "package.module:attribute"
    summary: str
    source: str = ""  # the paper or library it comes from
    licence: str = LICENCE
    scale: int = 1  # output pixels per input pixel; 0 where the weights decide
    needs: str = ""  # what it cannot do without, in a few words

    def load(self) -> Any:
        """Import the module behind the entry and return its attribute."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)


Row = TypeVar("Row", bound=Entry)


class Registry(Generic[Row]):
    """An ordered catalogue of entries of one kind; `more` gives those of plug-ins.

    They are asked for when a name is unknown, or all are listed.
    """

    def __init__(
        self, kind: str, *entries: Row, more: Callable[[], Iterable[Row]] = tuple
    ) -> None:
        self.kind = kind
        self._entries = {entry.name: entry for entry in entries}
        self._more = more

    def _all(self) -> dict[str, Row]:
        """Return all entries by name; a plug-in cannot take the name of another."""
        return {entry.name: entry for entry in self._more()} | self._entries

    def __contains__(self, name: str) -> bool:
        return name in self._entries or name in self._all()

    def __getitem__(self, name: str) -> Row:
        if name in self._entries:
            return self._entries[name]
        known = self._all()
        if name not in known:
            raise UnknownNameError(self.kind, name, known)
        return known[name]

    def __iter__(self) -> Iterator[Row]:
        known = self._all()
        return iter(
            [
                *self._entries.values(),
                *(known[n] for n in known if n not in self._entries),
            ]
        )
