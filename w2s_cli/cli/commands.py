"""How a command explains itself, and how it fails."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from w2s_cli.cli.output import note, print_error
from w2s_cli.errors import UsageError, W2SError, explained
from w2s_cli.interruptions import Stopped, raise_stopped_on_signals

_HINTS = {"method": "; methods that take turns are joined: --method denoise+bicubic"}
PIPE_CLOSED = 141


class _AsWritten:
    """Help that keeps the lines of the docstring, examples among them."""

    help: str | None

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the help without wrapping it anew."""
        formatter.write("\n")
        for line in (self.help or "").splitlines():
            formatter.write(f"  {line}".rstrip() + "\n")


class Command(_AsWritten, TyperCommand):
    """One verb."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that is given twice: the last one would be taken unsaid."""
        *_, order = self.make_parser(ctx).parse_args(args=[*args])
        repeated = {param for param in order if order.count(param) > 1}
        for option in repeated:
            one = not (option.multiple or getattr(option, "is_flag", False))
            if option.param_type_name == "option" and one:
                raise UsageError(
                    f"{option.opts[0]} is given more than once",
                    hint=f"give it once{_HINTS.get(option.name or '', '')}",
                )
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:  # in words that say who checked
            plain = error.message.removeprefix("Value error, ")
            plain = plain.replace("Input should be", "it should be")
            error.message = plain.partition(", unable to parse")[0]
            raise


class Commands(_AsWritten, TyperGroup):
    """All of them: every failure that a user can cause is caught here, once."""

    def make_context(self, *args: Any, **how: Any) -> Any:
        """Understand the command line; a signal counts as it does later."""
        try:
            return super().make_context(*args, **how)
        except KeyboardInterrupt as error:
            raise typer.Exit(Stopped.exit_code_of(error)) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(PIPE_CLOSED) from None
        except (W2SError, OSError, MemoryError) as error:
            print_error(told := explained(error))
            raise typer.Exit(told.exit_code) from error
        except KeyboardInterrupt as error:
            note("interrupted")
            raise typer.Exit(Stopped.exit_code_of(error)) from None


@contextmanager
def stoppable() -> Iterator[None]:
    """Let signals end what is run, and remove what it leaves."""
    Stopped.heard = 0
    raise_stopped_on_signals()
    try:
        yield
    finally:
        if "w2s_cli.io.atomic_files" in sys.modules:  # else nothing was made
            from w2s_cli.io.atomic_files import remove_own

            remove_own()
        Stopped.heard = 0  # of this run alone


@contextmanager
def streams() -> Iterator[None]:
    """Let a standard stream be closed, full or unable to write a letter.

    What is closed is opened on nothing: the next file would take its number.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    except Exception as error:  # outside of any command, or a bug
        print_error(told := explained(error))
        raise SystemExit(told.exit_code) from error
    finally:
        try:
            if sys.stdout:
                sys.stdout.flush()
        except OSError:
            # Python flushes it once more at its end: let it succeed.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
