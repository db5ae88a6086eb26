"""What is said on standard error."""

import os

import typer

from w2s_cli.errors import W2SError


def tell(error: W2SError, subject: str = "") -> None:
    """Say what happened and what to try next."""
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
    shown = message if plain or not colour else typer.style(message, fg=colour)
    typer.echo(shown, err=True)
