"""Standard input and output as files."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.targets import spooled_input, spooled_output
from w2s_cli.stack import Stack

STREAM = Path("-")
STACK = Stack(np.arange(20, dtype=np.uint8).reshape(4, 5), "YX")


def stream(buffer, terminal=False):
    return SimpleNamespace(buffer=buffer, isatty=lambda: terminal)


def test_there_and_back(monkeypatch):
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdout", stream(out))
    with spooled_output(STREAM) as path:
        write_image(STACK, path)
    assert not path.exists()
    monkeypatch.setattr("sys.stdin", stream(io.BytesIO(out.getvalue())))
    with spooled_input(STREAM) as path, open_image(path) as stack:
        np.testing.assert_array_equal(stack.data[()], STACK.data)
    assert not path.exists()


def test_files_pass_through(tmp_path):
    with spooled_input(tmp_path) as source, spooled_output(tmp_path) as target:
        assert source == target == tmp_path


def test_a_failure_sends_nothing(monkeypatch):
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdout", stream(out))
    with pytest.raises(KeyError), spooled_output(STREAM) as path:
        write_image(STACK, path, record=lambda: {}["clipped"])
    assert not out.getvalue()


def test_empty_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", stream(io.BytesIO()))
    with (
        pytest.raises(InputError, match="standard input is empty: 0 bytes"),
        spooled_input(STREAM),
    ):
        pass


def test_terminals(monkeypatch):
    monkeypatch.setattr("sys.stdin", stream(io.BytesIO(), terminal=True))
    monkeypatch.setattr("sys.stdout", stream(io.BytesIO(), terminal=True))
    with pytest.raises(UsageError, match="input is a terminal"), spooled_input(STREAM):
        pass
    with (
        pytest.raises(UsageError, match="output is a terminal"),
        spooled_output(STREAM),
    ):
        pass


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (OSError(28, "No space left on device"), OutputError, "output: No space left"),
        (BrokenPipeError(32, "Broken pipe"), BrokenPipeError, "Broken pipe"),
    ],
)
def test_output_that_fails(monkeypatch, error, raised, message):
    class Failing(io.BytesIO):
        def write(self, _):
            raise error

    monkeypatch.setattr("sys.stdout", stream(Failing()))
    with pytest.raises(raised, match=message), spooled_output(STREAM) as path:
        write_image(STACK, path)
