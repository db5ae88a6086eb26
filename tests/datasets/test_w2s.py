"""W2S in each of its four forms."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.datasets import find
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.w2s import Z_OFFSET, Z_UNIT, frames_of
from w2s_cli.errors import InputError, NothingMatchedError, UnknownNameError, UsageError

FRAMES = {1: [249], 2: [0, 1], 4: range(4), 8: range(8), 16: range(16), 400: range(400)}


@pytest.fixture(params=["folder", "zip", "around"])
def recorded(request: pytest.FixtureRequest, raw: Path) -> DataSet:
    """The raw copy as zip, as folder, and as a folder in a folder."""
    if request.param == "zip":
        return find(request.getfixturevalue("zipped"))
    return find(raw if request.param == "folder" else raw.parent)


@pytest.mark.parametrize("level", FRAMES)
def test_averages_of_captures(recorded: DataSet, captures, level: int) -> None:
    pair = recorded.pair("071_2", level)
    frames = captures(71, 2).astype(float)
    assert pair.image == pytest.approx(frames[FRAMES[level]].mean(0), rel=1e-6)
    assert pair.truth == pytest.approx(frames.mean(0), rel=1e-6)
    assert pair.image.dtype == pair.truth.dtype == np.float32
    assert (pair.name, pair.group, pair.valid) == ("071_2", "071", None)


def test_sim_is_the_truth_at_twice_the_size(recorded: DataSet, sim) -> None:
    pair = recorded.pair("001_1", 400, 2)
    assert np.array_equal(pair.truth, sim(1, 1))
    assert pair.truth.shape == (2 * pair.image.shape[0], 2 * pair.image.shape[1])


def test_what_a_raw_copy_is(recorded: DataSet) -> None:
    assert recorded.name == "w2s-raw"
    assert (recorded.levels, recorded.scales) == ((1, 2, 4, 8, 16, 400), (1, 2))
    assert (recorded.unit, recorded.per_unit, recorded.offset) == (
        "z",
        Z_UNIT,
        Z_OFFSET,
    )
    assert recorded.clean == 400
    assert recorded.count("all", 1) == 9
    for split, field in (("train", "001"), ("validation", "071"), ("test", "081")):
        assert recorded.names(split, 1, 2) == [f"{field}_{c}" for c in range(3)]
    known = recorded.splits
    assert known["published"] == known["train"] | known["validation"]
    assert len(known["published"]) == 240
    assert recorded.names("all", 1, fields={"081"}) == ["081_0", "081_1", "081_2"]


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        (("tset", 1), UnknownNameError, "no split is called 'tset'"),
        (("test", 3), UsageError, "has no level 3"),
        (("test", 1, 4), UsageError, "has no scale 4"),
        (
            ("test", 1, 1, {"090"}),
            NothingMatchedError,
            "no pair of split test, level 1",
        ),
    ],
)
def test_what_is_not_there(raw: Path, asked, kind, message: str) -> None:
    with pytest.raises(kind, match=message):
        find(raw).pairs(*asked)


def test_images_without_any_truth(tmp_path: Path) -> None:
    (tmp_path / "avg1").mkdir()
    np.save(tmp_path / "avg1" / "081_0.npy", np.zeros((8, 10)))
    with pytest.raises(UsageError, match="has no scale 1") as caught:
        find(tmp_path).pairs("test", 1)
    assert caught.value.hint == "it has none"


def test_one_capture_needs_no_more_than_one(tmp_path: Path) -> None:
    folder = tmp_path / "Image001"
    folder.mkdir()
    np.save(folder / "wf_channel0.npy", np.zeros((400, 64, 64), np.uint16))
    data = find(tmp_path)
    data.pair("001_0", 1)
    tracemalloc.start()
    for pair in data.pairs("train", 16):
        assert pair.image.max() == 0
    assert tracemalloc.get_traced_memory()[1] < 0.2 * 400 * 64 * 64 * 2
    tracemalloc.stop()
    assert frames_of(1) == range(249, 250)


def test_a_set_travels_to_other_processes(zipped: Path) -> None:
    import pickle

    data = pickle.loads(pickle.dumps(find(zipped)))
    assert data.pair("001_0", 1).image.shape == (8, 10)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((399, 8, 10), np.uint16),
            r"\(399, 8, 10\) and type uint16, expected",
        ),
        (np.zeros((400, 8), np.uint16), r"expected \(400, Y, X\) and uint16"),
        (np.zeros((400, 8, 10), np.float64), "and type float64, expected"),
        (np.zeros((400, 8, 10), complex), "it holds no images: type complex128"),
    ],
)
def test_wrong_captures(raw: Path, array, message: str) -> None:
    path = raw / "Image001" / "wf_channel0.npy"
    np.save(path, array)
    with pytest.raises(InputError, match=message) as caught:
        find(raw).pair("001_0", 2)
    assert str(path) in str(caught.value)


def test_truncated_captures(raw: Path) -> None:
    path = raw / "Image001" / "wf_channel0.npy"
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(InputError, match="is truncated: 60128 bytes of 64128"):
        find(raw).pair("001_0", 1)
    path.write_bytes(b"\x93NUM")
    with pytest.raises(InputError, match=r"wf_channel0\.npy is broken"):
        find(raw).pair("001_0", 1)


def test_a_broken_member_of_a_zip(zipped: Path) -> None:
    content = bytearray(zipped.read_bytes())
    content[3000:60000] = bytes(57000)
    zipped.write_bytes(content)
    with pytest.raises(
        InputError, match=r"W2S_raw\.zip:W2S_raw/Image001/\S+ is broken"
    ):
        [*find(zipped).pairs("train", 1, 2)]


def test_a_sim_image_of_another_size(raw: Path) -> None:
    np.save(raw / "Image001" / "sim_channel0.npy", np.zeros((16, 16), np.uint16))
    with pytest.raises(InputError, match=r"10 pixels, \S+ has 16 x 16, not 2 times"):
        find(raw).pair("001_0", 1, 2)
    np.save(raw / "Image001" / "sim_channel0.npy", np.zeros((3, 16, 16), np.uint16))
    with pytest.raises(InputError, match=r"shape \(3, 16, 16\), expected one plane"):
        find(raw).pair("001_0", 1, 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_z_scores_come_back_as_counts(tmp_path: Path, dtype) -> None:
    scores = np.linspace(-1, 18, 80).reshape(8, 10).astype(dtype)
    for folder, plane in (("avg1", scores), ("avg400", scores / 2)):
        (tmp_path / "data" / "normalized" / folder).mkdir(parents=True)
        np.save(tmp_path / "data" / "normalized" / folder / "081_0.npy", plane)
    data = find(tmp_path)
    pair = data.pair("081_0", 1)
    assert (data.name, data.levels, data.scales) == ("w2s-normalized", (1, 400), (1,))
    assert (pair.image - data.offset) / data.per_unit == pytest.approx(scores, abs=1e-5)
    assert pair.image.min() == pytest.approx(Z_OFFSET - Z_UNIT)


@pytest.mark.parametrize("parts", [("train", "test"), ("all", "all")])
def test_published_pngs(tmp_path: Path, save, gray, parts) -> None:
    for part, name in zip(parts, ("080_0", "081_0"), strict=True):
        save(tmp_path / part / "avg4" / f"{name}.png", gray(4))
        save(tmp_path / part / "avg400" / f"{name}.png", gray(400))
        save(tmp_path / part / "sim" / f"{name}.png", gray(2, height=16, width=20))
    data = find(tmp_path)
    assert (data.name, data.unit, data.per_unit) == ("w2s-png", "1/255", 255)
    assert (data.levels, data.scales) == ((4, 400), (1, 2))
    assert data.names("test", 4) == ["081_0"]
    assert np.array_equal(data.pair("081_0", 4).image, gray(4))
    assert data.pair("080_0", 4, 2).truth.shape == (16, 20)


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("outer", ["", "data"])
def test_npy_in_the_layout_of_the_authors_readme(tmp_path, outer, counts) -> None:
    """train/ and test/ with folders of averages; z-scores, or counts where they are."""
    rng = np.random.default_rng(0)
    expected = {}
    for field in (1, 81):
        part = "train" if field == 1 else "test"
        for folder in ("avg1", "avg400"):
            plane = rng.normal(155, 60, (8, 10)).astype(np.float32)
            path = tmp_path / outer / part / folder / f"{field:03d}_0.npy"
            path.parent.mkdir(parents=True)
            np.save(path, plane if counts else (plane - Z_OFFSET) / Z_UNIT)
            expected[folder, field] = plane
    data = find(tmp_path)
    assert (data.name, data.per_unit) == ("w2s-normalized", Z_UNIT)
    assert data.names("train", 1) == ["001_0"]
    pair = data.pair("081_0", 1)
    assert pair.image == pytest.approx(expected["avg1", 81], rel=1e-5)
    assert pair.truth == pytest.approx(expected["avg400", 81], rel=1e-5)


def test_whole_counts_in_npy_files_are_no_z_scores(tmp_path: Path) -> None:
    (tmp_path / "avg1").mkdir()
    (tmp_path / "avg400").mkdir()
    dim = np.full((8, 10), 3, np.uint16)
    np.save(tmp_path / "avg1" / "001_0.npy", dim)
    np.save(tmp_path / "avg400" / "001_0.npy", dim)
    assert find(tmp_path).pair("001_0", 1).image.max() == 3
