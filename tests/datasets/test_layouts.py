"""FMD, video-rate sets, pairs of folders, the simulated set; and what is none."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.datasets import DATASETS, find
from w2s_cli.datasets import layouts as video
from w2s_cli.errors import InputError, NothingMatchedError, UnknownNameError


def test_fmd(fmd: Path, gray) -> None:
    data = find(fmd)
    assert (data.name, data.levels, data.scales) == ("fmd", (1, 2, 16), (1,))
    counts = {split: data.count(split, 1) for split in ("train", "test", "mix", "all")}
    assert counts == {"train": 4, "test": 4, "mix": 4, "all": 12}
    pair = next(data.pairs("test", 16))
    assert (pair.name, pair.group) == ("Confocal_FISH/19/HV_0", "Confocal_FISH/19")
    assert np.array_equal(pair.truth, gray(19))
    groups = {pair.group for pair in data.pairs("mix", 1)}
    assert groups == {"test_mix/Confocal_FISH", "test_mix/WideField_BPAE_R"}


def test_one_type_of_fmd(fmd: Path) -> None:
    assert find(fmd / "Confocal_FISH").count("test", 2) == 2
    assert find(fmd / "test_mix").count("mix", 2) == 4


@pytest.fixture
def mito(tmp_path: Path, save, gray) -> Path:
    folder = tmp_path / "MITO"
    for number in range(6):
        save(folder / "LR" / f"{number:04d}.png", gray(number))
        save(folder / "HR" / f"{number:04d}.png", gray(number, height=16, width=20))
    return folder


def test_video_rate_is_split_by_counts(mito: Path, monkeypatch) -> None:
    assert find(mito).splits.keys() == {"train"}
    monkeypatch.setattr(video, "TRAINING", 3)
    monkeypatch.setattr(video, "VALIDATION", 1)
    data = find(mito.parent)
    assert (data.name, data.scales, data.per_unit) == ("video-rate", (2,), 255)
    assert data.names("validation", 1, 2) == ["MITO/0003"]
    assert data.names("test", 1, 2) == ["MITO/0004", "MITO/0005"]
    assert data.pair("MITO/0005", 1, 2).truth.shape == (16, 20)


def test_video_rate_in_folders_of_splits(mito: Path) -> None:
    (mito / "test").mkdir()
    for part in ("LR", "HR"):
        (mito / part).rename(mito / "test" / part)
    assert find(mito).count("test", 1, 2) == 6


def test_video_rate_without_pairs(mito: Path) -> None:
    for path in (mito / "HR").iterdir():
        path.rename(path.with_stem("x" + path.stem))
    with pytest.raises(NothingMatchedError, match="no image in LR has the name of one"):
        find(mito)


def test_folders_of_any_formats(tmp_path: Path, gray) -> None:
    (tmp_path / "Noisy").mkdir()
    (tmp_path / "clean").mkdir()
    tifffile.imwrite(tmp_path / "Noisy" / "a.ome.tif", gray(1).astype(np.uint16))
    np.save(tmp_path / "clean" / "a.npy", gray(2, height=16, width=20) / 7)
    data = find(tmp_path)
    assert (data.name, data.scales, data.unit) == ("folders", (2,), "count")
    pair = data.pair("a", 1, 2)
    assert np.array_equal(pair.image, gray(1))
    assert pair.truth == pytest.approx(gray(2, height=16, width=20) / 7)
    named = find(tmp_path / "Noisy", truth=tmp_path / "clean")
    assert named.pair("a", 1, 2).group == "a"


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("b.png", (8, 10), "no file of .* has a stem that one of"),
        ("a.png", (8, 15), "8 x 10 pixels, .* has 8 x 15: not 1 to 4 times"),
    ],
)
def test_folders_that_do_not_match(tmp_path, save, gray, name, shape, message) -> None:
    save(tmp_path / "low" / "a.png", gray(1))
    save(tmp_path / "high" / name, gray(2, height=shape[0], width=shape[1]))
    with pytest.raises((InputError, NothingMatchedError), match=message):
        find(tmp_path)


def test_two_files_of_one_stem(tmp_path: Path, save, gray) -> None:
    save(tmp_path / "low" / "a.png", gray(1))
    np.save(tmp_path / "low" / "a.npy", gray(1))
    with pytest.raises(InputError, match=r"a\.npy and .*a\.png have one stem"):
        find(tmp_path / "low", truth=tmp_path / "low")
    with pytest.raises(InputError, match=r"there is no folder .*high"):
        find(tmp_path / "high", truth=tmp_path / "low")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((8, 10), np.nan), "has pixels that are no numbers"),
        (np.zeros((2, 8, 10)), r"shape \(2, 8, 10\), expected one plane"),
        (np.zeros((8, 10), bool), "values of type bool, not numbers"),
    ],
)
def test_a_file_that_is_no_image(tmp_path: Path, save, gray, array, message) -> None:
    save(tmp_path / "input" / "a.png", gray(1))
    (tmp_path / "target").mkdir()
    np.save(tmp_path / "target" / "a.npy", array)
    with pytest.raises(InputError, match=message):
        find(tmp_path).pair("a", 1)


def test_the_simulated_set_is_always_the_same() -> None:
    data = find("simulated")
    assert (data.levels, data.scales) == ((2, 5, 20, 100, 500), (1, 2))
    assert (data.count("validation", 5), data.count("test", 5, 2)) == (4, 12)
    pair = data.pair("001", 20)
    assert pair.image.mean() == pytest.approx(2059.22, abs=0.3)
    assert pair.truth.mean() == pytest.approx(2059.42, abs=0.03)
    assert np.array_equal(pair.image, find("simulated").pair("001", 20).image)


def test_the_noise_of_the_simulated_set_is_what_it_says() -> None:
    data = find("simulated")
    for level in data.levels:
        pair = data.pair("002", level)
        assert pair.noise is not None
        error = (pair.image - pair.truth) / np.sqrt(pair.noise.variance(pair.truth))
        assert error.mean() == pytest.approx(0, abs=0.02)
        assert error.std() == pytest.approx(1, abs=0.02)
    fine = data.pair("002", 500, 2).truth
    assert fine.shape == (512, 512)
    assert np.percentile(fine, 99.9) > data.offset + 0.5 * data.per_unit


def test_every_kind_says_what_tells_it() -> None:
    for entry in DATASETS:
        assert entry.needs
        assert callable(entry.load())


def test_no_such_place(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(InputError, match="there is no file or folder none") as caught:
        find("none")
    assert "'simulated', which needs no files" in caught.value.hint
    with pytest.raises(InputError) as caught:
        find("no/W2S")
    assert "`w2s fetch w2s-raw`, then `w2s data prepare w2s" in caught.value.hint
    assert caught.value.hint.endswith("-o no/W2S`")
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path))
    with pytest.raises(InputError, match="no file or folder w2s-raw") as caught:
        find("w2s-raw")
    assert caught.value.hint == "fetch it with `w2s fetch w2s-raw`"


def test_a_name_in_the_cache(zipped: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    zipped.rename(tmp_path / "cache" / "w2s-raw.zip")
    assert find("w2s-raw").count("all", 1) == 9


def test_an_unknown_layout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder is empty") as caught:
        find(tmp_path)
    assert "w2s-raw: Image001/wf_channel0.npy; w2s-normalized:" in caught.value.hint
    for name in "abcdef":
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="it holds a, b, c and 3 more"):
        find(tmp_path)
    with pytest.raises(UnknownNameError, match="no kind of data set is called 'w2s'"):
        find(tmp_path, kind="w2s")


def test_what_is_no_zip(zipped: Path, tmp_path: Path) -> None:
    zipped.write_bytes(zipped.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"W2S_raw\.zip is truncated") as caught:
        find(zipped)
    assert "goes on where it stopped" in caught.value.hint
    (tmp_path / "a.tar").write_bytes(b"ustar")
    with pytest.raises(InputError, match="is no zip: it starts with b'usta'"):
        find(tmp_path / "a.tar")


def test_no_permission(raw: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match=r"cannot read .*raw: Permission denied"):
        find(raw)
