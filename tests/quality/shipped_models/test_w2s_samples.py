"""The 8-bit samples of W2S: counts come back, and averages between are drawn."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shipped_models.conftest import save
from shipped_models.w2s_samples import open_data_set
from w2s_cli.bench.config import MethodConfig, Row
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult, Selection
from w2s_cli.bench.run_image import ImageResult
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.training.patches import truth


def gray(*seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (8, 10)).astype(np.uint8)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Two images of W2S in 8 bit, with what their gray values mean."""
    folder = tmp_path / "samples"
    columns = [
        *("image", "grey_per_count", "slope", "intercept"),
        *("gain_counts", "offset_counts"),
    ]
    folder.mkdir()
    with (folder / "index.csv").open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(columns)
        rows.writerow(["001_0", 2, 0.5, 10, 13, 6])
        rows.writerow(["071_2", 1.5, 0.6, 12, 12.5, 5])
    for number, name in enumerate(("001_0", "071_2")):
        save(folder / "avg1" / f"{name}.png", gray(number))
        save(folder / "avg400" / f"{name}.png", gray(number, 1))
    return folder


def test_samples_come_back_as_counts(samples: Path) -> None:
    data = open_data_set(samples)
    assert (data.name, data.scales) == ("w2s-samples", (1,))
    assert (data.levels, data.drawn) == ((1, 2, 4, 8, 16), (2, 4, 8, 16))
    assert [*data.splits] == ["train", "validation", "published"]
    (pair,) = data.pairs("validation", 1)
    noisy, clean = gray(1).astype(float), gray(1, 1).astype(float)
    assert pair.image == pytest.approx(noisy / 1.5, rel=1e-6)
    assert pair.truth == pytest.approx((0.6 * clean + 12) / 1.5, rel=1e-6)
    assert pair.noise == NoiseModel(12.5, 5)
    clipped = np.isin(noisy, [0, 255]) | np.isin(clean, [0, 255])
    assert np.array_equal(pair.valid, ~clipped)


def test_averages_are_drawn_around_the_long_one(samples: Path) -> None:
    clean = np.full((256, 256), 200, np.uint8)
    clean[:32] = 255
    save(samples / "avg400" / "071_2.png", clean)
    data = open_data_set(samples)
    for level in data.drawn:
        pair = data.pair("071_2", level)
        assert pair.noise == NoiseModel(12.5 / level, 5)
        assert np.array_equal(pair.valid, clean < 255)  # and the capture is not asked
        photons = pair.noise.photons(pair.image)
        assert np.rint(photons) == pytest.approx(photons, abs=1e-3)
        error = ((pair.image - pair.truth) / np.sqrt(pair.noise.variance(pair.truth)))[
            pair.valid
        ]
        assert error.mean() == pytest.approx(0, abs=0.02)
        assert error.std() == pytest.approx(1, abs=0.02)
        again = open_data_set(samples).pair("071_2", level).image
        assert np.array_equal(pair.image, again)


def test_every_image_and_level_is_drawn_anew(samples: Path) -> None:
    for name in ("avg1", "avg400"):
        shutil.copy(samples / name / "071_2.png", samples / name / "001_0.png")
    (samples / "index.csv").write_text(
        "image,grey_per_count,slope,intercept,gain_counts,offset_counts\n"
        "001_0,1.5,0.6,12,12.5,5\n071_2,1.5,0.6,12,12.5,5\n"
    )
    data = open_data_set(samples)
    images = [data.pair(n, 2).image for n in ("001_0", "071_2")]
    assert not np.array_equal(*images)
    first, second = (data.pair("071_2", level) for level in (2, 4))
    assert first.noise is not None
    assert second.noise is not None
    errors = [
        ((one.image - one.truth) / np.sqrt(one.noise.gain)).ravel()
        for one in (first, second)
    ]
    assert abs(np.corrcoef(*errors)[0, 1]) < 0.5


def test_a_broken_index(samples: Path) -> None:
    with (samples / "index.csv").open("a") as lines:
        lines.write("072_0,x,1,1,1,1\n")
    with pytest.raises(InputError, match=r"index\.csv, line 4 is no row of the index"):
        open_data_set(samples)


def test_training_reads_the_captures_and_long_averages(samples: Path) -> None:
    data = truth.open_data_set(samples)
    assert data is not None
    assert (data.levels, data.drawn) == ((1,), ())
    both = open_data_set(samples)
    one, other = (found.pair("001_0", 1) for found in (data, both))
    assert np.array_equal(one.image, other.image)
    assert one.noise == other.noise
    assert truth.open_data_set(samples / "avg1") is None


def test_drawn_levels_are_said_to_be(samples: Path) -> None:
    image = ImageResult("001_0", "001", "", {"rmse": 1.0, "ssim": 0.5}, 1.0)
    config = MethodConfig()

    def result(*levels: int) -> BenchResult:
        rows = [MethodResult(Row("median", "", n), [image]) for n in levels]
        return BenchResult(
            rows, Selection(open_data_set(samples), "all"), config, "w2s", True
        )

    said = "the noise of level 2, 4, drawn on the truth"
    assert result(1, 2, 4).stated["simulated"] == said
    assert f"the papers' images were recorded; simulated: {said}" in (
        result(1, 2, 4).remarks
    )
    assert "simulated" not in result(1).stated
    assert "simulated" not in "".join(result(1).remarks)
