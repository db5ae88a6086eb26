"""How much memory a restoration takes: large files that hardly take disk, and the peak.

`python tests/quality/memory_use.py --method gaussian --max-memory 1G` prints a row for
each format and size. A run is ended after some seconds: the row says at what share.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import imagecodecs
import numpy as np
import tifffile

from batch_costs import link_to
from w2s_cli.io import write_image
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.stack import Stack

SIDE, TILE = 2048, 512
NOISY = 64 << 20  # bytes at the start of an array that are no hole
FORMS = ("strips", "tiles", "npy", "zarr")
CAMERA = ("--gain", "2", "--offset", "100", "--read-noise", "3", "--device", "cpu")
"""What a run is told: in holes no noise can be measured."""

# The program, which says at its end what it took at most.
_RUN = """
import atexit, re, sys
from pathlib import Path
told = Path(sys.argv.pop())
def tell():
    status = Path("/proc/self/status").read_text()
    told.write_text(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
atexit.register(tell)
from w2s_cli.cli import main, progress
progress.EVERY = 1
main()
"""


@dataclass(frozen=True)
class Use:
    """What a run took."""

    mebibytes: int  # at most, resident
    share: float  # of the tiles that were done
    code: int
    said: str


def plane(side: int = SIDE, dtype: str = "uint16") -> np.ndarray:
    """Return cells in the noise of a camera."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    light = 60 + 50 * np.sin(y / 19) * np.sin(x / 15)
    noisy = NoiseModel(2.0, 100.0, 3.0).sample(light, np.random.default_rng(0))
    return noisy.round().astype(dtype)


def make(form: str, folder: Path, shape: tuple[int, int, int]) -> Path:
    """Write an image of so many planes of so many pixels, which takes little disk."""
    if form == "strips":
        path = folder / "a.tif"
        tifffile.imwrite(path, shape=shape, dtype="uint16", bigtiff=True)
        _fill(tifffile.memmap(path))
    elif form == "npy":
        path = folder / "a.npy"
        _fill(np.lib.format.open_memmap(path, "w+", "uint16", shape))
    elif form == "tiles":
        path = folder / "a.tif"
        _write_tiles(path, shape)
    else:
        path = folder / "a.ome.zarr"
        _write_zarr(path, shape)
    return path


def _fill(pixels: np.ndarray) -> None:
    """Put noise into the first rows, as far as it takes no more than `NOISY`."""
    rows = pixels.reshape(-1, pixels.shape[-1])
    one = plane()
    one = np.tile(one, (1, -(-rows.shape[1] // SIDE)))[:, : rows.shape[1]]
    for start in range(0, min(len(rows), NOISY // rows[0].nbytes), SIDE):
        part = rows[start : start + SIDE]
        part[...] = one[: len(part)]


def _write_tiles(path: Path, shape: tuple[int, int, int]) -> None:
    """Write a TIFF all of whose tiles are at one place."""
    content = imagecodecs.zstd_encode(plane(TILE).tobytes(), level=3)
    across = [-(-side // TILE) for side in shape[1:]]
    count = across[0] * across[1]
    tiles = (content if n == 0 else b"0" for n in range(shape[0] * count))
    how = {"tile": (TILE, TILE), "compression": "zstd", "photometric": "minisblack"}
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        file.write(tiles, shape=shape, dtype="uint16", metadata=None, **how)
    with tifffile.TiffFile(path, mode="r+b") as file:
        at = file.pages.first.dataoffsets[0]
        for page in file.pages:
            page.tags["TileOffsets"].overwrite([at] * count, dtype="Q")
            page.tags["TileByteCounts"].overwrite([len(content)] * count, dtype="Q")


def _write_zarr(path: Path, shape: tuple[int, int, int]) -> None:
    """Write an OME-Zarr all of whose shards are one file."""
    import zarr

    write_image(Stack(plane()[None], "TYX"), path)
    group = zarr.open_group(path, mode="r+")
    for name in {*group.array_keys()} - {"0"}:
        shutil.rmtree(path / name)
    shard, chunks = path / "0" / "shard", path / "0" / "c"
    (chunks / "0" / "0" / "0").rename(shard)
    shutil.rmtree(chunks)
    across = [-(-side // SIDE) for side in shape[1:]]
    names = [chunks / "/".join(map(str, at)) for at in np.ndindex(shape[0], *across)]
    for folder in {name.parent for name in names}:
        folder.mkdir(parents=True)
    link_to(shard, names)
    array = path / "0" / "zarr.json"
    said = json.loads(array.read_text())
    array.write_text(json.dumps({**said, "shape": shape}))
    attributes = group.attrs.asdict()
    del attributes["ome"]["multiscales"][0]["datasets"][1:]
    group.attrs.put(attributes)


def peak(words: Sequence[str], folder: Path, seconds: float = 1e9) -> Use:
    """Run the program, end it after so many seconds, and return what it took."""
    last, log = folder / "peak", folder / "log"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("w") as heard:
        child = subprocess.Popen(
            [sys.executable, "-c", _RUN, *words, last], stderr=heard, env=environment
        )
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGTERM)
            child.wait(60)
    said = log.read_text()
    counted = re.findall(r"(\d+) of (\d+), about", said)
    share = int(counted[-1][0]) / int(counted[-1][1]) if counted else 0.0
    if child.returncode == 0:
        share = 1.0
    return Use(int(last.read_text()) >> 10, share, child.returncode, said)


def main() -> None:
    """Run from the command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--method", nargs="+", default=["gaussian", "denoise-fast"])
    asked.add_argument("--max-memory", default="1G")
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--forms", nargs="+", default=FORMS)
    asked.add_argument("--planes", type=int, nargs="+", default=[8, 64, 512, 2560])
    asked.add_argument("--side", type=int, default=SIDE)
    given = asked.parse_args()
    for form in given.forms:
        for planes in given.planes:
            with TemporaryDirectory() as name:
                folder = Path(name)
                shape = (planes, given.side, given.side)
                source = make(form, folder, shape)
                for method in given.method:
                    target = folder / f"{method}{''.join(source.suffixes)}"
                    words = ["restore", source, "-o", target, "--method", method]
                    words += ["--max-memory", given.max_memory, *CAMERA]
                    use = peak([*map(str, words)], folder, given.seconds)
                    print(
                        f"{form:7}{planes:5} x {given.side} {method:13}"
                        f"{use.mebibytes:6} MiB {use.share:7.1%}  exit {use.code}"
                        f"{'' if use.code in (0, 143) else use.said[-300:]}",
                        flush=True,
                    )
                    shutil.rmtree(target) if target.is_dir() else target.unlink(True)


if __name__ == "__main__":
    main()
