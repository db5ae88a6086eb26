"""Mutated files for every parser of the project, each in a process that is watched.

`python tests/quality/parser_fuzzing.py --minutes 30` writes what failed, and the files
that did it, into a folder.
"""

import argparse
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from itertools import count
from math import prod
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tifffile

from microscope_files import write_czi, write_lif, write_nd2
from w2s_cli.errors import W2SError

SECONDS = 10  # that a file may take
MEMORY = 1 << 30  # bytes beyond those of the program, or four times the file
_VALUES = (
    *(b"0", b"-1", b"1", b"65535", b"4294967296", b"-9223372036854775809", b"0.5"),
    *(b"1e308", b"1e-320", b"nan", b"inf", b"0x10", b"true", b"null", b'""', b"[1]"),
    *(b"{}", b"", b"\x00", b"\xff"),
)
_BYTES = (0, 1, 0x7F, 0x80, 0xFF)


@dataclass(frozen=True)
class Parser:
    """A function that reads a file, and files that it reads."""

    suffix: str
    read: Callable[[Path], object]
    seeds: Callable[[], list[bytes]]
    text: bool = False


def _read_image(path: Path) -> None:
    from w2s_cli.io import images_of, open_image, write_image

    images_of(path)
    with open_image(path) as stack:
        at = next(iter(stack.indices()))
        if prod(stack.data.shape) < 1 << 21:
            np.asarray(stack.data[at])
            write_image(stack, path.with_suffix(".again.tif"), overwrite=True)


def _read_noise(path: Path) -> None:
    from w2s_cli.io.noise_file import read_noise_models

    read_noise_models(path)


def _read_recipe(path: Path) -> None:
    from w2s_cli.training.recipe import check, load

    check(load(str(path)))


def _read_weights(path: Path) -> None:
    from w2s_cli.networks.rebuild import recognise
    from w2s_cli.weights.checkpoint import load

    recognise(load(path).state)


def _read_psf(path: Path) -> None:
    from w2s_cli.io.psf_file import read_psf

    read_psf(path)


def _read_zarr(path: Path) -> None:
    """Read an image of OME-Zarr, one text of whose metadata is that of the file."""
    content = path.read_bytes()
    folder = path.with_suffix(".ome.zarr")
    shutil.rmtree(folder, ignore_errors=True)
    place = "zarr.json" if b"node_type" in content else ".zattrs"
    if b'"chunks"' in content:
        place = "0/.zarray"
    elif b"chunk_grid" in content:
        place = "0/zarr.json"
    old = place.rpartition("/")[2].startswith(".")
    for name, whole in _zarr_files("0.4" if old else "0.5").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(whole)
    (folder / place).write_bytes(content)
    _read_image(folder)


@cache
def _zarr_files(version: str) -> dict[str, bytes]:
    """Return all files of a small image of OME-Zarr, by their names."""
    from w2s_cli.io.ome_zarr_writing import ZarrOutput
    from w2s_cli.stack import Channel, Stack

    stack = Stack(
        np.arange(2 * 8 * 9, dtype=np.uint16).reshape(2, 8, 9),
        "CYX",
        pixel_size={"Y": 0.1, "X": 0.1},
        channels=(Channel("a"), Channel("b")),
    )
    with TemporaryDirectory() as place:
        path = Path(place) / "x.ome.zarr"
        output = ZarrOutput.create(path, stack, version=version)
        for block in output.blocks:
            output.write(block, stack.data[block.index])
        output.finish()
        files = [file for file in path.rglob("*") if file.is_file()]
        return {str(file.relative_to(path)): file.read_bytes() for file in files}


def _zarr_texts() -> list[bytes]:
    names = {"0.4": (".zattrs", "0/.zarray"), "0.5": ("zarr.json", "0/zarr.json")}
    return [_zarr_files(one)[name] for one in names for name in names[one]]


def _tiffs() -> list[bytes]:
    pixels = np.arange(4 * 8 * 9, dtype=np.uint16).reshape(4, 8, 9)
    cases: list[dict[str, Any]] = [
        {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 0.3, "unit": "um"}},
        {"imagej": True, "metadata": {"axes": "CYX", "Labels": list("abcd")}},
        {"ome": True, "metadata": {"axes": "TYX", "PhysicalSizeX": 0.1}},
        {"ome": True, "metadata": {"axes": "CYX", "Channel": {"Name": list("abcd")}}},
        {"compression": "zlib", "tile": (16, 16), "predictor": True},
        {"bigtiff": True, "byteorder": ">"},
        {"metadata": {"axes": "QYX"}, "description": "ScanImage = 1\nSI.hStack = 2"},
    ]
    found = []
    for options in cases:
        file = io.BytesIO()
        tifffile.imwrite(file, pixels, photometric="minisblack", **options)
        found.append(file.getvalue())
    return found


