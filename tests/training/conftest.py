"""Tiny copies of the sets that recipes train on: simulated cells, with real noise."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from w2s_cli.datasets.w2s import Z_OFFSET, Z_UNIT
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import gaussian_psf, halved
from w2s_cli.microscope.simulation import simulate_field
from w2s_cli.training.patches.truth import Simulated

SIDE = 72
CAMERA = NoiseModel(gain=12, offset=100, read_noise=8)
Counts = NDArray[np.float32]


def _scene(*seed: int) -> tuple[Counts, Counts]:
    """Return the expected counts of a sharp field, and at half the size, blurred."""
    fine = simulate_field(2 * SIDE, np.random.default_rng(seed)) + 0.1
    light = 60 * fine, 60 * halved(gaussian_psf(1.5).blur(fine))
    return CAMERA.counts(light[0]), CAMERA.counts(light[1])


def _captured(mean: Counts, captures: int, *seed: int) -> Counts:
    rng = np.random.default_rng([captures, *seed])
    light = CAMERA.photons(mean)
    shots = [CAMERA.sample(light, rng) for _ in range(min(captures, 16))]
    return np.mean(shots, axis=0)


def _save(path: Path, gray: Counts) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(gray.round(), 0, 255).astype(np.uint8)).save(path)


@pytest.fixture(scope="session")
def w2s(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """W2S as z-scores: fields 1, 2, 70 to train on, 71 to validate, 81 to test."""
    folder = tmp_path_factory.mktemp("w2s")
    for field in (1, 2, 70, 71, 81):
        sharp, blurred = _scene(field)
        planes = {"sim": sharp, "avg400": blurred}
        for level in (1, 4):
            planes[f"avg{level}"] = _captured(blurred, level, field)
        for name, counts in planes.items():
            path = folder / name / f"{field:03d}_0.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, ((counts - Z_OFFSET) / Z_UNIT).astype(np.float32))
    return folder


@pytest.fixture(scope="session")
def fmd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FMD: two types of three fields, three captures of each of two levels."""
    folder = tmp_path_factory.mktemp("fmd")
    for number, kind in enumerate(("Confocal_FISH", "WideField_BPAE_R")):
        for field in ("1", "2", "19"):
            _, blurred = _scene(number, int(field))
            gray = 0.5 * (blurred - 90)
            _save(folder / kind / "gt" / field / "avg50.png", gray)
            for level, part in ((1, "raw"), (2, "avg2")):
                for capture in range(3):
                    seen = _captured(blurred, level, number, int(field), capture)
                    path = folder / kind / part / field / f"HV_{capture}.png"
                    _save(path, 0.5 * (seen - 90))
    return folder


@pytest.fixture(scope="session")
def video_rate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Video-rate pairs of one structure: six to train on, one to validate."""
    folder = tmp_path_factory.mktemp("video") / "MITO"
    for part, count in (("train", 6), ("val", 1)):
        for number in range(count):
            sharp, blurred = _scene(count, number)
            seen = _captured(blurred, 1, count, number)
            _save(folder / part / "LR" / f"{number}.png", 0.5 * (seen - 90))
            _save(folder / part / "HR" / f"{number}.png", 0.5 * (sharp - 90))
    return folder


@pytest.fixture(scope="session")
def repeats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three captures of the same, as a series."""
    folder = tmp_path_factory.mktemp("repeats")
    light = CAMERA.photons(_scene(5)[1])
    shots = [CAMERA.sample(light, np.random.default_rng(seed)) for seed in range(3)]
    series = np.stack(shots).round().clip(0, 65535).astype(np.uint16)
    tifffile.imwrite(
        folder / "series.tif", series, imagej=True, metadata={"axes": "TYX"}
    )
    return folder


@pytest.fixture(autouse=True, scope="session")
def remembered_fields() -> Iterator[None]:
    """Draw each simulated field once for all tests: it depends on its number alone."""

    @lru_cache(maxsize=200)
    def drawn(seed: int, side: int, number: int) -> NDArray[np.float32]:
        field = simulate_field(side, np.random.default_rng([seed, number]))
        field.flags.writeable = False  # the tests share it
        return field

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Simulated, "_new", lambda own, number: drawn(own.seed, own.side, number)
        )
        yield
