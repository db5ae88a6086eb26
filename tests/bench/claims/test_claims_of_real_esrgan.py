"""What is asked of few pairs, many and made ones; nothing judges what it has taught."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli.bench.claims import claims_of_real_esrgan as under_test
from w2s_cli.bench.claims.claims_of_real_esrgan import SUITE, comparisons, trainings
from w2s_cli.bench.config import MethodConfig, Row
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult, Selection
from w2s_cli.bench.run_image import ImageResult
from w2s_cli.datasets import find
from w2s_cli.errors import UsageError
from w2s_cli.weights import checkpoint

DATA = find("simulated-video-rate")
PSNR = {"pairs-200": 28.0, "pairs-400": 28.6, "pairs-800": 28.65, "synthetic": 27.5}


def verdicts(psnr: dict[str, float]) -> dict[str, str]:
    rows = []
    for name, mean in psnr.items():
        chance = 0.05 * np.random.default_rng(len(rows)).normal(size=12)
        images = [
            ImageResult(f"{n}", f"{n}", "", {"psnr": mean + n / 9 + one}, 0.1)
            for n, one in enumerate(chance)
        ]
        rows.append(MethodResult(Row("", name, 1), images))
    config = MethodConfig(metrics=("psnr",))
    bench = BenchResult(rows, Selection(DATA, "test"), config, "basicsr")
    return {claim.letter: claim.verdict for claim in SUITE.decided(bench).claims}


@pytest.mark.parametrize(
    ("changed", "letter", "verdict"),
    [
        ({}, "a1", "holds"),
        ({"pairs-200": 28.6}, "a1", "not decided"),
        ({"pairs-200": 29.0}, "a1", "does not hold"),
        ({}, "a2", "holds"),  # .05 dB above 400
        ({"pairs-800": 29.0}, "a2", "does not hold"),
        ({}, "b", "holds"),
        ({"synthetic": 29.0}, "b", "does not hold"),
    ],
)
def test_verdicts(changed: dict[str, float], letter: str, verdict: str) -> None:
    assert verdicts(PSNR | changed)[letter] == verdict


def test_fewer_pairs_leave_claims_open() -> None:
    found = verdicts({"pairs-60": 28.0, "synthetic": 27.5})
    assert found == {"a1": "not measured", "a2": "not measured", "b": "holds"}


def test_each_network_is_a_row_and_has_seen_its_own_images() -> None:
    found = trainings(SUITE.apart(Selection(DATA, "test")))
    assert {one.name for one in found} == {*SUITE.labels} == PSNR.keys()
    files = {one.name: f"{one.name}.safetensors" for one in found}
    [rows] = comparisons([1, 2], files)
    assert rows.joint[1:] == tuple(f"{name}={file}" for name, file in files.items())
    assert rows.levels == [1]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(12):
        for folder, side in (("lr", 32), ("hr", 64)):
            (tmp_path / "pairs" / folder).mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(255, size=(side, side), dtype=np.uint8)
            file = tmp_path / "pairs" / folder / f"cell{number}_0.png"
            Image.fromarray(pixels).save(file)
    return tmp_path / "pairs"


def test_pairs_without_splits_are_split_by_field(pairs: Path) -> None:
    data = SUITE.prepared(find(pairs))
    assert sorted(data.splits["test"]) == ["cell0_0", "cell11_0", "cell4_0", "cell7_0"]
    every = {*data.inputs[1]}
    assert data.splits["train"] == every - data.splits["test"]
    some = Selection(data, "all", frozenset({"cell2", "cell3"}))
    left = SUITE.apart(some).splits["train"]
    assert left == data.splits["train"] - {"cell2_0", "cell3_0"}
    for split in ("all", "train"):
        with pytest.raises(UsageError, match="none may judge what it has taught"):
            SUITE.apart(Selection(data, split))
    assert SUITE.prepared(DATA) is DATA
    none = replace(SUITE, trainings=None)
    assert none.prepared(find(pairs)).splits == {}


def test_pairs_of_a_folder_are_trained_on_once(pairs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    short = ("steps=1", "validate_every=1", "patches.side=16", "patches.batch=1")
    small = "network.options={blocks=1,width=8,growth=4,channels=1}"
    settings = (*under_test._SETTINGS, *short, small)
    monkeypatch.setattr(under_test, "_SETTINGS", settings)
    data = SUITE.apart(Selection(SUITE.prepared(find(pairs)), "test"))
    made, steps = {}, []
    for one in trainings(data):
        made[one.name] = one.run(lambda *now: steps.append(now))
        assert one.run(lambda *now: steps.append(now)) == made[one.name]
    assert [*made] == ["synthetic", "pairs-7"]  # one field of eight validates
    assert len(steps) == 2
    record = checkpoint.load(made["synthetic"]).record
    assert record["recipe"]["examples"] == "real-esrgan"
    judged = pairs / "lr" / "cell0_0.png"
    taught = pairs / "lr" / "cell3_0.png"
    taught.write_bytes(judged.read_bytes())
    again = [one.run(lambda *now: steps.append(now)) for one in trainings(data)]
    assert again[1] != made["pairs-7"]


def test_counts_are_no_pairs_of_real_esrgan() -> None:
    with pytest.raises(UsageError, match="has no 8-bit images with truths of twice"):
        trainings(find("simulated-averages"))
