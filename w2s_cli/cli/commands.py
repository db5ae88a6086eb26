"""How a command explains itself, and how it fails."""

import os
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from w2s_cli.cli.output import note, print_error
from w2s_cli.errors import OutOfMemoryError, UsageError, W2SError

_HINTS = {"method": "; methods that take turns are joined: --method denoise+bicubic"}
INTERRUPTED = 130
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
        return super().parse_args(ctx, args)


class Commands(_AsWritten, TyperGroup):
    """All of them: every failure that a user can cause is caught here, once."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except W2SError as error:
            print_error(error)
            raise typer.Exit(error.exit_code) from error
        except MemoryError as error:
            print_error(OutOfMemoryError("out of memory", hint="close other programs"))
            raise typer.Exit(OutOfMemoryError.exit_code) from error
        except KeyboardInterrupt:
            note("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # Python flushes standard output once more at its end: let it succeed.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        return result