def _npys() -> list[bytes]:
    found = []
    for array in (np.arange(72.0).reshape(8, 9), np.zeros((2, 8, 9), ">u2", order="F")):
        np.save(file := io.BytesIO(), array)
        found.append(file.getvalue())
    return found


def _of_microscopes(suffix: str) -> list[bytes]:
    pixels = np.arange(2 * 2 * 3 * 8 * 9, dtype=np.uint16).reshape(2, 2, 3, 8, 9)
    tiles = [
        (dict(zip("TCZX", place, strict=True)), pixels[place[:3]][..., None])
        for place in np.ndindex(2, 2, 3, 2)
    ]
    found = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"x{suffix}"
        for compression in (0, 6):
            if suffix == ".czi":
                write_czi(path, tiles, compression=compression)
            elif suffix == ".nd2":
                frames = np.moveaxis(pixels, 1, -1).copy()
                write_nd2(path, frames, "TZ", channels=("a", "b"))
            else:
                write_lif(path, {"a": ("TCZYX", pixels), "b": ("YX", pixels[0, 0, 0])})
            found.append(path.read_bytes())
    return found


def _kernels() -> list[bytes]:
    found = []
    for dtype in ("f8", ">u2"):
        weights = np.zeros((7, 9), dtype)
        weights[3, 4] = 1
        np.save(file := io.BytesIO(), weights)
        found.append(file.getvalue())
    return found


def _noises() -> list[bytes]:
    one = {"gain": 2.1, "offset": 100, "read_noise": 1.5}
    rows = [[0.0] * 3 + [1.0, 0.2, 0.0, 0.0], *([[0.0] * 7] * 3)]
    table = {"autocorrelation": rows}
    report = [{"source": "a.tif", "channels": [one | {"name": "1", "trusted": True}]}]
    forms = (one, {"channels": [one, one | table]}, report)
    return [json.dumps(form).encode() for form in forms]


def _recipes() -> list[bytes]:
    from w2s_cli.training import recipe

    folder = Path(recipe.__file__).with_name("recipes")
    return [path.read_bytes() for path in sorted(folder.glob("*.toml"))]


def _safetensors() -> list[bytes]:
    from safetensors.numpy import save

    tensors = {"a.weight": np.ones((2, 1, 3, 3), np.float16), "b": np.zeros(3, "f4")}
    return [save(tensors), save(tensors, {"w2s": json.dumps({"expects": "root"})})]


def _pickles() -> list[bytes]:
    import torch

    state = {"module.a.weight": torch.ones(2, 1, 3, 3), "module.b": torch.zeros(3)}
    found = []
    for zipped in (True, False):
        file = io.BytesIO()
        torch.save(
            {"model": state, "epoch": 3}, file, _use_new_zipfile_serialization=zipped
        )
        found.append(file.getvalue())
    return found


PARSERS = {
    "tiff": Parser(".tif", _read_image, _tiffs),
    "npy": Parser(".npy", _read_image, _npys),
    "noise": Parser(".json", _read_noise, _noises, text=True),
    "recipe": Parser(".toml", _read_recipe, _recipes, text=True),
    "safetensors": Parser(".safetensors", _read_weights, _safetensors),
    "pickle": Parser(".pth", _read_weights, _pickles),
    "psf": Parser(".npy", _read_psf, _kernels),
}
for _suffix, _library in ((".czi", "numpy"), (".nd2", "nd2"), (".lif", "liffile")):
    if find_spec(_library):
        _files = partial(_of_microscopes, _suffix)
        PARSERS[_suffix[1:]] = Parser(_suffix, _read_image, _files)
if find_spec("zarr"):
    PARSERS["zarr"] = Parser(".json", _read_zarr, _zarr_texts, text=True)


def mutants(parser: Parser, seed: int) -> Iterator[bytes]:
    """Yield files that were changed in one to four places, without end."""
    rng = random.Random(seed)
    seeds = parser.seeds()
    while True:
        content = rng.choice(seeds)
        for _ in range(rng.randint(1, 4)):
            words = parser.text or rng.random() < 0.5
            change = _change_words if words else _change_bytes
            content = change(content, rng)
        yield content


