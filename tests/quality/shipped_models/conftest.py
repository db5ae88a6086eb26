"""A folder with a little of every kind of real image, and a place for scores."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from shipped_models.setting import Setting
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA, simulate_scene


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let other weights or methods be checked: see `test_shipped_models`."""
    group = parser.getgroup("shipped models")
    group.addoption("--model", action="append", metavar="METHOD[=FILE]")
    group.addoption("--model-option", action="append", metavar="KEY=VALUE")
    group.addoption("--images", metavar="FOLDER")
    group.addoption("--jobs", type=int, metavar="N")


SIDE = 64
NAMES = ("071_0", "072_0")
PER_COUNT, SLOPE, INTERCEPT, OFFSET = 1.0, 0.5, 10.0, 5.0


def smooth(side: int = SIDE) -> np.ndarray:
    """Blobs wide enough for a Gaussian to leave them alone, from 0 to 1."""
    wave = np.sin(np.linspace(0, 2 * np.pi, side)) + 1
    return np.outer(wave, wave) / 4


def w2s_folder(folder: Path, gain: float) -> None:
    """Write two fields whose captures have so many counts a photon."""
    columns = "image,grey_per_count,slope,intercept,gain_counts,offset_counts"
    folder.mkdir(parents=True)
    with (folder / "index.csv").open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(columns.split(","))
        for name in NAMES:
            rows.writerow([name, PER_COUNT, SLOPE, INTERCEPT, gain, OFFSET])
    rng = np.random.default_rng(0)
    average = (20 + 200 * smooth()).astype(np.uint8)
    noise = NoiseModel(gain, OFFSET)
    for name in NAMES:
        noisy = noise.sample(noise.photons(SLOPE * average + INTERCEPT), rng)
        save(folder / "avg400" / f"{name}.png", average)
        save(folder / "avg1" / f"{name}.png", noisy.clip(0, 255).astype(np.uint8))


def save(path: Path, gray: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(gray).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    w2s_folder(folder / "w2s", 4.0)
    rng = np.random.default_rng(1)
    clean = 20 + 150 * smooth()
    low = clean + rng.normal(0, 20, clean.shape)
    save(folder / "pairs_hagen" / "cell_high.png", clean.astype(np.uint8))
    save(folder / "pairs_hagen" / "cell_low.png", low.clip(0, 255).astype(np.uint8))
    scene = simulate_scene(1, photons=20, side=SIDE)
    light = CAMERA.photons(scene.clean)
    seen = np.stack([CAMERA.sample(light, rng) for _ in range(2)])
    (folder / "sim_pair").mkdir()
    tifffile.imwrite(folder / "sim_pair" / "er_widefield.tif", seen.astype("f4"))
    tifffile.imwrite(folder / "sim_pair" / "er_sim.tif", scene.truth)
    light = 255 * (scene.truth - CAMERA.offset) / np.ptp(scene.truth)
    save(folder / "sim_truth" / "er_33.png", light.clip(0, 255).astype(np.uint8))
    return folder


@pytest.fixture
def setting(data: Path, tmp_path: Path) -> Setting:
    return Setting(data, tmp_path / "cache", device="cpu")


@pytest.fixture
def brighter(data: Path) -> Callable[[], None]:
    """Make the W2S captures those of a thousand times the light."""

    def remake() -> None:
        for path in sorted((data / "w2s").rglob("*.*")):
            path.unlink()
        for path in ((data / "w2s" / name) for name in ("avg1", "avg400")):
            path.rmdir()
        (data / "w2s").rmdir()
        w2s_folder(data / "w2s", 0.004)

    return remake
