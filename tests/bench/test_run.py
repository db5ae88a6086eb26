"""A bench: nothing is computed twice, and what stops it loses one image at most."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import w2s_cli.bench.run_bench as under_test
from w2s_cli.bench.config import BenchConfig, MethodConfig, Row, protocol_for
from w2s_cli.bench.run_bench import (
    Journal,
    MethodResult,
    Selection,
    fields_named,
    run_bench,
)
from w2s_cli.bench.run_image import ImageResult, content_of, restored, run_image
from w2s_cli.bench.scores.convention import protocol
from w2s_cli.datasets.data_set import DataSet, ImagePair
from w2s_cli.errors import NothingMatchedError, OutputError, UsageError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import simulate_scene

NOISE = NoiseModel(2.0, 100.0)
CONFIG = MethodConfig(metrics=("rmse", "ssim"))


class Plane:
    """An image in memory."""

    where = "memory"

    def __init__(self, pixels: NDArray[np.float32]) -> None:
        self.pixels = pixels

    def shape(self) -> tuple[int, int]:
        return self.pixels.shape

    def read(self) -> tuple[NDArray[np.float32], None]:
        return self.pixels, None


def data_set(images: int = 3, side: int = 48) -> DataSet:
    truths = {
        f"{number:03d}_0": simulate_scene(number, side=side).clean
        for number in range(images)
    }
    rng = np.random.default_rng(0)
    noisy = {
        name: NOISE.sample(NOISE.photons(truth), rng).astype(np.float32)
        for name, truth in truths.items()
    }
    return DataSet(
        name="made",
        title="made by the test",
        place="memory",
        unit="counts",
        per_unit=1,
        inputs={1: {name: Plane(image) for name, image in noisy.items()}},
        truths={1: {name: Plane(image) for name, image in truths.items()}},
        splits={"test": [*truths]},
        group_of=lambda name: name[:3],
    )


SELECTION = Selection(data_set(), "test")
ROWS = BenchConfig(["gaussian"]).rows()


def bench(
    folder: Path, config: MethodConfig = CONFIG, jobs: int = 1
) -> list[MethodResult]:
    return [*run_bench(ROWS, SELECTION, config, folder, jobs=jobs)]


def scores(found: list[MethodResult]) -> list[dict[str, float]]:
    return [scored.scores for row in found for scored in row.images]


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with each image that is restored."""
    seen: list[str] = []

    def counted(config: MethodConfig, pair: ImagePair, content: str) -> ImageResult:
        seen.append(f"{config.method} {pair.name}")
        return run_image(config, pair, content)

    monkeypatch.setattr(under_test, "run_image", counted)
    return seen


def test_scores_are_those_of_the_restored_images(tmp_path: Path) -> None:
    noisy, smoothed = bench(tmp_path)
    for scored, pair in zip(noisy.images, SELECTION.pairs(ROWS[0]), strict=True):
        error = np.sqrt(np.mean((pair.image - pair.truth) ** 2, dtype=np.float64))
        assert scored.scores["rmse"] == pytest.approx(error, rel=1e-6)
        assert (scored.name, scored.group) == (pair.name, pair.name[:3])
    means = [row.interval("rmse") for row in (noisy, smoothed)]
    assert [mean is not None and mean.groups for mean in means] == [3, 3]
    assert smoothed.images[0].scores["rmse"] < noisy.images[0].scores["rmse"]


def test_a_second_run_computes_nothing(tmp_path: Path, attempts: list[str]) -> None:
    first = bench(tmp_path)
    assert len(attempts) == 6
    assert bench(tmp_path) == first
    assert len(attempts) == 6


