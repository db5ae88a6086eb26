"""One file restored, planned and examined; many files that do not harm each other."""

import pickle
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli.batch.jobs import Failure, each, exit_code
from w2s_cli.errors import (
    BugError,
    InputError,
    OutOfMemoryError,
    OutputError,
    UsageError,
)
from w2s_cli.interruptions import Stopped
from w2s_cli.io import open_image, write_image
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.file_restoration import plan_file, restore_file
from w2s_cli.pipeline.restoration import RestoreProgress
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Channel, Stack

NOISE = NoiseModel(2.0, 100.0, 3.0)
JOB = RestoreSpec(method="gaussian", options=("sigma=2",), tile=64)


def cell(shape: tuple[int, ...], axes: str) -> Stack:
    rng = np.random.default_rng(0)
    ramp = np.linspace(5, 200, shape[-1], dtype=np.float32)
    counts = NOISE.sample(np.broadcast_to(ramp, shape), rng).round().astype(np.uint16)
    names = [Channel(name) for name in ("dna", "actin")][
        : shape[0] if "C" in axes else 0
    ]
    return Stack(counts, axes, {"Y": 0.1, "X": 0.1}, channels=tuple(names))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "cell.tif"
    write_image(cell((2, 3, 100, 70), "CZYX"), path)
    return path


def test_a_file_is_restored_and_says_how(source: Path, tmp_path: Path) -> None:
    starts: list[int] = []
    tiles: list[int] = []
    job = replace(JOB, method="gaussian+bicubic")
    outcome = restore_file(
        job,
        job.chain(),
        source,
        target := tmp_path / "big.tif",
        progress=RestoreProgress(started=starts.append, tile=lambda: tiles.append(1)),
    )
    assert (outcome.output_shape, outcome.scale) == ((2, 3, 200, 140), 2)
    assert starts == [len(tiles)] == [24]
    with open_image(target) as stack:
        [record] = stack.history
        assert stack.pixel_size["X"] == pytest.approx(0.05)
        assert [channel.name for channel in stack.channels] == ["dna", "actin"]
    assert record["links"] == [
        {"method": "gaussian", "options": {"sigma": 2.0}},
        {"method": "bicubic", "options": {}},
    ]
    assert record["noise"] == []
    assert record["clipped"] == outcome.clipped == 0


def test_the_same_run_writes_the_same_bytes(source: Path, tmp_path: Path) -> None:
    copies = [tmp_path / "one.tif", tmp_path / "two.tif"]
    for copy in copies:
        restore_file(JOB, JOB.chain(), source, copy)
    assert copies[0].read_bytes() == copies[1].read_bytes()


def test_one_channel(source: Path, tmp_path: Path) -> None:
    job = replace(JOB, channel="actin")
    outcome = restore_file(job, job.chain(), source, target := tmp_path / "actin.tif")
    assert outcome.output_shape == (3, 100, 70)
    with open_image(target) as stack:
        assert stack.history[-1]["channel"] == "actin"


def test_clipped_pixels_are_counted(tmp_path: Path) -> None:
    step = np.zeros((64, 64), np.float32)
    step[:, 32:] = 255
    write_image(Stack(step.astype(np.uint8), "YX"), source := tmp_path / "step.tif")
    job = RestoreSpec(method="bicubic")
    outcome = restore_file(job, job.chain(), source, tmp_path / "big.tif")
    assert outcome.clipped


def test_the_noise_of_each_channel_is_estimated(tmp_path: Path) -> None:
    write_image(cell((2, 64, 64), "CYX"), source := tmp_path / "cell.tif")
    job = RestoreSpec(method="vst+bm3d", options=("profile=lc",))
    outcome = restore_file(job, job.chain(), source, target := tmp_path / "clean.tif")
    assert [channel.origin for channel in outcome.channels] == ["estimated"] * 2
    for channel in outcome.channels:
        assert channel.noise.gain == pytest.approx(NOISE.gain, rel=0.45)
    assert len(pickle.dumps(outcome)) < 20_000  # that of each file is kept to the end
    with open_image(target) as stack:
        assert stack.history[-1]["noise"] == outcome.record["noise"]


def test_noise_is_given_for_all_channels_or_for_each() -> None:
    stack = cell((2, 64, 64), "CYX")
    each_one = [NOISE, NoiseModel(1.5)]
    assert [c.noise for c in diagnose(stack, [NOISE]).channels] == [NOISE, NOISE]
    found = diagnose(stack, each_one).channels
    assert [c.noise for c in found] == each_one
    assert {c.origin for c in found} == {"given"}
    with pytest.raises(UsageError, match="3 noise models for an image of 2 channels"):
        diagnose(stack, [NOISE] * 3)
    for plane in (cell((64, 64), "YX"), cell((1, 64, 64), "CYX")):
        with pytest.raises(UsageError, match="2 noise models for an image of 1 chann"):
            diagnose(plane, each_one)
    assert diagnose(stack.only_channel("2"), each_one).channels[0].noise == each_one[1]


