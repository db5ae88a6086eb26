"""Every method timed at every size, each method in a process of its own."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal, Self

import numpy as np

from w2s_cli import __version__
from w2s_cli.bench.machine import busy, load, machine
from w2s_cli.bench.timing import MethodSpeed, SpeedConfig, measure, peak
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io.atomic_files import replacing
from w2s_cli.io.text_files import read_json
from w2s_cli.methods import AUTOMATIC, METHODS, PluginEntry
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.plane_sampling import sample_squares
from w2s_cli.microscope.simulation import CAMERA, camera_counts, simulate_scene

KIND = "w2s speed"
_TOO_GOOD = 1.05  # a share of the peak that no network can reach

NOTABLE = 1.1  # a ratio that a timing on an idle machine does not show by chance
SIZES = (512, 1024, 2048)
_SMALLEST, _LARGEST = 64, 16384
_CELL = 512  # pixels along a simulated cell: larger ones take longer than the methods


@dataclass(frozen=True)
class SpeedResult:
    """What methods have taken on one machine."""

    rows: Sequence[MethodSpeed]  # one a method and size
    peaks: Mapping[str, float]  # GFLOP/s of convolutions by precision
    # seconds that the estimate of the noise takes, by the side of the plane
    estimates: Mapping[int, float]
    machine: Mapping[str, Any]  # see `w2s_cli.bench.machine.machine`
    # device, precision, tile and options
    settings: Mapping[str, Any]
    # processes that computed in the minute before; None where it is unknown
    load: float | None
    date: str  # when, in ISO 8601
    version: str = __version__  # of the program

    @property
    def failed(self) -> list[MethodSpeed]:
        """Return the rows that could not be measured."""
        return [row for row in self.rows if row.error]

    @property
    def remarks(self) -> list[str]:
        """Return what speaks against taking the figures at their word, a line each."""
        remarks = []
        if busy(self.load):
            remarks.append(
                f"the machine was busy when this began (load {self.load:.1f}): the "
                "timings are not to be trusted"
            )
        for row in self.rows:
            if row.error or row.note:
                where = f"{row.method} at {row.side} pixels"
                remarks.append(f"{where}: {row.error or row.note}")
        for row in self.rows:
            if (row.share(self.peaks) or 0) > _TOO_GOOD:
                remarks.append(
                    f"{row.method} at {row.side} pixels reached "
                    f"{row.share(self.peaks):.2f} of the peak, which was mismeasured "
                    "then: measure again while nothing else runs"
                )
        return remarks

    def as_json(self) -> dict[str, Any]:
        """Return all of it as a JSON object."""
        whole = asdict(self)
        rows = [row.as_json(self.peaks) for row in self.rows]
        return {"kind": KIND, **whole, "rows": rows, "remarks": self.remarks}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return what `as_json` was made from."""
        if found["kind"] != KIND:
            raise ValueError(found["kind"])
        load = found["load"]
        return cls(
            [MethodSpeed.from_json(row) for row in found["rows"]],
            dict(found["peaks"]),
            {int(side): took for side, took in found["estimates"].items()},
            dict(found["machine"]),
            dict(found["settings"]),
            None if load is None else float(load),
            found["date"],
            found["version"],
        )


