"""Memory follows the plane, never the file."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from w2s_cli.io import open_image, write_image
from w2s_cli.stack import Stack


class Generated:
    """Planes of 4 MiB, made when they are asked for: 64 MiB in all."""

    shape = (2, 8, 1448, 1448)
    dtype = np.dtype(np.uint16)

    def __getitem__(self, index):
        return np.full((1448, 1448), 100 * index[0] + index[1], np.uint16)


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("a.tif", {}),
        ("a.tif", {"format": "ImageJ TIFF"}),
        ("a.tif", {"compression": "zstd", "predictor": True}),
        ("a.npy", {}),
    ],
)
def test_streaming(tmp_path, name, extra):
    path = tmp_path / name
    tracemalloc.start()
    try:
        write_image(Stack(Generated(), "TZYX", extra=extra), path)
        with open_image(path) as stack:
            for index in stack.indices():
                assert stack.data[index][7, 9] == 100 * index[0] + index[1]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


def test_the_package_alone_loads_no_format():
    code = "import sys, w2s_cli.io; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"tifffile", "PIL", "imagecodecs", "torch", "scipy"}
