"""W2S from a copy: what is made, and how an interrupted run goes on."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from w2s_cli.datasets import find
from w2s_cli.datasets.dataset_check import MANIFEST, Manifest
from w2s_cli.datasets.preparation import PrepareConfig, PrepareResult
from w2s_cli.datasets.preparation import prepare as ordered
from w2s_cli.datasets.w2s import Z_OFFSET, Z_UNIT
from w2s_cli.errors import (
    InputError,
    NothingMatchedError,
    OutputError,
    UnknownNameError,
    UsageError,
)

BOTH = ("normalized", "png")


def grays(path: Path) -> NDArray[np.int64]:
    with Image.open(path) as image:
        return np.asarray(image, np.int64)


def prepare(source: Path, target: Path, **order: object) -> PrepareResult:
    return ordered(source, target, PrepareConfig(**order), lambda *_: None)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_all_is_made(request, raw: Path, tmp_path: Path, form: str) -> None:
    source = raw if form == "folder" else request.getfixturevalue("zipped")
    out = tmp_path / "out"
    done = prepare(source, out, forms=BOTH)
    assert (done.made, done.kept, done.failed) == (9 * 7 * 2, 0, {})
    assert len(done.missing[1]) == 351
    before, after = find(source), find(out)
    pngs = find(out, kind="w2s-png")
    assert after.name == "w2s-normalized"
    for level, scale in ((1, 1), (16, 1), (400, 2)):
        old, new = (data.pair("081_1", level, scale) for data in (before, after))
        assert new.image == pytest.approx(old.image, rel=1e-6)
        assert new.truth == pytest.approx(old.truth, rel=1e-6)
        gray = np.rint(old.image * 0.62).clip(0, 255)
        assert np.array_equal(pngs.pair("081_1", level, scale).image, gray)
    stored = np.load(out / "normalized" / "sim" / "001_0.npy")
    assert stored.dtype == np.float32
    sim = before.pair("001_0", 1, 2).truth
    assert stored == pytest.approx((sim - Z_OFFSET) / Z_UNIT, rel=1e-6, abs=1e-7)
    folders = {path.parent.parent.name for path in out.rglob("*_0.png")}
    assert folders == {"train", "test"}
    assert grays(out / "train" / "sim" / "071_0.png").shape == (16, 20)


def test_what_was_done_is_kept(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert prepare(raw, out, fields=[1], levels=[1, 2]).made == 6
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.npy")}
    again = prepare(raw, out, fields=[1, 81], levels=[1, 2])
    assert (again.made, again.kept) == (6, 6)
    assert all(path.stat().st_mtime_ns == at for path, at in stamps.items())


def test_what_was_half_done_is_made_again(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(raw, out, fields=[1])
    whole = {path: path.read_bytes() for path in sorted(out.rglob("*.npy"))}
    gone, changed, unlisted = [*whole][:3]
    gone.unlink()
    changed.write_bytes(b"")
    manifest = out / MANIFEST
    last = manifest.read_text().splitlines()[-1]
    manifest.write_text(manifest.read_text().removesuffix(last[5:] + "\n"))
    (out / last.partition(",")[0]).unlink()
    assert unlisted.exists()
    done = prepare(raw, out, fields=[1])
    assert (done.made, done.kept) == (3, 18)
    assert {path: path.read_bytes() for path in whole} == whole
    assert len(Manifest.of(out).made) == 21
    assert not [*out.rglob("*.tmp")]


def test_another_scale_is_made_again(raw: Path, tmp_path: Path) -> None:
    wanted = {"forms": ["png"], "fields": [1], "levels": [1]}
    prepare(raw, tmp_path / "out", **wanted)
    done = prepare(raw, tmp_path / "out", **wanted, grays_per_count=0.3)
    assert done.made == 3
    row = Manifest.of(tmp_path / "out").made["train/avg1/001_0.png"]
    assert row.how == "0.3 * capture 249, rounded, from 0 to 255"
    assert row.source == str(raw / "Image001" / "wf_channel0.npy")


def test_pngs_of_z_scores(raw: Path, tmp_path: Path) -> None:
    prepare(raw, tmp_path / "z")
    done = prepare(tmp_path / "z", tmp_path / "z", forms=["png"])
    assert done.made == 63
    direct = prepare(raw, tmp_path / "png", forms=["png"])
    assert direct.made == 63
    for path in (tmp_path / "png").rglob("*.png"):
        same = tmp_path / "z" / path.relative_to(tmp_path / "png")
        # A half may be rounded either way.
        assert np.abs(grays(path) - grays(same)).max() <= 1


def test_files_of_others_are_spared(raw: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "data" / "normalized" / "avg1" / "001_0.npy"
    theirs.parent.mkdir(parents=True)
    np.save(theirs, np.zeros((8, 10)))
    with pytest.raises(OutputError, match=r"001_0\.npy exists, and was not made by"):
        prepare(raw, tmp_path / "data")
    with pytest.raises(OutputError, match=r"001_0\.npy exists, and was not made by"):
        prepare(theirs.parents[2], theirs.parents[2])
    assert [*(tmp_path / "data").rglob("*.npy")] == [theirs]


def test_a_broken_image_does_not_stop_the_others(raw: Path, tmp_path: Path) -> None:
    path = raw / "Image071" / "wf_channel1.npy"
    path.write_bytes(path.read_bytes()[:9000])
    progress: list[tuple[int, int]] = []
    done = ordered(
        raw, tmp_path, PrepareConfig(levels=[1]), lambda *at: progress.append(at)
    )
    assert done.made == 8
    assert [*done.failed] == ["071_1"]
    assert "is truncated: 9000 bytes of 64128" in str(done.failed["071_1"])
    assert progress == [(n, 9) for n in range(1, 10)]


@pytest.mark.parametrize(
    ("order", "kind", "message"),
    [
        ({"levels": [3]}, UsageError, "W2S has no level 3"),
        ({"fields": [0, 1]}, UsageError, "W2S has no field 0"),
        ({"forms": ["tiff"]}, UnknownNameError, "no form of W2S is called 'tiff'"),
        ({"grays_per_count": 0}, UsageError, "0 gray values a count make no picture"),
        ({"fields": [5]}, NothingMatchedError, "has none of the images asked for"),
    ],
)
def test_nonsense(raw: Path, tmp_path: Path, order, kind, message: str) -> None:
    with pytest.raises(kind, match=message):
        prepare(raw, tmp_path / "out", **order)


def test_what_no_averages_can_be_made_of(fmd: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="of the kind fmd: no averages"):
        prepare(fmd, tmp_path / "out")


def test_a_target_that_cannot_be_written(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(
        OutputError, match=r"cannot make folders in .*out: Not a direct"
    ):
        prepare(raw, tmp_path / "out")


def test_a_full_disk(raw: Path, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OutputError, match="the disk is full"):
        prepare(raw, tmp_path / "out", levels=[1])
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == [
        MANIFEST
    ]
