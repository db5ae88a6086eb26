"""Pairs of files, and the kernel between them."""

from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError, NothingMatchedError, UsageError
from w2s_cli.io import write_image
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import gaussian_psf, widefield_psf
from w2s_cli.microscope.simulation import (
    Exposure,
    camera_counts,
    simulate_field,
    widefield,
)
from w2s_cli.pipeline.psf_from_pairs import (
    MOST_PLANES,
    FilesPSF,
    fit_facts,
    paired_files,
    profile_rows,
    psf_facts,
    psf_from_files,
    psf_record,
    usual_kernels,
)
from w2s_cli.stack import Channel, Stack

SIDE, PIXEL = 9, 0.05
LENS = widefield_psf(1.4, 0.525, PIXEL, SIDE)
CAMERA = NoiseModel(gain=2.2, offset=100, read_noise=3)
SHARP = simulate_field(128, np.random.default_rng(0))


def seen(count: int, photons: float = 1000) -> np.ndarray:
    light = widefield(SHARP, LENS, Exposure(photons, 0.05))
    rng = np.random.default_rng(0)
    return camera_counts(np.broadcast_to(light, (count, *light.shape)), CAMERA, rng)


LOW = seen(1)[0]


def saved(
    folder: Path, name: str, data: np.ndarray, axes: str = "YX", pixel: float = 0
) -> Path:
    names = tuple(Channel(name) for name in ("dna", "actin")) if "C" in axes else ()
    sizes = dict.fromkeys("YX", pixel) if pixel else {}
    write_image(Stack(data, axes, sizes, channels=names), folder / name)
    return folder / name


def measured(low: Path, sharp: Path, **how: str | float | None) -> FilesPSF:
    return psf_from_files([(low, sharp)], SIDE, None, **how)  # type: ignore[arg-type]


def test_files_come_in_two_halves(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("a1", "a2", "b1", "b2")]
    assert paired_files(names) == [(names[0], names[2]), (names[1], names[3])]


def test_folders_are_paired_by_name(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("low", "high")]
    for folder in folders:
        folder.mkdir()
        for name in ("b.tif", "a.tif", "notes.txt"):
            (folder / name).touch()
    low, high = folders
    wanted = [(low / name, high / name) for name in ("a.tif", "b.tif")]
    assert paired_files(folders) == wanted


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.tif"], "0 widefield images and 1 sharp ones make no pairs"),
        (["a.tif"] * 3, "1 widefield images and 2 sharp ones make no pairs"),
        (["two", "one"], "2 widefield images and 1 sharp ones make no pairs"),
        (["two", "a.tif"], "2 arguments, 1 of them folders: give a folder of wid"),
        (["two", "two", "one"], "3 arguments, 3 of them folders"),
    ],
)
def test_no_pairs(tmp_path: Path, names: list[str], message: str) -> None:
    for folder, count in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            (tmp_path / folder / f"{number}.tif").touch()
    with pytest.raises(UsageError, match=message) as caught:
        paired_files([tmp_path / name for name in names])
    assert caught.value.hint


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "low").mkdir()
    with pytest.raises(NothingMatchedError, match="no image in the folder"):
        paired_files([tmp_path / "low"] * 2)


@pytest.mark.parametrize(
    ("low", "sharp", "given", "wanted"),
    [
        (2 * PIXEL, PIXEL, None, PIXEL),
        (2 * PIXEL, 0, None, PIXEL),
        (0, 0, None, None),
        (2 * PIXEL, PIXEL, 0.06, 0.06),
    ],
)
def test_the_pixel_size_is_that_of_the_sharp_image(
    tmp_path: Path, low: float, sharp: float, given: float | None, wanted: float | None
) -> None:
    files = (
        saved(tmp_path, "low.tif", LOW, pixel=low),
        saved(tmp_path, "high.tif", SHARP, pixel=sharp),
    )
    found = measured(*files, pixel_size=given)
    assert found.fit.psf.pixel_size == (wanted and pytest.approx(wanted))
    assert found.warnings == ()


