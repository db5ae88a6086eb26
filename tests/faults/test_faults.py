"""Whatever happens to a batch: nothing is lost, half-written or done twice.

A folder of eight images of all formats is restored and hit at a random moment; what is
there then must be whole, and the same command must complete it to what one clean run
makes, to the byte. `pytest -m faults -n 0 -rP` does over 200 injections and counts.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.io import write_image
from w2s_cli.stack import Stack

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0,
    reason="it forks, and becomes another user",
)

NOBODY = 65534
WORDS = [
    *("restore", "raw", "-o", "out", "--recursive", "--resume"),
    *("--method", "median", "-O", "size=5", "--quiet"),
]


def injections(few: int, many: int) -> pytest.MarkDecorator:
    """Give a test a few injections, and many where faults are asked for."""
    counts = [few, pytest.param(many, marks=pytest.mark.faults)]
    return pytest.mark.parametrize("count", counts)


def image(seed: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(90, 900, shape or (2, 96, 80)).astype(np.uint16)


def make_inputs(raw: Path) -> None:
    """Write images of all formats, in a tree."""
    (raw / "plate" / "well").mkdir(parents=True)
    for number in range(3):
        tifffile.imwrite(raw / f"{number}.tif", image(number), imagej=True)
    write_image(Stack(image(3, 2, 2, 64, 64), "TCYX"), raw / "plate" / "two.ome.tif")
    write_image(Stack(image(4, 64, 64), "YX"), raw / "plate" / "0.png")
    write_image(Stack(image(5, 64, 64), "YX"), raw / "plate" / "0.npy")
    tifffile.imwrite(raw / "plate" / "well" / "0.tif", image(6), compression="zlib")
    # An image in two files
    named = [raw / "plate" / "well" / f"set_{n}.ome.tif" for n in range(2)]
    data = image(7, 2, 64, 64)
    for number, path in enumerate(named):
        blocks = "".join(
            f'<TiffData FirstT="{at}" IFD="0"><UUID FileName="{one.name}">'
            f"urn:uuid:{at}</UUID></TiffData>"
            for at, one in enumerate(named)
        )
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{number}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            'DimensionOrder="XYCZT" Type="uint16" SizeX="64" SizeY="64" SizeC="1" '
            f'SizeZ="1" SizeT="2">{blocks}</Pixels></Image></OME>'
        )
        tifffile.imwrite(path, data[number], description=xml, metadata=None)


OUTPUTS = 8  # of the inputs above: two of the nine files are one image


class Forks:
    """Runs of the program: see `forks.py`."""

    def __init__(self, raw: Path) -> None:
        self._server = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("forks.py"), raw],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def _ask(self, **order: object) -> int:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def start(self, folder: Path, *words: str, user: int = 0, most: int = 0) -> int:
        given = {"words": words or WORDS, "user": user, "most": most}
        return self._ask(folder=str(folder), log=str(folder / "log"), **given)

    def wait(self, process: int) -> int:
        return self._ask(wait=process)

    def run(self, folder: Path, *words: str, **how: int) -> int:
        return self.wait(self.start(folder, *words, **how))

    def end(self) -> None:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()


@dataclass
class Bench:
    """A place to restore in, what comes out of it, and what was counted."""

    forks: Forks
    template: Path  # inputs, and the outputs of a clean run
    seconds: float  # that a clean run takes
    place: Path
    number: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=lambda: random.Random(0))

    def fresh(self) -> Path:
        """Return a folder with the inputs."""
        folder = self.place / str(self.number)
        self.number += 1
        shutil.copytree(self.template / "raw", folder / "raw")
        return folder

    @property
    def clean(self) -> dict[str, bytes]:
        return contents(self.template / "out")

    def moment(self, longest: float = 1.1) -> None:
        """Wait for a random time of a run."""
        time.sleep(self.dice.uniform(0, longest * self.seconds))

    def check_whole(self, folder: Path) -> None:
        """See that what is there is as a clean run makes it."""
        for name, content in contents(folder / "out").items():
            assert content == self.clean[name], f"{name} is half-written"

    def check_completed(self, folder: Path, code: int = 0) -> None:
        """Run again, and see that all is as one clean run makes it."""
        assert self.forks.run(folder) == code, (folder / "log").read_text()
        assert contents(folder / "out") == self.clean
        left = [path for path in folder.rglob(".w2s-*") if path.name != ".w2s"]
        assert not left, "temporary files stay"
        assert contents(folder / "raw") == contents(self.template / "raw")
        assert "Traceback" not in (folder / "log").read_text()

    def check_once(self, folder: Path) -> None:
        """See that no output was made more than once."""
        made = Counter(
            event["target"]
            for path in (folder / "out" / ".w2s").glob("*.jsonl")
            for line in path.read_text().splitlines()
            if line.endswith("}") and (event := json.loads(line))["event"] == "done"
        )
        assert max(made.values(), default=1) == 1, made


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files in a tree, without the journals and what is hidden."""
    if not folder.is_dir():
        return {}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "/.w2s" not in str(path)
    }


