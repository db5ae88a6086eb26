"""What can be said of a method by `-O key=value`.

A method is a frozen dataclass, and its fields are its options: the annotation
`Annotated[type, "help"]` and the default are all that is declared of them. A field
without a help text is no option: the command line's own flags or the driver set it.
"""

from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from w2s_cli.errors import UsageError

_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a file",
}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a method: a field of its dataclass."""

    name: str
    type: Any
    default: Any
    help: str

    @property
    def expected(self) -> str:
        """Return what a value must be, in words."""
        if get_origin(self.type) is Literal:
            return " or ".join(map(str, get_args(self.type)))
        return _KINDS.get(self.type, "a text")

    def parse(self, text: str) -> Any:
        """Return the value that `text` stands for.

        Raises
        ------
        UsageError
            When it stands for none.
        """
        try:
            return self._value(text)
        except (KeyError, ValueError):
            raise UsageError(
                f"option {self.name} must be {self.expected}, found {text!r}",
                hint=f"{self.name}: {self.help}; {self.default} by default",
            ) from None

    def _value(self, text: str) -> Any:
        if get_origin(self.type) is Literal:
            return {str(value): value for value in get_args(self.type)}[text]
        if self.type is bool:
            return _TRUTH[text.lower()]
        value = self.type(text)
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(text)
        return value


def options_of(method: type) -> tuple[Option, ...]:
    """Return the options of a method, in the order of its fields."""
    hints = get_type_hints(method, include_extras=True)
    options = []
    for field in fields(method):
        if get_origin(hints[field.name]) is Annotated:
            kind, text = get_args(hints[field.name])
            options.append(Option(field.name, _required(kind), field.default, text))
    return tuple(options)


def _required(kind: Any) -> Any:
    """Return the type of a value that is there: X of `X | None`."""
    if isinstance(kind, UnionType):
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    return kind


def takes(method: type, name: str) -> bool:
    """Return whether a method has a field called `name`."""
    return any(field.name == name for field in fields(method))