def _change_bytes(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return content
    at = rng.randrange(len(content))
    if rng.random() < 0.5:  # most of what is parsed is at the start, or at the end
        at = min(at, rng.randrange(512)) if rng.random() < 0.7 else -1 - at // 4
    at %= len(content)
    kind = rng.randrange(6)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[at + rng.randint(1, 8) :]
    if kind == 2:
        length = rng.randint(1, 64)
        return content[:at] + content[at : at + length] * 2 + content[at + length :]
    if kind == 3:
        number = rng.choice((0, 1, 2**16 - 1, 2**31, 2**32 - 1, len(content), at))
        number = struct.pack(rng.choice("<>") + "I", number)
        return content[:at] + number + content[at + 4 :]
    value = rng.choice(_BYTES) if kind == 4 else content[at] ^ (1 << rng.randrange(8))
    return content[:at] + bytes([value]) + content[at + 1 :]


def _change_words(content: bytes, rng: random.Random) -> bytes:
    """Change a number, a name or a pair of brackets of any text in a file."""
    words = [*re.finditer(rb"-?\d[\d.e]*|[A-Za-z_]{2,}|[\"'\[\]{}<>=:,\n]", content)]
    if not words:
        return content
    word = rng.choice(words)
    other = rng.choice(words)[0]
    new = rng.choice((*_VALUES, other))
    if rng.random() < 0.02:
        new = b"[" * 20_000
    # A TIFF has its text at fixed places: as long as before, as often as not
    if rng.random() < 0.5:
        new = new[: len(word[0])].ljust(len(word[0]))
    return content[: word.start()] + new + content[word.end() :]


def fault_of(parser: Parser, path: Path) -> str:
    """Return what went wrong with reading a file, "" where it was read or refused."""

    def stop(number: int, frame: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = used + max(MEMORY, 4 * path.stat().st_size)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser.read(path)
    except W2SError as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, MemoryError | TimeoutError):
            return f"{type(cause).__name__}: {error}"
    except OSError as error:
        if isinstance(error, TimeoutError) or not error.filename:
            return "".join(traceback.format_exception(error))
    except BaseException as error:
        return "".join(traceback.format_exception(error))
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return ""


def fuzz(name: str, seed: int, seconds: float, kept: Path, most: int = 0) -> None:
    """Read mutants of one parser, and keep those that fail, once for each place.

    They are `most` at the most, where that is not 0.
    """
    parser = PARSERS[name]
    end = time.monotonic() + seconds
    found: Counter[str] = Counter()
    number = 0
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"x{parser.suffix}"
        for number, content in zip(count(1), mutants(parser, seed), strict=False):
            if time.monotonic() > end or (most and number > most):
                break
            path.write_bytes(content)
            if fault := fault_of(parser, path):
                place = re.sub(r"\d+", "N", "".join(fault.splitlines()[-4:]))
                found[place] += 1
                if found[place] == 1:
                    case = kept / f"{name}-{seed}-{number}"
                    case.with_suffix(parser.suffix).write_bytes(content)
                    case.with_suffix(".txt").write_text(fault)
    (kept / f"{name}-{seed}.json").write_text(
        json.dumps({"files": number - 1, "faults": found})
    )


def run(
    names: list[str], seed: int, seconds: float, kept: Path, most: int = 0
) -> dict[str, dict[str, Any]]:
    """Return how many files each parser read, and what failed how often."""
    kept.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in names:
        process = get_context("spawn").Process(
            target=fuzz, args=(name, seed, seconds / len(names), kept, most)
        )
        process.start()
        process.join()
        told = kept / f"{name}-{seed}.json"
        crashed = {"files": 0, "faults": {f"the process ended: {process.exitcode}": 1}}
        found[name] = json.loads(told.read_text()) if told.exists() else crashed
    return found


def main() -> int:
    """Run from the command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--seed", type=int, default=int(time.time()))
    asked.add_argument("--only", nargs="*", default=[*PARSERS])
    asked.add_argument("--folder", type=Path, default=Path("fuzzing"))
    given = asked.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    found = run(given.only, given.seed, given.minutes * 60, given.folder)
    print(json.dumps(found, indent=2))
    return any(one["faults"] for one in found.values())


if __name__ == "__main__":
    sys.exit(main())
