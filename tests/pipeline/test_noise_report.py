"""The noise of files: what is said of it, and what is doubted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from w2s_cli.errors import AxesError, UsageError
from w2s_cli.io import write_image
from w2s_cli.microscope.noise_estimation import Dark
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.unknown_pixels import KnownPlane
from w2s_cli.pipeline.diagnose import diagnose_channel
from w2s_cli.pipeline.noise_report import (
    NoiseReport,
    NoiseRequest,
    read_dark,
    report_noise,
)
from w2s_cli.stack import Channel, Stack

CAMERA = NoiseModel(2.2, 100, 3)
SIDE = 256
LIGHT = np.tile(np.linspace(2, 150, SIDE, dtype=np.float32), (SIDE, 1))


def frames(count: int, light: np.ndarray = LIGHT) -> np.ndarray:
    rng = np.random.default_rng(count)
    counts = CAMERA.sample(np.broadcast_to(light, (count, *light.shape)), rng)
    return counts.round().clip(0, 65535).astype(np.uint16)


def warnings(plane: np.ndarray, dark: Dark | None = None) -> Sequence[str]:
    return diagnose_channel("0", [KnownPlane.of(plane)], dark=dark).noise_warnings


def report(
    path: Path, data: np.ndarray, axes: str, question: NoiseRequest
) -> NoiseReport:
    names = [Channel(name) for name in ("dna", "actin")][: 2 if "C" in axes else 0]
    write_image(Stack(data, axes, channels=tuple(names)), path, overwrite=True)
    return report_noise(question, path)


def test_each_channel_is_looked_at(tmp_path: Path) -> None:
    found = report(tmp_path / "a.tif", frames(2), "CYX", NoiseRequest())
    assert [channel.name for channel in found.channels] == ["dna", "actin"]
    for channel in found.channels:
        assert channel.fit.slope == pytest.approx(2.2, rel=0.15)
        assert channel.trusted
        assert channel.warnings == ()
    [one] = report_noise(NoiseRequest(channel="actin"), tmp_path / "a.tif").channels
    assert one.as_json() == found.channels[1].as_json()


def test_what_the_light_amounts_to() -> None:
    plane = frames(1)[0]
    found = diagnose_channel("0", [KnownPlane.of(plane)])
    assert found.photons == pytest.approx(160, rel=0.15)
    contrast, variance = 148 * 2.2, 2.2**2 * 150 + 9
    assert found.as_json()["peak_snr"] == pytest.approx(
        10 * np.log10(contrast**2 / variance), abs=1
    )
    assert found.saturated == 0


@pytest.mark.parametrize("axes", ["TYX", "ZYX"])
def test_repeats_and_a_dark_frame(tmp_path: Path, axes: str) -> None:
    write_image(Stack(frames(5, 0 * LIGHT), "TYX"), tmp_path / "dark.tif")
    dark = read_dark(tmp_path / "dark.tif")
    question = NoiseRequest(repeats=axes[0], dark=dark)
    [channel] = report(tmp_path / "a.tif", frames(5), axes, question).channels
    row = channel.as_json()
    assert row["gain"] == pytest.approx(2.2, rel=0.02)
    assert row["offset"] == pytest.approx(100, abs=0.1)
    assert row["read_noise"] == pytest.approx(3, abs=0.1)
    assert row["dark_known"]


def test_views_along_other_axes_are_pooled(tmp_path: Path) -> None:
    data = frames(12).reshape(4, 3, SIDE, SIDE)
    question = NoiseRequest(repeats="T")
    several = report(tmp_path / "a.tif", data, "TZYX", question).channels[0]
    one = report(tmp_path / "a.tif", data[:, :1], "TZYX", question).channels[0]
    assert several.fit.line.slope_error < 0.7 * one.fit.line.slope_error


@pytest.mark.parametrize("axis", ["C", "Y", "Z", "TY", "t"])
def test_no_repeats_there(tmp_path: Path, axis: str) -> None:
    data = frames(4).reshape(2, 2, SIDE, SIDE)
    with pytest.raises(AxesError, match="no repeats along") as caught:
        report(tmp_path / "a.tif", data, "TCYX", NoiseRequest(repeats=axis))
    assert "the axes are TCYX" in str(caught.value)
    assert caught.value.hint.startswith("repeats are along T or Z")


def test_dark_frames_of_other_channels(tmp_path: Path) -> None:
    dark = (Dark(100, 3),) * 3
    with pytest.raises(UsageError, match="3 channels of dark frames for an image of 2"):
        report(tmp_path / "a.tif", frames(2), "CYX", NoiseRequest(dark=dark))


def pixels_averaged(plane: np.ndarray) -> np.ndarray:
    return plane.reshape(SIDE // 2, 2, SIDE // 2, 2).mean((1, 3))


@pytest.mark.parametrize(
    ("plane", "doubt"),
    [
        (gaussian_filter(frames(1)[0] * 1.0, 0.6), "the noise of neighbouring pixels"),
        (zoom(frames(1)[0] * 1.0, 1.3, order=3), "the noise of neighbouring pixels"),
        (frames(8).mean(0).astype(np.float32), "every value is a multiple of 1/8: an"),
        (pixels_averaged(frames(1)[0]), "every value is a multiple of 1/4: an"),
        (
            (frames(40).mean(0) / 1).round().astype(np.uint16),
            "a gain of 0.0",
        ),
        (
            np.random.default_rng(0).normal(300, 9, (SIDE, SIDE)).round() + LIGHT // 4,
            "the noise hardly grows with the light",
        ),
        (
            np.random.default_rng(0).poisson(0.3, (SIDE // 2, SIDE // 2)) * 2
            + np.random.default_rng(1).normal(300, 4, (SIDE // 2, SIDE // 2)).round(),
            "too few photons, or too even a light, to measure the noise: the gain of ",
        ),
    ],
    ids=[
        *("smoothed", "resized", "average", "2x2 mean", "rounded average"),
        *("read noise", "dark"),
    ],
)
def test_doubts(plane: np.ndarray, doubt: str) -> None:
    [found] = warnings(plane)
    assert found.startswith(doubt)


def test_no_doubt_about_raw_images_nor_about_sums_of_pixels() -> None:
    assert not warnings(frames(1)[0])
    assert not warnings(pixels_averaged(frames(1)[0]) * 4)


def test_a_dark_frame_of_this_camera_raises_no_doubt() -> None:
    assert not warnings(frames(1)[0], Dark(100, 3))


def test_saturation_is_told_and_no_doubt() -> None:
    plane = frames(1, LIGHT * 20)[0].clip(0, 4095)
    found = diagnose_channel("0", [KnownPlane.of(plane)])
    assert found.trusted
    assert found.warnings == (
        f"{found.saturated:.1%} of the pixels are saturated at 4095 counts: "
        "their light is unknown",
    )
    assert found.saturated > 0.3
