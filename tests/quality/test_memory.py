"""Peak memory beside `--max-memory` and the forecast, for each format and for any size.

`pytest -m quality -rP tests/quality/test_memory.py` prints the table. The files hardly
take disk; a run of a large one is ended when its memory has become flat.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from memory_use import CAMERA, FORMS, SIDE, make, peak

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc"),
]
LIMIT = 1 << 10  # MiB
SECONDS = 30.0
SHAPES = {"512 MiB": (64, SIDE, SIDE), "20 GiB": (2560, SIDE, SIDE)}
SLIDE = (1, 60_000, 60_000)


def words(source: Path, method: str, allowed: int) -> list[str]:
    target = source.with_name(f"{method}{''.join(source.suffixes)}")
    how = ["--method", method, "--max-memory", f"{allowed}M", *CAMERA]
    return ["restore", str(source), "-o", str(target), *how]


def forecast(command: list[str]) -> int:
    words = [sys.executable, "-m", "w2s_cli", *command, "--dry-run", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout)[0]["memory_bytes"]) >> 20


def held(command: list[str], folder: Path, allowed: int, title: str) -> int:
    """Return the forecast of a run in MiB, to which it keeps, and to the limit."""
    told = forecast(command)
    use = peak(command, folder, SECONDS)
    print(f"{title}: {use.mebibytes} of {told} MiB, {use.share:.1%}")
    assert use.code in (0, 143), use.said
    assert use.mebibytes <= min(allowed, 1.1 * told)
    return told


@pytest.mark.parametrize("method", ["gaussian", "denoise-fast"])
@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_follow_the_file(form, method, tmp_path) -> None:
    """What the heap keeps changes by 100 MiB from run to run; the forecast does not."""
    told = set()
    for name, shape in SHAPES.items():
        folder = tmp_path / name.replace(" ", "")
        folder.mkdir()
        command = words(make(form, folder, shape), method, LIMIT)
        told.add(held(command, folder, LIMIT, f"{form} {name} {method}"))
    assert len(told) == 1


@pytest.mark.parametrize(
    ("method", "allowed"), [("gaussian", LIMIT), ("denoise-fast", 2 * LIMIT)]
)
@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_follow_the_plane(form, method, allowed, tmp_path) -> None:
    command = words(make(form, tmp_path, SLIDE), method, allowed)
    held(command, tmp_path, allowed, f"{form} slide {method}")
