"""What a look at every file finds."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.datasets import find
from w2s_cli.datasets.data_set import FilePlane
from w2s_cli.datasets.dataset_check import CheckResult, Fault
from w2s_cli.datasets.dataset_check import check as checked
from w2s_cli.datasets.preparation import PrepareConfig, prepare
from w2s_cli.errors import InputError


def check(place: Path | str) -> CheckResult:
    return checked(find(place), lambda *_: None)


def test_a_whole_copy(zipped: Path) -> None:
    found = check(zipped)
    assert found.faults == []
    assert found.groups == ["001", "071", "081"]
    split = {"train": 3, "validation": 3, "test": 3, "published": 6}
    assert found.pairs == {"all": 9, **split}
    assert [(part.name, part.count) for part in found.parts] == [
        *((f"level {level}", 9) for level in (1, 2, 4, 8, 16, 400)),
        *(("truth x1", 9), ("truth x2", 9)),
    ]
    assert len(found.parts[0].missing) == 351
    assert "001_0" not in found.parts[0].missing


def test_each_file_is_looked_at_once(raw: Path) -> None:
    progress: list[tuple[int, int]] = []
    checked(find(raw), lambda *at: progress.append(at))
    assert progress == [(n, 18) for n in range(1, 19)]


def test_what_is_broken(raw: Path) -> None:
    short, wrong, large = (
        raw / "Image001" / name
        for name in ("wf_channel0.npy", "wf_channel1.npy", "sim_channel2.npy")
    )
    short.write_bytes(short.read_bytes()[:-1])
    np.save(wrong, np.zeros((4, 8, 10), np.uint16))
    np.save(large, np.zeros((32, 40), np.uint16))
    (raw / "Image071" / "sim_channel0.npy").unlink()
    found = check(raw)
    assert [fault.where for fault in found.faults] == [*map(str, (short, wrong, large))]
    reasons = [fault.reason for fault in found.faults]
    assert "is truncated: 64127 bytes of 64128" in reasons[0]
    assert "has shape (4, 8, 10) and type uint16, expected (400, Y, X)" in reasons[1]
    assert reasons[2] == "has 32 x 40 pixels, expected 16 x 20"
    assert "071_0" in found.parts[-1].missing


def test_what_was_prepared_is_compared_with_its_checksum(raw, tmp_path) -> None:
    out = tmp_path / "out"
    prepare(raw, out, PrepareConfig(levels=[1, 400], fields=[1]), lambda *_: None)
    assert (check(out).faults, check(out / "normalized").checksums) == ([], 6)
    gone, changed = (out / "normalized" / "avg1" / f"001_{n}.npy" for n in (0, 1))
    gone.unlink()
    np.save(changed, np.zeros((8, 10), np.float32))
    assert check(out).faults == [
        Fault(str(gone), "is in the manifest, but not there"),
        Fault(str(changed), "has another checksum than when it was made"),
    ]


def test_a_broken_png(fmd: Path) -> None:
    path = max(fmd.rglob("*.png"))
    path.write_bytes(path.read_bytes()[:60])
    (fault,) = check(fmd).faults
    assert fault.where == str(path)
    assert "is truncated or broken" in fault.reason


def test_a_tiff_of_which_planes_are_missing_is_no_plane(tmp_path: Path) -> None:
    said = "ImageJ=1.53c\nimages=2\nframes=2\n"
    for number, extra in enumerate((said, None)):
        path = tmp_path / f"{number}.tif"
        with tifffile.TiffWriter(path) as file:
            for plane in np.ones((2 - (number == 0), 8, 10), np.uint16):
                file.write(plane, metadata=None, contiguous=False, description=extra)
        if not number:
            expected = "1 of 2 planes that it promises are there"
        else:
            with tifffile.TiffFile(path) as whole:
                path.write_bytes(path.read_bytes()[: whole.pages[1].offset])
            expected = "it is cut off: page 2 is promised"
        with pytest.raises(InputError, match=rf"is not whole: .*{expected}"):
            FilePlane(path).read()


def test_an_image_without_its_truth(fmd: Path) -> None:
    (fmd / "Confocal_FISH" / "gt" / "3" / "avg50.png").unlink()
    found = check(fmd)
    assert found.parts[-1].missing == ["Confocal_FISH/3/HV_0", "Confocal_FISH/3/HV_1"]
    assert found.pairs == {
        **{"all": 10, "train": 2, "test": 4, "mix": 4},
        "noise2sr-test": 2,
    }


def test_the_simulated_set() -> None:
    found = check("simulated")
    assert (found.faults, len(found.groups)) == ([], 16)
    assert found.as_json()["scales"] == [1, 2]
