"""Standard input and output as files."""

import io
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.atomic_files import claimed, own_prefix, remove_strays, replacing
from w2s_cli.io.targets import (
    check_target,
    check_writable,
    spooled_input,
    spooled_output,
)
from w2s_cli.io.text_files import read_paths
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


def test_strays_go_when_their_process_is_gone(tmp_path):
    """Those of this host that live, and of others for a week, are left alone."""
    name = own_prefix()
    host = name.removeprefix(".w2s-").rsplit("-", 3)[0]
    gone = f"{host}-{2**22 + 1}-0123abcd-01"
    ours_of_before = name.replace(name.rsplit("-", 2)[1], "0123abcd")
    dead = [f".w2s-{gone}.tmp", f"{ours_of_before}.tmp", ".w2s-0123.lock"]
    living = [f"{name}.tmp", ".w2s-far-1-0123abcd-01.tmp", f".w2s-{host}-1-x.tmp", "a"]
    old = [".w2s-far-2-0123abcd-01.tmp", ".w2s-0123456789abcdef.tmp"]
    for one in dead + living + old:
        (tmp_path / one).touch()
    (tmp_path / f".w2s-{gone}-spool.tmp").mkdir()
    (tmp_path / f".w2s-{gone}-spool.tmp" / "standard-input").touch()
    for one in old:
        os.utime(tmp_path / one, (0, 0))
    for number in range(2):  # images that were moved aside before they were replaced
        aside = tmp_path / f".w2s-{gone}-{number}.old" / f"{number}.zarr"
        (aside / "before").mkdir(parents=True)
    (tmp_path / "0.zarr" / "after").mkdir(parents=True)
    remove_strays(tmp_path)
    inside = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*"))
    assert inside == [str(Path("0.zarr/after")), str(Path("1.zarr/before"))]
    kept = [*living, "0.zarr", "1.zarr"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_a_file_appears_whole_and_alone(tmp_path, monkeypatch):
    target = tmp_path / "out.txt"
    with replacing(target, overwrite=False) as temporary:
        temporary.write_text("one")
        assert not target.exists()
    with (
        pytest.raises(OutputError, match="it appeared in the meantime, and stays"),
        replacing(target, overwrite=False) as temporary,
    ):
        temporary.write_text("two")
    assert target.read_text() == "one"
    target.unlink()
    target.symlink_to("nowhere")  # a link to nothing is somebody's too
    with pytest.raises(OutputError, match="exists"):
        check_writable(target)
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError(1, "no")))
    with pytest.raises(OutputError, match="exists"), replacing(target, overwrite=False):
        pass
    target.unlink()
    for one_step in (True, False):  # whether the system can rename and not replace
        with replacing(target, overwrite=False) as temporary:
            temporary.write_text("three")
        assert [path.read_text() for path in tmp_path.iterdir()] == ["three"]
        target.unlink()
        if one_step:
            monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: None)


@pytest.mark.skipif(os.name != "posix", reason="pipes have no names")
def test_pipes_and_devices_are_not_replaced(tmp_path):
    os.mkfifo(pipe := tmp_path / "a.tif")
    for overwrite in (True, False):
        with pytest.raises(OutputError, match="a pipe, socket or device") as caught:
            check_target(pipe, overwrite=overwrite)
        assert caught.value.hint == "name a file with -o, or - for standard output"
    assert pipe.is_fifo()


def test_what_is_no_list_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr("w2s_cli.io.text_files._MOST_PATHS", 1 << 20)
    with pytest.raises(InputError, match="/dev/zero is no list of files: it is longer"):
        read_paths(Path("/dev/zero"))


def test_a_claim_without_locks(tmp_path, monkeypatch):
    with (
        claimed(tmp_path / "a"),
        pytest.raises(OutputError, match="written by another process"),
        claimed(tmp_path / "a"),
    ):
        pass
    with claimed(tmp_path / "a"), claimed(tmp_path / "b"):
        pass
    assert not [*tmp_path.iterdir()]

    def refuse(*_, **__):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with claimed(tmp_path / "a"), claimed(tmp_path / "a"):
        pass


def test_closed_streams(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(InputError, match="input is closed"), spooled_input(STREAM):
        pass
    with pytest.raises(OutputError, match="output is closed"), spooled_output(STREAM):
        pass
