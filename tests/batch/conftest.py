"""The command line, as the tests of it have it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from w2s_cli.cli import app


@pytest.fixture
def w2s() -> Callable[..., Result]:
    """Run one command; a bug's traceback is raised."""

    def run(*words: str | Path) -> Result:
        given = [str(word) for word in words]
        return CliRunner().invoke(app, given, catch_exceptions=False, prog_name="w2s")

    return run
