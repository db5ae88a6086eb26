"""Reading, restoring and writing at the same time change no byte and no failure."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from w2s_cli import stack as stacks
from w2s_cli.errors import DiskFullError, InputError
from w2s_cli.io import write_image
from w2s_cli.io.write_behind import Behind, Stages
from w2s_cli.pipeline import prepared_planes, restoration
from w2s_cli.pipeline.file_restoration import FileReport, restore_file
from w2s_cli.pipeline.prepared_planes import Band
from w2s_cli.pipeline.read_ahead import ReadAhead
from w2s_cli.pipeline.restoration import RestoreProgress
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.tiling import Span
from w2s_cli.stack import Stack


@pytest.fixture(autouse=True)
def no_threads_are_left() -> Iterator[None]:
    yield
    names = {one.name for one in threading.enumerate()}
    assert not names & {"reading", "writing"}


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(90, 900, shape).astype(np.uint16)


def restored(source: Path, target: Path, **how: Any) -> FileReport:
    spec = RestoreSpec("gaussian+bicubic", tile=32, dtype="input", overwrite=True)
    return restore_file(spec, spec.chain(), source, target, **how)


def content(path: Path) -> dict[str, bytes]:
    files = path.rglob("*") if path.is_dir() else [path]
    return {str(one): one.read_bytes() for one in files if one.is_file()}


@pytest.mark.parametrize(
    ("name", "axes", "large"),
    [
        ("a.tif", "TC", True),
        ("imagej.tif", "TZC", False),
        ("a.npy", "T", False),
        ("a.zarr", "T", True),
        ("a.png", "", True),
    ],
)
def test_the_outputs_are_the_same_to_the_byte(
    tmp_path: Path,
    name: str,
    axes: str,
    large: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, source = pixels(*[2, 3, 2][: len(axes)], 70, 40), tmp_path / "raw.tif"
    imagej = {"format": "ImageJ TIFF"} if name == "imagej.tif" else {}
    lead = [axis for axis in "TCZ" if axis in axes]
    image = np.moveaxis(image, 1, 2) if axes == "TZC" else image
    write_image(Stack(image, f"{''.join(lead)}YX", extra=imagej), source)
    if large:
        monkeypatch.setattr(stacks, "LARGEST_WHOLE", 1)
        monkeypatch.setattr(prepared_planes, "CELL", 64)
    report = restored(source, target := tmp_path / name)
    assert all(0 <= share <= 1 for share in report.utilisation.values())
    assert report.as_json()["utilisation"].keys() == {
        *("reading", "computing", "writing")
    }
    behind = content(target)
    monkeypatch.setattr(restoration, "overlaps", lambda *_, **__: False)
    report = restored(source, target)
    assert not report.utilisation
    assert content(target) == behind


def test_every_plane_is_read_once_and_in_turn(tmp_path: Path) -> None:
    source = tmp_path / "raw.tif"
    write_image(Stack(pixels(6, 64, 64), "TYX"), source)
    read: list[Any] = []
    before = prepared_planes.PreparedPlanes.band

    def band(self: Any, index: Any, rows: Any) -> Any:
        read.append((index, rows.inner.start))
        return before(self, index, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared_planes.PreparedPlanes, "band", band)
        restored(source, tmp_path / "a.tif")
    assert read == [((t,), start) for t in range(6) for start in (0, 32)]


def test_what_cannot_be_read_is_told_when_it_is_asked_for() -> None:
    whole = Span(slice(0, 4), slice(0, 4))

    def read(index: tuple[int, ...], rows: Span) -> Band:
        if index == (2,):
            raise InputError("plane 3 is broken")
        return Band(np.full((4, 4), index[0]), np.zeros((4, 4), bool), np.empty(0))

    def order() -> Iterator[tuple[tuple[int, ...], Span]]:
        return (((number,), whole) for number in range(4))

    ahead = ReadAhead(read, order, Stages())
    assert ahead((0,), whole).counts[0, 0] == 0
    assert ahead((1,), whole).counts[0, 0] == 1
    for _ in range(2):
        with pytest.raises(InputError, match="plane 3 is broken"):
            ahead((2,), whole)
    assert ahead((3,), whole).counts[0, 0] == 3  # in whatever order they are wanted
    assert ahead((0,), whole).counts[0, 0] == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_is_raised_while_restoring_ends_it(tmp_path, error) -> None:
    source, target = tmp_path / "raw.tif", tmp_path / "a.tif"
    write_image(Stack(pixels(4, 64, 64), "TYX"), source)
    tiles: list[int] = []

    def stop() -> None:
        tiles.append(1)
        if len(tiles) == 7:
            raise error

    with pytest.raises(error):
        restored(source, target, progress=RestoreProgress(tile=stop))
    assert [one.name for one in tmp_path.iterdir()] == ["raw.tif"]


def test_a_full_disk_is_said_as_without_threads(tmp_path, monkeypatch) -> None:
    source, target = tmp_path / "raw.tif", tmp_path / "a.tif"
    write_image(Stack(pixels(4, 64, 64), "TYX"), source)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile.FileHandle, "write_array", full)
    with pytest.raises(DiskFullError, match="the disk is full"):
        restored(source, target)
    assert [one.name for one in tmp_path.iterdir()] == ["raw.tif"]


def parts(most: int = 9) -> Iterator[int]:
    yield from range(most)


def twice(part: int) -> list[int]:
    return [part, part]


def test_parts_come_in_order_and_one_at_a_time() -> None:
    taken: list[int] = []
    Behind(stages := Stages())(parts(), twice, taken.extend)
    assert taken == [one for part in range(9) for one in twice(part)]
    assert 0 <= stages.writing <= stages.all


@pytest.mark.parametrize(
    ("write", "raised"),
    [
        (lambda pieces: 1 / 0, ZeroDivisionError),
        (lambda pieces: [1 / (3 - piece) for piece in pieces], ZeroDivisionError),
        (lambda pieces: next(pieces), None),  # it wants no more than one
        (lambda pieces: None, None),
    ],
)
def test_what_the_writing_does_is_heard(write, raised) -> None:
    hand_over = Behind(Stages())
    if raised:
        with pytest.raises(raised):
            hand_over(parts(), twice, write)
    else:
        hand_over(parts(), twice, write)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_interruption_is_heard_while_the_writing_is_waited_for() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    free, before = threading.Event(), signal.signal(signal.SIGALRM, interrupt)
    written: list[int] = []

    def write(pieces: Iterator[int]) -> None:
        for piece in pieces:
            written.append(piece)
            free.wait(0.3)

    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            Behind(Stages())(parts(), twice, write)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert written == [0]  # the second piece comes no longer
