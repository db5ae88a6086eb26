"""What is asked of the methods that learn from noisy images, with scores made up."""

from dataclasses import replace

import numpy as np
import pytest

from w2s_cli.bench.claims.claims_of_noise2sr import SUITE, comparisons, trainings
from w2s_cli.bench.config import MethodConfig, Row
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult, Selection
from w2s_cli.bench.run_image import ImageResult
from w2s_cli.datasets import find

DATA = find("simulated-averages")
PSNR = {"n2sr": 30.0, "n2v": 29.0, "n2s": 29.5, "n2n": 30.3, "vst+bm3d": 29.8}


def verdicts(psnr: dict[str, float]) -> dict[str, str]:
    rows = []
    for name, mean in psnr.items():
        chance = 0.05 * np.random.default_rng(len(rows)).normal(size=12)
        images = [
            ImageResult(f"{n}", f"{n}", "", {"psnr": mean + n / 9 + one}, 0.1)
            for n, one in enumerate(chance)
        ]
        rows.append(MethodResult(Row(name, "", 1), images))
    config = MethodConfig(metrics=("psnr",))
    bench = BenchResult(rows, Selection(DATA, "test"), config, "noise2sr")
    return {claim.letter: claim.verdict for claim in SUITE.decided(bench).claims}


@pytest.mark.parametrize(
    ("changed", "letter", "verdict"),
    [
        ({}, "a", "holds"),
        ({"n2v": 31.0}, "a", "does not hold"),
        ({"n2s": 30.0}, "b", "not decided"),
        ({}, "c", "holds"),  # .3 dB below is near
        ({"n2n": 31.0}, "c", "does not hold"),
        ({"n2n": 29.0}, "c", "holds"),
        ({"vst+bm3d": 30.5}, "d", "does not hold"),
    ],
)
def test_verdicts(changed: dict[str, float], letter: str, verdict: str) -> None:
    assert verdicts(PSNR | changed)[letter] == verdict


def test_what_was_not_trained_is_not_measured() -> None:
    files = {name: f"{name}.safetensors" for name in ("n2sr", "n2v", "n2s")}
    [rows] = comparisons([1, 2], files)
    assert rows.denoisers == ("n2sr", "n2v", "n2s", "vst+bm3d")
    assert rows.levels == [1]
    assert rows.weights == files
    assert verdicts({k: v for k, v in PSNR.items() if k != "n2n"})["c"] == (
        "not measured"
    )


def test_noise2noise_needs_fields_that_are_seen_twice() -> None:
    every = [one.name for one in trainings(DATA)]
    assert every == ["n2sr", "n2v", "n2s", "n2n"]
    once = frozenset(n for n in DATA.splits["train"] if n.endswith("_1"))
    single = replace(DATA, splits={**DATA.splits, "train": once})
    assert [one.name for one in trainings(single)] == every[:3]
