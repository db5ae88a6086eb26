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
7       the output exists, or cannot be written; the disk is full
8       an output does not agree with its input (check, restore --check)
70      a bug in w2s, whose traceback is shown
130     interrupted; 143 and the like: ended by that signal (128 + its number)
141     the reader of standard output went away
======  ==========================================================
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from errno import EDQUOT, EFBIG, ENOSPC, EROFS
from traceback import format_exception_only
from typing import Any

INCONSISTENT = 8
"""What a program ends with where an output does not agree with its input."""
_MOST_NAMED = 3  # things of a long list that a message names


class W2SError(Exception):
    """An expected failure: what happened in one sentence, and what to try next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it be sent to another process, whatever arguments made it."""
        return _made_again, (type(self), str(self), self.__dict__)


def _made_again(kind: type[W2SError], message: str, said: dict[str, Any]) -> W2SError:
    error = kind.__new__(kind, message)
    error.__dict__.update(said)
    return error


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


class ExistsError(OutputError):
    """An output that is there already."""


class BusyError(OutputError):
    """An output that another process is working on."""


class DiskFullError(OutputError):
    """No room for an output, nor for those that would follow."""


class BugError(W2SError):
    """A failure that nobody has foreseen; its cause is what was raised."""

    exit_code = 70


def explained(error: Exception) -> W2SError:
    """Return a failure of the machine, or a bug, in the words of the program."""
    match error:
        case W2SError():
            return error
        case MemoryError():
            found: W2SError = OutOfMemoryError(
                "out of memory", hint="close other programs"
            )
        case OSError(errno=code) if code in (ENOSPC, EDQUOT):
            found = DiskFullError(
                f"cannot write{_where(error)}: {disk_full(error)}",
                hint="make room, and run it again",
            )
        case OSError(errno=code) if code in (EFBIG, EROFS):
            found = OutputError(f"cannot write{_where(error)}: {error.strerror}")
        case OSError():
            reason = error.strerror or error
            found = InputError(f"cannot read{_where(error)}: {reason}")
        case ModuleNotFoundError(name="torch"):
            found = UsageError(
                "this needs PyTorch, which is not installed", hint="pip install torch"
            )
        case _:
            found = BugError(
                f"a bug in w2s: {''.join(format_exception_only(error)).strip()}",
                hint="please report it with the lines above",
            )
    found.__cause__ = error
    return found


def disk_full(error: OSError) -> str:
    """Return what there is too little of, in words; "" where that was not it."""
    words = {ENOSPC: "the disk is full", EDQUOT: "the disk quota is used up"}
    return words.get(error.errno or 0, "")


def _where(error: OSError) -> str:
    return f" {error.filename}" if error.filename else ""


def few(things: Sequence[object]) -> str:
    """Return a list in words for a message, not all of it where it is long."""
    shown = ", ".join(map(str, things[:_MOST_NAMED]))
    rest = len(things) - _MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def install_extra(extra: str) -> str:
    """Return what to type for an extra of the distribution that is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(name := "w2s-lite")
    except PackageNotFoundError:
        name = "w2s-cli"
    return f"pip install '{name}[{extra}]'"
