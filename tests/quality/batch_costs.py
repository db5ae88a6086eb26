"""What a batch costs beside its pixels: a file, very many files, and several workers.

`python tests/quality/batch_costs.py [steps] [many] [methods] [workers]` prints figures
for man/w2s-batch.md. CPU seconds are user and system time of all processes, so that
other work on the machine changes them little.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import tifffile

W2S = [sys.executable, "-m", "w2s_cli"]
SHARDS = 100
METHODS = ("gaussian", "pure-let", "denoise-fast", "jdsr-fast", "jdsr", "denoise")


def tiny(path: Path, side: int = 16) -> None:
    pixels = np.random.default_rng(0).integers(0, 999, (side, side)).astype(np.uint16)
    tifffile.imwrite(path, pixels)


def links(folder: Path, count: int) -> None:
    """Make a folder of so many tiny images, which are alike."""
    folder.mkdir()
    tiny(one := folder.with_suffix(".tif"))
    link_to(one, [folder / f"{number:07}.tif" for number in range(count)])


def link_to(one: Path, names: Sequence[Path]) -> None:
    """Give a file, and copies of it, other names: a file has a few 10,000 at most."""
    for number, name in enumerate(names):
        if number % 30_000 == 0:
            shutil.copy(one, held := one.with_name(f"held{number}"))
        os.link(held, name)
        if number % 30_000 == 29_999 or number == len(names) - 1:
            held.unlink()
    one.unlink()


@contextmanager
def timed(name: str, count: int, unit: str = "ms CPU a file") -> Iterator[None]:
    before = time.process_time()
    yield
    spent = (time.process_time() - before) / count * 1000
    print(f"  {name:34} {spent:8.3f} {unit}", flush=True)


def steps(count: int) -> None:
    """Print what the steps of a tiny file cost, in one process."""
    from w2s_cli.batch.resume import restore_missing
    from w2s_cli.io.fingerprints import input_hash, is_whole
    from w2s_cli.pipeline.file_restoration import restore_file
    from w2s_cli.pipeline.request import request
    from w2s_cli.pipeline.spec import RestoreSpec

    spec = RestoreSpec("identity")
    chain = spec.chain()
    links(Path("raw"), count + 1)
    Path("out").mkdir()
    first, *sources = sorted(Path("raw").iterdir())
    restore_file(spec, chain, first, Path("out", first.name))  # imports
    pairs = [(one, Path("out", one.name)) for one in sources]
    print(f"{count} files of 16 x 16, identity")
    with timed("opened", count):
        for source, _ in pairs:
            with spec.opened(source):
                pass
    with timed("request", count):
        for source, _ in pairs:
            request(spec, chain, source)
    with timed("hash of the input", count):
        for source, _ in pairs:
            input_hash([source])
    with timed("restored, a new file", count):
        for source, target in pairs:
            restore_file(spec, chain, source, target)
    with timed("restored with --resume, a new file", count):
        for source, target in pairs:
            target.unlink()
            restore_missing(spec, chain, source, target, folder=Path("out"))
    with timed("its fingerprint, of a file", count):
        for _, target in pairs:
            assert is_whole(target)
    with timed("kept with --resume", count):
        for source, target in pairs:
            restore_missing(spec, chain, source, target, folder=Path("out"))


def many(count: int) -> None:
    """Print what very many files cost before and after the work, a process each."""
    for part in (count // 4, count):
        shutil.rmtree("raw", ignore_errors=True)
        shutil.rmtree("out", ignore_errors=True)
        links(Path("raw"), part)
        print(f"{part} files: CPU s, MB")
        for one in ("listed", "journals", "status"):
            subprocess.run([sys.executable, __file__, "--one", one], check=True)
        size = sum(path.stat().st_size for path in Path("out/.w2s").iterdir())
        print(f"  journals: {size / part:.0f} bytes a file")


def listed() -> None:
    from w2s_cli.batch.file_pairs import left, paired

    pairs = paired([Path("raw")], "out/")
    left([Path("raw")], output=Path("out"))
    assert len(pairs) == len([*Path("raw").iterdir()])


def journals() -> None:
    """Write the journals of so many shards, as if all were done."""
    from w2s_cli.batch.file_pairs import paired
    from w2s_cli.batch.journal import Journal
    from w2s_cli.batch.naming import Shard
    from w2s_cli.pipeline.file_restoration import restore_file
    from w2s_cli.pipeline.spec import RestoreSpec

    pairs, spec = paired([Path("raw")], "out/"), RestoreSpec("identity")
    Path("out").mkdir()
    report = restore_file(spec, spec.chain(), pairs[0][0], Path("out.tif"))
    link_to(Path("out.tif"), [target for _, target in pairs])
    for number in range(1, SHARDS + 1):
        shard, journal = Shard(number, SHARDS), Journal(Path("out"))
        own = shard.share(pairs)
        journal.begin(pairs, own, shard)
        for source, target in own:
            journal.write(replace(report, source=source, target=target))
        journal.end()


def status() -> None:
    from w2s_cli.batch.batch_status import batch_status

    assert batch_status(Path("out")).complete


ONE: dict[str, Callable[[], None]] = {
    "listed": listed,
    "journals": journals,
    "status": status,
}


def one_of_many(name: str) -> None:
    before = time.process_time()
    ONE[name]()
    spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"  {name:10} {spent:8.2f} {peak:6}", flush=True)


def methods(side: int) -> None:
    """Print what each method costs that ships, in one process with one thread."""
    import torch

    from w2s_cli.pipeline.file_restoration import restore_file
    from w2s_cli.pipeline.spec import RestoreSpec

    torch.set_num_threads(1)
    light = np.random.default_rng(0).poisson(60.0, (side, side))
    tifffile.imwrite("a.tif", (2 * light + 100).astype(np.uint16))
    scale = 2048**2 / side**2 * 1e6 / 3600
    print(f"{side} x {side}; a million images of 2048 x 2048, by the pixel")
    for name in METHODS:
        spec = RestoreSpec(name, overwrite=True, device="cpu")
        chain, before = spec.chain(), time.process_time()
        restore_file(spec, chain, Path("a.tif"), Path("b.tif"))
        spent = time.process_time() - before
        print(f"  {name:14} {spent:7.2f} s CPU {spent * scale:9.0f} core hours")


def workers(rounds: int) -> None:
    """Print seconds of 1 and 2 workers, in turns, and their ratio."""
    Path("raw").mkdir()
    for number in range(24):
        tiny(Path("raw", f"{number}.tif"), 512)
    kinds = {"one process": [], "--jobs 2": ["--jobs", "2"]}
    if find_spec("distributed"):
        kinds |= {f"--dask local:{n}": ["--dask", f"local:{n}"] for n in (1, 2)}
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, words in kinds.items():
            shutil.rmtree("out", ignore_errors=True)
            before, start = os.times(), time.perf_counter()
            method = ["--method", "median", "-O", "size=9", "--quiet"]
            given = [*W2S, "restore", "raw", "-o", "out", *method, *words]
            subprocess.run(given, check=True)
            after, wall = os.times(), time.perf_counter() - start
            cpu = after.children_user - before.children_user
            cpu += after.children_system - before.children_system
            found[kind].append((wall, cpu))
    print(f"24 files of 512 x 512, median of 9 x 9, {rounds} rounds, medians;")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for kind, each in found.items():
        wall, cpu = (median(one) for one in zip(*each, strict=True))
        print(f"  {kind:16} wall {wall:6.1f} s, CPU {cpu:6.1f} s")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument(
        "what", nargs="*", default=["steps", "many", "methods", "workers"]
    )
    words.add_argument("--files", type=int, default=0, help="of steps, or of many")
    words.add_argument("--rounds", type=int, default=3, help="of workers")
    words.add_argument("--side", type=int, default=1024, help="of methods")
    words.add_argument("--one", help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.one:
        one_of_many(asked.one)
        return
    for what in asked.what:
        with TemporaryDirectory() as folder, chdir(folder):
            if what == "steps":
                steps(asked.files or 200)
            elif what == "many":
                many(asked.files or 100_000)
            elif what == "methods":
                methods(asked.side)
            else:
                workers(asked.rounds)


if __name__ == "__main__":
    main()
