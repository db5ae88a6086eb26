"""The failures a user can cause and mend, and the exit code of each.

======  ==========================================================
code    meaning
======  ==========================================================
0       all done
1       some files failed, the others are done
2       the command line is wrong
3       nothing matched: a folder without images, a pattern without files
4       the input is unreadable or unsupported
5       weights are missing or corrupt
6       out of memory, even with the smallest tile
7       the output exists, or cannot be written
130     interrupted
141     the reader of standard output went away
======  ==========================================================
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_MOST_NAMED = 3  # things of a long list that a message names


class W2SError(Exception):
    """An expected failure: what happened in one sentence, and what to try next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(W2SError):
    """A command line, option or recipe that makes no sense."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A method, option, network or weight file that no catalogue lists."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        near = get_close_matches(name, known := sorted(known), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        super().__init__(f"no {kind} is called {name!r}", hint=hint)


class NothingMatchedError(W2SError):
    """No input file where one was expected."""

    exit_code = 3


class InputError(W2SError):
    """An input that cannot be read, or that the program must not guess about."""

    exit_code = 4


class AxesError(InputError):
    """Axes that do not fit the pixels, or that an operation cannot handle."""


class WeightsError(W2SError):
    """Weights that are missing, corrupt, or for something else."""

    exit_code = 5


class OutOfMemoryError(W2SError):
    """Not even the smallest tile fits into memory."""

    exit_code = 6


class OutputError(W2SError):
    """An output that exists already, or that cannot be written."""

    exit_code = 7


def few(things: Sequence[object]) -> str:
    """Return a list in words for a message, not all of it where it is long."""
    shown = ", ".join(map(str, things[:_MOST_NAMED]))
    rest = len(things) - _MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
