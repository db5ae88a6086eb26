"""What of the user's files a network is adapted to."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.errors import InputError
from w2s_cli.io import write_image
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.adaptation import adaptation_planes
from w2s_cli.pipeline.adaptation.adaptation_planes import read_adaptation_planes
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

NOISE = NoiseModel(2.0, 100.0, 3.0)
JOB = RestoreSpec("denoise-fast", device="cpu", noise=GivenNoise((NOISE,)), axes="CYX")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files of two channels, the light of each twice that of the one before."""
    made = []
    for number in range(3):
        light = np.full((2, 64, 80), 50.0 * 2**number, np.float32)
        counts = (
            NOISE.sample(light, np.random.default_rng(number)).round().astype(np.uint16)
        )
        made.append(tmp_path / f"{number}.tif")
        sizes = {"Y": 0.1 + 0.02 * number, "X": 0.1 + 0.02 * number}
        write_image(Stack(counts, "CYX", sizes), made[-1])
    return made


def test_planes_of_all_channels_of_all_files(files: list[Path]) -> None:
    found = read_adaptation_planes(JOB, JOB.chain(), files)
    assert len(found.planes) == 6
    assert all(plane.shape == (64, 80) for plane, _ in found.planes)
    assert {noise for _, noise in found.planes} == {NOISE}
    low, high = found.trained_on.photons
    assert low == pytest.approx(58, abs=6)  # the brightest of noise around 50
    assert high == pytest.approx(215, abs=15)
    assert found.trained_on.sigma == 1.5
    assert found.trained_on.pixel_size == pytest.approx((0.1, 0.14), rel=1e-3)


def test_one_channel_and_no_pixel_size(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((2, 64, 64), 150, np.uint16))
    job = RestoreSpec(
        "denoise-fast", noise=GivenNoise((NOISE,)), axes="CYX", channel="2"
    )
    found = read_adaptation_planes(job, job.chain(), [tmp_path / "a.npy"])
    assert len(found.planes) == 1
    assert found.trained_on.pixel_size is None


def test_of_many_files_or_pixels_evenly_spaced_ones(files, monkeypatch) -> None:
    monkeypatch.setattr(adaptation_planes, "MOST_FILES", 2)
    found = read_adaptation_planes(JOB, JOB.chain(), files)
    means = sorted({round(float(plane.mean()), -2) for plane, _ in found.planes})
    assert means == [200, 500]  # 50 and 200 photons: the first and the third
    monkeypatch.setattr(adaptation_planes, "MOST_PIXELS", 2 * 64 * 80)
    assert len(read_adaptation_planes(JOB, JOB.chain(), files).planes) == 2


def test_doubts_name_the_file(tmp_path: Path) -> None:
    light = np.full((64, 64), 50.0, np.float32)
    counts = NOISE.sample(light, np.random.default_rng(0))
    np.save(tmp_path / "a.npy", counts.astype(np.uint16))
    wrong = NoiseModel(20.0, 100.0)
    job = RestoreSpec("denoise-fast", noise=GivenNoise((wrong,)))
    found = read_adaptation_planes(job, job.chain(), [tmp_path / "a.npy"])
    assert any(
        one.startswith("a.npy: the noise that was given is ") for one in found.warnings
    )


def test_correlated_noise_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal((128, 128))
    smooth = gaussian_filter(noise, 0.8)
    counts = 1000 + 30 * smooth / smooth.std()
    np.save(tmp_path / "a.npy", counts.astype(np.uint16))
    job = RestoreSpec("denoise-fast", noise=GivenNoise((NOISE,)))
    with pytest.raises(InputError, match="noise of neighbouring pixels") as raised:
        read_adaptation_planes(job, job.chain(), [tmp_path / "a.npy"])
    assert "a network would take it for structure" in str(raised.value)
    assert raised.value.hint.startswith("adapt to raw images of the camera")
