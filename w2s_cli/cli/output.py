"""What is printed: results on standard output, all else on standard error."""

import json
import os
import sys
import traceback
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import typer

from w2s_cli.errors import BugError, OutputError, UsageError, W2SError


def print_result(text: str = "") -> None:
    """Print a line, or lines, of what a command is asked for."""
    if sys.stdout is None:
        raise OutputError("cannot write standard output: it is closed")
    try:
        typer.echo("\n".join(map(printable, text.split("\n"))))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write standard output: {error.strerror or error}",
            hint="check the file or the command that it goes to",
        ) from error


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print_result(json.dumps(value, indent=2))


def printable(text: str) -> str:
    """Return a line with what would steer a terminal, or hide, as escapes."""
    if text.isprintable():
        return text
    return "".join(
        one
        if one.isprintable() or unicodedata.category(one) == "Zs"
        else one.encode("unicode_escape", "surrogatepass").decode()
        for one in text
    )


def print_error(error: W2SError, subject: str = "") -> None:
    """Say what happened and what to try next; of a bug where."""
    if isinstance(error, BugError) and error.__cause__:
        for line in traceback.format_exception(error.__cause__):
            for one in line.splitlines():
                _say(one)
    where = f"{subject}: " if subject else ""
    _say(f"error: {where}{error}", typer.colors.RED)
    if error.hint:
        _say(f"hint: {error.hint}")


def warn(message: str) -> None:
    """Say what a user should look at."""
    _say(f"warning: {message}", typer.colors.YELLOW)


def note(message: str) -> None:
    """Say what was done."""
    _say(message)


def _say(message: str, colour: str | None = None) -> None:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    message = printable(message)
    shown = message if plain or not colour else typer.style(message, fg=colour)
    try:
        typer.echo(shown, err=True)
    except BrokenPipeError:
        raise
    except OSError:  # nobody can be told
        pass


TERMINAL = 80  # columns that every terminal has
_MINUTE = 60  # seconds, and minutes of an hour


def readable(value: Any) -> str:
    """Return a JSON value as a reader likes it."""
    match value:
        case dict() if value:
            return ", ".join(f"{key} {readable(item)}" for key, item in value.items())
        case [dict(), *_]:
            return "; ".join(map(readable, value))
        case list() if value:
            return ", ".join(map(printable, map(str, value)))
        case float():
            return f"{value:.6g}"
        case int():
            return str(value)
        case _:
            return printable(str(value or "-"))


def table(lines: list[list[str]], width: int = 0) -> str:
    """Return lines of cells in columns as wide as their widest cell.

    With a width the last column is broken into as many lines as it takes.
    """
    lines = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if width:
        widths[-1] = max(width - sum(widths[:-1]) - 2 * len(widths[:-1]), 20)
        lines = [
            [*([""] * len(cells) if number else cells), part]
            for *cells, last in lines
            for number, part in enumerate(wrap(last, widths[-1]) or [""])
        ]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def duration(seconds: float) -> str:
    """Return a time in words, such as "3 min"."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / _MINUTE), _MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def check_plot(plot: Path, inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Find out before the work whether a plot can be written."""
    from w2s_cli.batch.file_pairs import check_spared
    from w2s_cli.io.targets import check_target

    if plot.suffix.lower() != ".png":
        raise UsageError(f"the plot {plot} is no .png file", hint="name it FILE.png")
    check_target(plot, overwrite=overwrite)
    check_spared(plot, inputs)