@pytest.fixture(scope="module")
def template(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Forks, Path, float]]:
    folder = tmp_path_factory.mktemp("template")
    folder.chmod(0o755)
    make_inputs(folder / "raw")
    forks = Forks(folder / "raw")
    assert forks.run(folder) == 0, (folder / "log").read_text()
    shutil.move(folder / "out", folder / "first")
    begun = time.perf_counter()
    assert forks.run(folder) == 0
    seconds = time.perf_counter() - begun
    assert contents(folder / "first") == contents(folder / "out")
    assert len(contents(folder / "out")) == OUTPUTS
    yield forks, folder, seconds
    forks.end()


@pytest.fixture
def bench(template: tuple[Forks, Path, float], count: int) -> Iterator[Bench]:
    # Where another user can go, unlike the folders of pytest
    with tempfile.TemporaryDirectory(prefix="w2s-faults-") as folder:
        Path(folder).chmod(0o755)
        found = Bench(*template, Path(folder), dice=random.Random(count))
        yield found
    print(dict(found.counts))


def stopped(bench: Bench, number: signal.Signals, code: int) -> None:
    """Stop a run up to three times, each at a random moment, and complete it."""
    folder = bench.fresh()
    for _ in range(bench.dice.randint(1, 3)):
        process = bench.forks.start(folder)
        bench.moment()
        os.kill(process, number)
        ended = bench.forks.wait(process)
        # Python dies of SIGTERM until the program hears it.
        assert ended in (code, 0, -number), (folder / "log").read_text()
        bench.counts["hit" if ended else "too late"] += 1
        bench.check_whole(folder)
    if number != signal.SIGKILL:
        assert not [*folder.rglob(".w2s-*")], "temporary files stay"
    bench.check_completed(folder)
    bench.check_once(folder)


@injections(1, 40)
def test_killed(bench: Bench, count: int) -> None:
    for _ in range(count):
        stopped(bench, signal.SIGKILL, -9)


@injections(1, 25)
def test_terminated(bench: Bench, count: int) -> None:
    for _ in range(count):
        stopped(bench, signal.SIGTERM, 143)


@injections(1, 25)
def test_interrupted(bench: Bench, count: int) -> None:
    for _ in range(count):
        stopped(bench, signal.SIGINT, 130)


