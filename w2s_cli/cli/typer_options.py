"""Options and arguments of Typer, which begin with their help."""

from collections.abc import Callable
from typing import Any

import typer

Complete = Callable[..., Any] | None


def opt(text: str, *names: str, complete: Complete = None, **more: Any) -> Any:
    """Return an option; it is named after its parameter unless `names` are given."""
    return typer.Option(*names, help=text, autocompletion=complete, **more)


def arg(text: str, *, complete: Complete = None, **more: Any) -> Any:
    """Return an argument, which is named after its parameter."""
    return typer.Argument(help=text, autocompletion=complete, **more)