def read_speeds(path: Path) -> SpeedResult:
    """Return what an earlier measurement has written."""
    try:
        return SpeedResult.from_json(read_json(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is not what `{KIND}` writes",
            hint=f"write one with `{KIND} -o FILE.json`",
        ) from error


def write_speeds(result: SpeedResult, path: Path, *, overwrite: bool) -> None:
    """Write a file for `read_speeds`, whole or not at all."""
    text = json.dumps(result.as_json(), indent=2, allow_nan=False)
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def shipped() -> list[str]:
    """Return the methods that need nothing but an image."""
    own = (
        entry
        for entry in METHODS
        if not isinstance(entry, PluginEntry) and "published" not in entry.target
    )
    return [entry.name for entry in own if entry.name not in AUTOMATIC]


def run_speed(
    configs: Sequence[SpeedConfig],
    sizes: Sequence[int] = SIZES,
    *,
    on_row: Callable[[str], None] = lambda name: None,
    on_done: Callable[[], None] = lambda: None,
) -> SpeedResult:
    """Return what each method takes on simulated planes of each size."""
    for side in sizes:
        if not _SMALLEST <= side <= _LARGEST:
            raise UsageError(
                f"a plane of {side} pixels a side cannot be timed",
                hint=f"sizes are from {_SMALLEST} to {_LARGEST} pixels",
            )
    busy_before = load()
    for config in configs:
        config.chain()  # complains of it now, not after minutes
    peaks: dict[str, float] = {}
    rows = []
    with _planes(sizes, on_row) as (planes, estimates):
        for config in configs:
            # A process for each method. The planes grow, so that the memory that it
            # has held before is no more than what it needs now.
            with ProcessPoolExecutor(
                1,
                mp_context=get_context("spawn"),
                # Ctrl-C reaches it too: it shall end without a word.
                initializer=signal.signal,
                initargs=(signal.SIGINT, signal.SIG_DFL),
            ) as process:
                for side, plane in planes.items():
                    on_row(f"{config.method}, {side} pixels")
                    rows.append(_timed(process, config, side, plane, peaks))
                    on_done()
    return SpeedResult(
        rows,
        peaks,
        estimates,
        machine(configs[0].device),
        {
            "device": configs[0].device,
            "precision": configs[0].precision,
            "tile": configs[0].tile,
            "options": [
                *dict.fromkeys(o for config in configs for o in config.options)
            ],
        },
        busy_before,
        datetime.now(UTC).isoformat(timespec="seconds"),
    )


@contextmanager
def _planes(
    sizes: Sequence[int], on_row: Callable[[str], None]
) -> Iterator[tuple[dict[int, Path], dict[int, float]]]:
    """Give a file with a plane of each size, and how long its noise takes to find."""
    with TemporaryDirectory(prefix="w2s-") as folder:
        planes, estimates = {}, {}
        for side in sorted(set(sizes)):
            on_row(f"simulating {side} pixels")
            # Large planes show a cell and its reflections
            clean = simulate_scene(0, side=min(side, _CELL)).clean
            light = CAMERA.photons(clean)
            light = np.pad(light, (0, side - len(clean)), mode="symmetric")
            noisy = camera_counts(light, CAMERA, np.random.default_rng(0))
            planes[side] = Path(folder) / f"{side}.npy"
            np.save(planes[side], noisy)
            start = perf_counter()
            fit_noise(sample_squares([noisy]))
            estimates[side] = perf_counter() - start
        yield planes, estimates


def _timed(
    process: Executor,
    config: SpeedConfig,
    side: int,
    plane: Path,
    peaks: dict[str, float],
) -> MethodSpeed:
    try:
        timed = process.submit(measure, config, side, plane).result()
        for precision in timed.work.keys() - peaks:
            asked = process.submit(peak, config.device, precision)
            peaks[precision] = asked.result()
    except BrokenProcessPool:
        why = "its process was ended, mostly for lack of memory"
        return MethodSpeed(config.method, side, error=why)
    return timed


@dataclass(frozen=True, slots=True)
class SpeedRatio:
    """A row over the same row of an earlier measurement: above 1 is worse."""

    # method, side: the row
    method: str
    side: int
    before: float  # seconds of the fastest run then
    # seconds, memory: the fastest run and the memory, now over then; None where nobody
    # counted
    seconds: float
    memory: float | None

    @property
    def verdict(self) -> Literal["slower", "faster", ""]:
        """Return whether the time has changed by more than chance."""
        if self.seconds > NOTABLE:
            return "slower"
        return "faster" if self.seconds < 1 / NOTABLE else ""

    def as_json(self) -> dict[str, Any]:
        """Return the ratio as a JSON object."""
        return asdict(self) | {"verdict": self.verdict}


def ratios(now: SpeedResult, before: SpeedResult) -> list[SpeedRatio]:
    """Return the ratio of each row that both have measured."""
    earlier = {(row.method, row.side): row for row in before.rows}
    found = []
    for row in now.rows:
        was = earlier.get((row.method, row.side))
        if was and row.best and was.best:
            memory = row.memory / was.memory if row.memory and was.memory else None
            ratio = row.best / was.best
            found.append(SpeedRatio(row.method, row.side, was.best, ratio, memory))
    return found


def differences(now: SpeedResult, before: SpeedResult) -> list[str]:
    """Return what besides the program is not as it was, a line each."""
    found = []
    for what, old, new in (
        ("another machine or system", before.machine, now.machine),
        ("other settings", before.settings, now.settings),
    ):
        changes = "; ".join(
            f"{key} {old.get(key, '-')}, now {new[key]}"
            for key in new
            if old.get(key) != new[key]
        )
        if changes:
            found.append(f"measured on {what} before: {changes}")
    if busy(before.load):
        load = f"load {before.load:.1f}"
        found.append(f"the machine was busy before ({load}): doubt the ratios")
    measured = {(row.method, row.side) for row in now.rows}
    left = [row for row in before.rows if (row.method, row.side) not in measured]
    if left:
        names = ", ".join(f"{row.method} at {row.side}" for row in left)
        found.append(f"measured before, but not now: {names}")
    return found