@injections(1, 20)
def test_two_at_once(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        both = [bench.forks.start(folder)]
        bench.moment()
        both.append(bench.forks.start(folder))
        assert [bench.forks.wait(one) for one in both] == [0, 0]
        bench.counts["two at once"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)


@injections(1, 15)
def test_shards_at_once_one_killed(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        parts = [
            bench.forks.start(folder, *WORDS, "--shard", f"{number}/3")
            for number in (1, 2, 3)
        ]
        bench.moment(0.6)
        os.kill(bench.dice.choice(parts), signal.SIGKILL)
        ended = [bench.forks.wait(one) for one in parts]
        assert {*ended} <= {0, -9}
        bench.counts["shard killed" if -9 in ended else "too late"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)


@injections(1, 15)
def test_files_too_large_for_the_quota(bench: Bench, count: int) -> None:
    """A limit on the size of a file, as some clusters have it, fails what is larger."""
    for _ in range(count):
        folder = bench.fresh()
        code = bench.forks.run(folder, most=bench.dice.randint(5_000, 40_000))
        assert code in (0, 1, 7), (folder / "log").read_text()
        bench.counts["failed" if code else "fitted"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)


@pytest.mark.faults
@pytest.mark.parametrize("count", [20])
def test_full_disk(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        (folder / "out").mkdir()
        size = bench.dice.randint(12, 150) * 1024
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder / "out"]
        if subprocess.run(words, check=False, capture_output=True).returncode:
            pytest.skip("no small disk can be had")
        try:
            code = bench.forks.run(folder)
            said = (folder / "log").read_text()
            assert code in (0, 7), said
            assert not code or "the disk is full" in said
            bench.counts["full" if code else "fitted"] += 1
            bench.check_whole(folder)
            subprocess.run(
                ["mount", "-o", "remount,size=9m", folder / "out"], check=True
            )
            bench.check_completed(folder)
        finally:
            subprocess.run(["umount", folder / "out"], check=True)


@injections(1, 15)
def test_folder_becomes_read_only(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        (folder / "out").mkdir()
        (folder / "log").touch()
        for path in (folder / "out", folder / "log"):
            os.chown(path, NOBODY, NOBODY)
        process = bench.forks.start(folder, user=NOBODY)
        bench.moment()
        folders = [path for path in (folder / "out").rglob("*") if path.is_dir()]
        for path in (folder / "out", *folders):
            os.chown(path, 0, 0)
            path.chmod(0o755)
        code = bench.forks.wait(process)
        assert code in (0, 1, 7), (folder / "log").read_text()
        bench.counts["failed" if code else "too late"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        assert bench.forks.run(folder, user=NOBODY) == 0  # all is there


def cut(path: Path, bench: Bench) -> None:
    os.truncate(path, bench.dice.randrange(path.stat().st_size))


def swap(path: Path, bench: Bench) -> None:
    """Replace by another image, of the same size and time."""
    times = path.stat()
    other = path.with_name(".other")
    content = bytearray(path.read_bytes())
    content[-500:-400] = bytes(100)
    other.write_bytes(content)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)


def remove(path: Path, bench: Bench) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [cut, swap, remove])
@injections(1, 10)
def test_inputs_change(
    bench: Bench, count: int, spoil: Callable[[Path, Bench], None]
) -> None:
    for _ in range(count):
        folder = bench.fresh()
        name = bench.dice.choice(["0.tif", "2.tif", "plate/well/0.tif"])
        process = bench.forks.start(folder)
        bench.moment()
        spoil(folder / "raw" / name, bench)
        code = bench.forks.wait(process)
        assert code in (0, 1), (folder / "log").read_text()
        bench.counts[f"{spoil.__name__}: {'failed' if code else 'read before'}"] += 1
        # An output is of the old content, or of the new one.
        changed = contents(folder / "out").pop(name, b"")
        if changed and changed != bench.clean[name]:
            assert bench.forks.run(folder) in (0, 1)
            assert contents(folder / "out")[name] == changed
        shutil.copy2(bench.template / "raw" / name, folder / "raw" / name)
        bench.check_completed(folder)


def flip(path: Path, bench: Bench) -> None:
    content = bytearray(path.read_bytes())
    content[bench.dice.randrange(len(content))] ^= 1 << bench.dice.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [cut, flip, remove])
@injections(1, 10)
def test_outputs_are_spoilt(
    bench: Bench, count: int, spoil: Callable[[Path, Bench], None]
) -> None:
    folder = bench.fresh()
    bench.check_completed(folder)
    for _ in range(count):
        name = bench.dice.choice(sorted(bench.clean))
        spoil(folder / "out" / name, bench)
        bench.check_completed(folder)
        bench.counts[spoil.__name__] += 1


@pytest.mark.faults
@pytest.mark.parametrize("count", [10])
def test_workers_are_killed(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        running = subprocess.Popen(
            [sys.executable, "-m", "w2s_cli", *WORDS, "--jobs", "2"],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not contents(folder / "out") and time.monotonic() < deadline:
            time.sleep(0.01)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
        with suppress(ProcessLookupError):
            os.kill(int(bench.dice.choice(children.split())), signal.SIGKILL)
        _, said = running.communicate(timeout=120)
        assert running.returncode in (0, 1), said
        assert not running.returncode or "ended by signal 9" in said
        bench.counts["worker killed" if running.returncode else "idle"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)


@pytest.mark.faults
@pytest.mark.parametrize("count", [10])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_with_workers_is_stopped(
    bench: Bench, count: int, number: signal.Signals
) -> None:
    for _ in range(count):
        folder = bench.fresh()
        running = subprocess.Popen(
            [sys.executable, "-m", "w2s_cli", *WORDS, "--jobs", "2"],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        deadline = time.monotonic() + 60
        while not contents(folder / "out") and time.monotonic() < deadline:
            time.sleep(0.01)
        bench.moment(0.3)
        running.send_signal(number)
        running.wait(60)
        bench.counts["stopped" if running.returncode else "too late"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)