def test_a_run_that_was_killed_goes_on(tmp_path, attempts, monkeypatch) -> None:
    def killed() -> None:
        if len(attempts) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        [*run_bench(ROWS, SELECTION, CONFIG, tmp_path, on_image=killed)]
    journal = max(tmp_path.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    journal.write_text(journal.read_text()[:-20])  # the last line is cut off
    whole = bench(tmp_path)
    assert attempts[4:] == ["gaussian 000_0", "gaussian 001_0", "gaussian 002_0"]
    assert scores(whole) == scores(bench(tmp_path / "anew"))


@pytest.mark.parametrize(
    "other",
    [
        replace(CONFIG, metrics=("rmse",)),
        replace(CONFIG, convention=protocol("w2s")),
        replace(CONFIG, options=("sigma=2",)),
        replace(CONFIG, known_noise=True),
        replace(CONFIG, tile=64),
    ],
)
def test_another_question_is_another_trial(other: MethodConfig) -> None:
    method = replace(CONFIG, method="gaussian")
    assert replace(other, method="gaussian").digest != method.digest
    assert replace(CONFIG, method="gaussian").digest == method.digest


def test_another_image_is_scored_anew() -> None:
    [first, second, _] = SELECTION.pairs(ROWS[0])
    contents = {content_of(first), content_of(second)}
    contents.add(content_of(replace(first, truth=second.truth)))
    contents.add(content_of(replace(first, valid=first.truth > 0)))
    contents.add(content_of(replace(first, noise=NOISE)))
    assert len(contents) == 5
    assert content_of(replace(first, name="other")) == content_of(first)


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    alone, shared = bench(tmp_path / "one"), bench(tmp_path / "two", jobs=2)
    assert scores(alone) == scores(shared)
    names = [[scored.name for scored in row.images] for row in shared]
    assert names == [["000_0", "001_0", "002_0"]] * 2


@pytest.mark.parametrize(
    ("name", "larger", "protocol"),
    [
        ("w2s-raw", True, "w2s"),
        ("w2s-png", False, "w2s-v1"),
        ("w2s-png", True, "w2s-v1-sr"),
        ("fmd", False, "fmd"),
        ("video-rate", True, "basicsr"),
        ("folders", False, "plain"),
    ],
)
def test_a_data_set_has_the_protocol_of_its_figures(name, larger, protocol) -> None:
    data = replace(SELECTION.data, name=name)
    assert protocol_for(data, enlarged=larger) == protocol


def test_no_process_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--jobs must be 1 or more, found 0"):
        bench(tmp_path, jobs=0)


def test_an_image_that_is_refused_stops_no_other() -> None:
    pair = next(SELECTION.pairs(ROWS[0]))
    even = replace(pair, image=np.full_like(pair.image, 7))
    config = replace(CONFIG, method="pure-let")
    refused = run_image(config, even, "0")
    assert refused.scores == {}
    assert refused.error == "every pixel of the image is 7"
    row = MethodResult(Row("pure-let", "", 1), [run_image(config, pair, "1"), refused])
    assert row.failed == [refused]
    assert row.interval("rmse") is None
    assert row.as_json(["rmse"])["rmse"] is None
    assert row.as_json(["rmse"])["failed"] == 1


def test_methods_may_be_told_the_noise() -> None:
    pair = replace(next(SELECTION.pairs(ROWS[0])), noise=replace(NOISE, gain=8.0))
    config = replace(CONFIG, method="pure-let")
    told = restored(replace(config, known_noise=True), pair)
    assert not np.allclose(told, restored(config, pair))


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "file" / "a.jsonl")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*a\.jsonl") as caught:
        journal.add(ImageResult("a", "a", "0", {}, 0.0))
    assert caught.value.hint == "name another folder with --cache"
    with pytest.raises(OutputError, match=r"cannot read .*a\.jsonl"):
        Journal(tmp_path / "file" / "a.jsonl")


def test_a_journal_that_a_crash_has_spoilt_keeps_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    Journal(path).add(ImageResult("a", "a", "0", {"rmse": 1.5}, 0.0))
    with path.open("ab") as file:
        file.write(b'\x00\xff\xfe{"content": 3}\n[1, 2]\nnull\n')
    Journal(path).add(ImageResult("b", "b", "1", {}, 0.0))
    found = Journal(path)
    kept = found.get("0")
    assert kept is not None
    assert kept.scores == {"rmse": 1.5}
    assert found.get("1") is not None


@pytest.mark.parametrize(
    ("words", "found"),
    [(["001"], {"001"}), (["1"], {"001"}), (["0-1", "002"], {"000", "001", "002"})],
)
def test_fields_are_named_as_data_check_names_them(words, found) -> None:
    assert fields_named(data_set(), words) == found


@pytest.mark.parametrize("word", ["9", "5-9", "a"])
def test_a_field_that_is_not_there_is_refused(word: str) -> None:
    with pytest.raises(NothingMatchedError, match=f"memory has no field of .* {word}$"):
        fields_named(data_set(), ["1", word])
