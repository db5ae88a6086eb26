"""FMD's averages with simulated noise, and Noise2SR's splits of FMD."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from w2s_cli.datasets import find
from w2s_cli.datasets.simulated_noise import AddedNoise, simulate_noise
from w2s_cli.errors import NothingMatchedError, UsageError


def _quiet(done: int, total: int) -> None:
    pass


@pytest.fixture
def averages(tmp_path: Path) -> Path:
    """FMD's averages of one type of each microscope, 20 fields."""
    for kind in ("Confocal_MICE", "WideField_BPAE_R"):
        for field in range(1, 21):
            path = tmp_path / "FMD" / kind / "gt" / str(field) / "avg50.png"
            path.parent.mkdir(parents=True)
            gray = np.full((8, 10), 10 * field, np.uint8)
            Image.fromarray(gray).save(path)
    return tmp_path / "FMD"


def test_fields_are_split_as_the_counts_of_the_paper(averages: Path) -> None:
    """Of 9 types 270, 54 and 36; so of one a ninth."""
    out = averages.parent / "out"
    found = simulate_noise(averages, out, ["gaussian-15"], 5, _quiet)
    assert (found.made, found.kept, found.failed) == (60, 0, {})
    data = find(out)
    assert data.name == "fmd-simulated"
    counts = {split: data.count(split, 1) for split in ("train", "validation", "test")}
    assert counts == {"train": 30, "validation": 6, "test": 4}
    test = [*data.pairs("test", 1)]
    assert [pair.group for pair in test] == [
        f"gaussian-15/test/Confocal_MICE_{field}" for field in (19, 19, 20, 20)
    ]
    assert [pair.truth.max() for pair in test] == [190, 190, 200, 200]
    assert not np.array_equal(test[0].image, test[1].image)
    assert find(out / "gaussian-15").names("test", 1) == data.names("test", 1)


def test_a_file_is_made_again_from_its_seed_and_only_if_it_is_due(averages) -> None:
    out = averages.parent / "out"
    simulate_noise(averages, out, ["poisson-20", "gaussian-5"], 5, _quiet)
    rows = [*csv.DictReader((out / "w2s-data.csv").read_text().splitlines())]
    [row] = [
        row
        for row in rows
        if row["file"] == "poisson-20/test/noisy/Confocal_MICE_20_2.tif"
    ]
    *_, first, second = re.findall(r"\d+", row["how"])
    rng = np.random.default_rng([int(first), int(second)])
    gray = np.full((8, 10), 200, np.uint8)
    made = tifffile.imread(out / row["file"])
    np.testing.assert_array_equal(made, AddedNoise(20, 0).added(gray, rng))
    (out / row["file"]).unlink()
    again = simulate_noise(averages, out, ["poisson-20"], 5, _quiet)
    assert (again.made, again.kept) == (1, 59)
    np.testing.assert_array_equal(tifffile.imread(out / row["file"]), made)
    other = simulate_noise(averages, out, ["poisson-20"], 6, _quiet)
    assert (other.made, other.kept) == (40, 20)  # the copies have no seed


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        *(("gaussian-15", 225), ("poisson-20", 100 * 255 / 20)),
        *(("poisson-15-gaussian-5", 100 * 255 / 15 + 25), ("gaussian-0.5", 0.25)),
    ],
)
def test_noise_is_as_strong_as_it_is_called(name: str, variance: float) -> None:
    gray = np.full((200, 200), 100, np.uint8)
    seen = AddedNoise.of(name).added(gray, np.random.default_rng(0))
    assert seen.dtype == np.float32
    assert seen.mean() == pytest.approx(100, abs=0.02 * variance**0.5)
    assert seen.var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize(
    "name", ["", "gauss-3", "-gaussian-5", "poisson-0", "gaussian-5-poisson-3", "x"]
)
def test_what_is_no_noise_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"is no noise that can be added$") as caught:
        AddedNoise.of(name)
    assert caught.value.hint == (
        "for example gaussian-15, poisson-20, poisson-15-gaussian-5"
    )


def test_a_broken_average_does_not_stop_the_others(averages: Path) -> None:
    (averages / "Confocal_MICE" / "gt" / "3" / "avg50.png").write_bytes(b"no")
    out = averages.parent / "out"
    found = simulate_noise(averages, out, ["gaussian-15"], 5, _quiet)
    assert (found.made, [*found.failed]) == (57, ["Confocal_MICE_3"])


def test_a_folder_without_averages(tmp_path: Path) -> None:
    with pytest.raises(NothingMatchedError, match=r"has no averages of FMD$"):
        simulate_noise(tmp_path, tmp_path / "out", ["gaussian-15"], 5, _quiet)
    assert not (tmp_path / "out").exists()


def test_noise2sr_takes_one_capture_a_field_and_three_to_test(averages: Path) -> None:
    for kind in averages.iterdir():
        for field in range(1, 21):
            folder = kind / "raw" / str(field)
            folder.mkdir(parents=True)
            for capture in range(5):
                (folder / f"HV_{capture}.png").touch()
    data = find(averages)
    names = {part: data.names(f"noise2sr-{part}", 1) for part in ("train", "test")}
    held = data.names("noise2sr-validation", 1)
    fields = [name.split("/")[1] for name in names["train"] + held]
    assert sorted(fields, key=int) == [str(field) for field in range(1, 19)]
    assert sorted(name.split("/")[1] for name in held) == ["16", "17", "18"]
    tested = [name.split("/")[:2] for name in names["test"]]
    assert tested == [["Confocal_MICE", "19"]] * 3 + [["Confocal_MICE", "20"]] * 3
    assert find(averages).names("noise2sr-train", 1) == names["train"]