def test_a_warning_names_its_channel() -> None:
    stack = cell((2, 64, 64), "CYX")
    bright = np.array(stack.data[:])
    bright[1, :, :2] = 65535
    found = diagnose(replace(stack, data=bright), [NOISE])
    assert found.channels[0].warnings == ()
    [warning] = found.warnings
    assert warning.startswith(
        "channel actin: 3.1% of the pixels are saturated at 65535"
    )


def test_pixels_that_are_no_numbers_are_left_and_told_of(tmp_path: Path) -> None:
    pixels = np.array(cell((3, 64, 64), "TYX").data[:], np.float32)
    pixels[1, 2, 5], pixels[2, :9] = np.inf, np.nan
    write_image(Stack(pixels, "TYX"), source := tmp_path / "cell.tif")
    job = RestoreSpec(method="pure-let")
    outcome = restore_file(job, job.chain(), source, target := tmp_path / "out.tif")
    [told] = outcome.warnings
    assert told == (
        "4.7% of the pixels are outside the field, drawn over or no numbers (inf, nan):"
        " left as they are, and out of the noise"
    )
    with open_image(target) as stack:
        found = np.asarray(stack)
        [record] = stack.history
    known = np.isfinite(pixels)
    np.testing.assert_array_equal(found[~known], pixels[~known])
    assert np.isfinite(found[known]).all()
    assert record["unknown"]["planes"] == 2


def test_a_plan_keeps_its_word(source: Path, tmp_path: Path) -> None:
    job = replace(JOB, method="gaussian+bicubic")
    target = tmp_path / "big.tif"
    plan = plan_file(job, job.chain(), source, target)
    assert not target.exists()
    assert (plan.axes, plan.dtype, plan.tiles) == ("CZYX", "uint16", 24)
    outcome = restore_file(job, job.chain(), source, target)
    assert plan.output_shape == outcome.output_shape
    with pytest.raises(OutputError, match=r"big\.tif exists"):
        plan_file(job, job.chain(), source, target)


def test_a_plan_of_larger_images_needs_more_memory(tmp_path: Path) -> None:
    needs = []
    for side in (64, 512):
        source = tmp_path / f"{side}.npy"
        np.save(source, np.zeros((side, side), np.uint16))
        plan = plan_file(JOB, JOB.chain(), source, tmp_path / "out.tif")
        needs.append(plan.memory)
    assert needs[0] < needs[1]


class Done:
    """What became of a file that is done."""

    def as_json(self) -> dict[str, Any]:
        return {}


def failing(raised: BaseException) -> Callable[[Path, Path], Done]:
    """Return work that is done, but for the file "b"."""

    def work(source: Path, target: Path) -> Done:
        if source == Path("b"):
            raise raised
        return Done()

    return work


@pytest.mark.parametrize(
    ("raised", "told", "message"),
    [
        (InputError("bad"), InputError, "bad"),
        (MemoryError(), OutOfMemoryError, "out of memory"),
        (OSError(EIO, "broken"), InputError, "cannot read: broken"),
        (OSError(EIO, "broken", "b"), InputError, "cannot read b: broken"),
        (OSError(EFBIG, "too large", "b"), OutputError, "cannot write b: too large"),
        (KeyError("Size"), BugError, "a bug in w2s: KeyError: 'Size'"),
        (RecursionError("deep"), BugError, "a bug in w2s: RecursionError: deep"),
    ],
)
def test_one_bad_file_does_not_stop_the_others(raised, told, message) -> None:
    reports = [*each([(Path(name), Path("x")) for name in "abc"], failing(raised))]
    assert [type(report) for report in reports] == [Done, Failure, Done]
    assert isinstance(reports[1], Failure)
    assert isinstance(reports[1].error, told)
    assert str(reports[1].error) == message
    assert exit_code(reports) == 1
    assert exit_code(reports[:1]) == 0
    assert exit_code(reports[1:2]) == reports[1].error.exit_code


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (OSError(ENOSPC, "full", "b"), 7, "cannot write b: the disk is full"),
        (OSError(EDQUOT, "over"), 7, "cannot write: the disk quota is used up"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Stopped(15), 143, "interrupted"),
    ],
)
def test_what_ends_a_batch(raised: BaseException, code: int, said: str) -> None:
    pairs = [(Path(name), Path("x")) for name in "abcd"]
    found: list[Any] = []
    with pytest.raises(type(raised)) if code > 7 else nullcontext():
        for report in each(pairs, failing(raised)):
            found.append(report.as_json())
    assert [one.get("status") for one in found] == [None, "failed", *["not begun"] * 2]
    missed = f"not begun: {said}"
    assert [one.get("error") for one in found[1:]] == [said, missed, missed]
    assert {one["exit_code"] for one in found[1:]} == {code}
    assert [one["source"] for one in found[1:]] == [*"bcd"]


def test_a_reader_that_went_away_ends_all() -> None:
    with pytest.raises(BrokenPipeError):
        list(each([(Path("b"), Path("x"))], failing(BrokenPipeError())))
