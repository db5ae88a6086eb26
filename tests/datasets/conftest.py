"""Miniature copies of every layout: three fields, few pixels, all 400 captures."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

FIELDS = (1, 71, 81)
HEIGHT, WIDTH = 8, 10

Save = Callable[[Path, NDArray[np.uint8]], None]


@pytest.fixture(scope="session")
def captures() -> Callable[[int, int], NDArray[np.uint16]]:
    """Make the captures of a field and channel, always the same."""

    def make(field: int, channel: int) -> NDArray[np.uint16]:
        rng = np.random.default_rng([field, channel])
        return rng.integers(90, 500, (400, HEIGHT, WIDTH)).astype(np.uint16)

    return make


@pytest.fixture(scope="session")
def sim() -> Callable[[int, int], NDArray[np.uint16]]:
    """Make the SIM image of a field and channel."""

    def make(field: int, channel: int) -> NDArray[np.uint16]:
        rng = np.random.default_rng([field, channel, 1])
        return rng.integers(90, 900, (2 * HEIGHT, 2 * WIDTH)).astype(np.uint16)

    return make


@pytest.fixture
def raw(tmp_path: Path, captures, sim) -> Path:
    """W2S as recorded: fields 1, 71 and 81."""
    for field in FIELDS:
        folder = tmp_path / "raw" / f"Image{field:03d}"
        folder.mkdir(parents=True)
        for channel in range(3):
            np.save(folder / f"wf_channel{channel}.npy", captures(field, channel))
            np.save(folder / f"sim_channel{channel}.npy", sim(field, channel))
            np.save(folder / f"sim_input_channel{channel}.npy", np.zeros((24, 50)))
    return tmp_path / "raw"


@pytest.fixture
def zipped(raw: Path) -> Path:
    """The same, in a zip with one folder more."""
    path = raw.with_name("W2S_raw.zip")
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("W2S_raw/readme.txt", "read me")
        for file in sorted(raw.rglob("*.npy")):
            archive.write(file, f"W2S_raw/{file.relative_to(raw).as_posix()}")
    return path


@pytest.fixture
def save() -> Save:
    """Save gray values as PNG, with the folders around."""

    def write(path: Path, gray: NDArray[np.uint8]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(gray).save(path)

    return write


@pytest.fixture
def gray() -> Callable[..., NDArray[np.uint8]]:
    """Make gray values by a seed."""

    def make(*seed: int, height: int = HEIGHT, width: int = WIDTH):
        rng = np.random.default_rng(seed)
        return rng.integers(0, 256, (height, width)).astype(np.uint8)

    return make


@pytest.fixture
def fmd(tmp_path: Path, save: Save, gray) -> Path:
    """Two types with two fields, and the mixed set."""
    folder = tmp_path / "fmd"
    for kind in ("Confocal_FISH", "WideField_BPAE_R"):
        for field in ("3", "19"):
            save(folder / kind / "gt" / field / "avg50.png", gray(int(field)))
            for level in ("raw", "avg2", "avg16"):
                for number in range(2):
                    path = folder / kind / level / field / f"HV_{number}.png"
                    save(path, gray(number))
        for number in range(2):
            for part in ("raw", "avg2", "gt"):
                save(folder / "test_mix" / part / f"{kind}_{number}.png", gray(number))
    return folder