def test_pixel_sizes_that_disagree(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", LOW, pixel=PIXEL)
    [warning] = measured(low, saved(tmp_path, "high.tif", SHARP, pixel=PIXEL)).warnings
    assert warning.startswith("a pixel of the widefield image is 0.05 um wide, of th")


def test_planes_are_pairs_and_one_sharp_plane_serves_all(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", seen(3), "TYX")
    one = saved(tmp_path, "one.tif", SHARP)
    three = saved(tmp_path, "three.tif", np.stack([SHARP] * 3), "TYX")
    first, second = measured(low, one), measured(low, three)
    assert first.names == ((low, one),) * 3
    assert second.names == ((low, three),) * 3
    np.testing.assert_array_equal(first.fit.psf.weights, second.fit.psf.weights)
    two = saved(tmp_path, "two.tif", np.stack([SHARP] * 2), "TYX")
    with pytest.raises(InputError, match=r"has 3 planes and .*two.tif 2"):
        measured(low, two)


def test_long_stacks_are_sampled(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", seen(MOST_PLANES + 3, 50), "TYX")
    found = measured(low, saved(tmp_path, "high.tif", SHARP))
    assert len(found.names) == (MOST_PLANES + 4) // 2


def test_channels_are_chosen(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", np.stack([LOW[::-1], LOW]), "CYX")
    high = saved(tmp_path, "high.tif", SHARP)
    by_name, by_number = (measured(low, high, channel=c) for c in ("actin", "2"))
    assert by_name.fit.pairs == by_number.fit.pairs
    with pytest.raises(UsageError, match="has 2 channels, and each has its own kern"):
        measured(low, high)
    with pytest.raises(UsageError, match="there is no channel '3' among 2"):
        measured(low, high, channel="3")


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", LOW)
    with pytest.raises(InputError, match="there is no file"):
        measured(low, tmp_path / "no.tif")


def test_saturation_is_told(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", np.minimum(LOW, 1023))
    warnings = measured(low, saved(tmp_path, "high.tif", SHARP)).warnings
    assert any("of the pixels of an image are saturated" in text for text in warnings)


def test_too_little_light_is_told(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", seen(1, 10)[0])
    [warning] = measured(low, saved(tmp_path, "high.tif", SHARP)).warnings
    assert warning.startswith("the images hold too little light or structure to deter")


def test_light_from_elsewhere_is_told(tmp_path: Path) -> None:
    haze = gaussian_psf(4).blur(SHARP[::-1].copy())[::2, ::2] * 900
    low = saved(tmp_path, "low.tif", (LOW + haze).astype(np.uint16))
    found = measured(low, saved(tmp_path, "high.tif", SHARP))
    assert found.fit.certainty is None
    assert "what the kernel leaves unexplained is no noise" in found.warnings[0]


def test_a_side_that_is_too_small_is_told(tmp_path: Path) -> None:
    light = widefield(SHARP, gaussian_psf(4), Exposure(1000, 0.05))
    low = saved(tmp_path, "low.tif", light.astype(np.uint16))
    warnings = measured(low, saved(tmp_path, "high.tif", SHARP)).warnings
    assert "the kernel reaches beyond its side of 9 pixels" in warnings[-1]


def test_an_image_that_is_no_sharper_is_told(tmp_path: Path) -> None:
    files = (saved(tmp_path, f"{n}.tif", SHARP * 999) for n in "ab")
    assert "is the sharp image any sharper?" in measured(*files).warnings[-1]


def test_all_is_accounted_for(tmp_path: Path) -> None:
    low = saved(tmp_path, "low.tif", LOW)
    found = measured(low, saved(tmp_path, "high.tif", SHARP), pixel_size=PIXEL)
    known = fit_facts(found)
    assert known["shape"] == [SIDE, SIDE]
    assert known["fwhm_nm"] == pytest.approx(known["fwhm_pixels"] * 50)
    assert known["regularisation"]["kind"] == "auto"
    assert {"extent", "smoothness", "noise_over_kernel_power"} < {
        *known["regularisation"]
    }
    [pair] = known["pairs"]
    assert pair["low"] == str(low)
    assert psf_record(found)["pairs"][0]["low"] == "low.tif"


def test_the_profile_starts_at_1_and_falls() -> None:
    rows = profile_rows(gaussian_psf(2, 0.1))
    assert rows[0] == pytest.approx(
        {"radius_pixels": 0, "radius_um": 0, "weight": 1, "gaussian": 1}
    )
    assert rows[8]["radius_um"] == pytest.approx(0.2)
    assert rows[8]["weight"] == pytest.approx(np.exp(-0.5), rel=0.02)
    assert psf_facts(gaussian_psf(2))["fwhm_nm"] is None


def test_usual_kernels_are_those_that_w2s_compares_with() -> None:
    radius = np.arange(0, 8, 1.0)
    found = usual_kernels(radius)
    assert all(curve[0] == 1 for curve in found.values())
    # Keys' cubic between pixels of the coarse grid: 1 at 0, 9/16 and -1/16 half way
    assert found["bicubic"].tolist() == [1, 9 / 16, 0, -1 / 16, 0, 0, 0, 0]
    assert found["sigma 2"][2] == pytest.approx(np.exp(-0.5))
    assert found["sigma 1.41"][2] == pytest.approx(np.exp(-1))
