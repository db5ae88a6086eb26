"""Every method timed at every size, each method in a process of its own."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.speed.machine import load, machine
from w2s_cli.bench.speed.speed_record import SpeedResult
from w2s_cli.bench.speed.timing import MethodSpeed, SpeedConfig, measure, peak
from w2s_cli.errors import UsageError
from w2s_cli.methods import METHODS
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.plane_sampling import sample_squares
from w2s_cli.microscope.simulation import CAMERA, camera_counts, simulate_scene

SIZES = (512, 1024, 2048)
_SMALLEST, _LARGEST = 64, 16384
_CELL = 512
"""Pixels along a simulated cell: larger ones take longer than what is timed."""


def shipped() -> list[str]:
    """Return the methods that need nothing but an image."""
    own = (entry for entry in METHODS if "published" not in entry.target)
    return [entry.name for entry in own if entry.name != "auto"]


def check_sizes(sizes: Sequence[int]) -> None:
    """Refuse sizes that no plane can have."""
    for side in sizes:
        if not _SMALLEST <= side <= _LARGEST:
            raise UsageError(
                f"a plane of {side} pixels a side cannot be timed",
                hint=f"sizes are from {_SMALLEST} to {_LARGEST} pixels",
            )


def run_speed(
    configs: Sequence[SpeedConfig],
    sizes: Sequence[int] = SIZES,
    *,
    on_row: Callable[[str], None] = lambda name: None,
    on_done: Callable[[], None] = lambda: None,
) -> SpeedResult:
    """Return what each method takes on simulated planes of each size."""
    check_sizes(sizes)
    busy_before = load()
    for config in configs:
        config.chain()  # complains of it now, not after minutes
    peaks: dict[str, float] = {}
    rows = []
    with _planes(sizes, on_row) as (planes, estimates):
        for config in configs:
            for timed in _one(config, planes, peaks, on_row):
                rows.append(timed)
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
            noisy = _noisy_plane(side)
            planes[side] = Path(folder) / f"{side}.npy"
            np.save(planes[side], noisy)
            start = perf_counter()
            fit_noise(sample_squares([noisy]))
            estimates[side] = perf_counter() - start
        yield planes, estimates


def _noisy_plane(side: int) -> NDArray[np.uint16]:
    """Return a noisy plane: large ones show a cell and its reflections."""
    clean = simulate_scene(0, side=min(side, _CELL)).clean
    light = np.pad(CAMERA.photons(clean), (0, side - len(clean)), mode="symmetric")
    return camera_counts(light, CAMERA, np.random.default_rng(0))


def _one(
    config: SpeedConfig,
    planes: Mapping[int, Path],
    peaks: dict[str, float],
    on_row: Callable[[str], None],
) -> Iterator[MethodSpeed]:
    """Yield what a method takes on each plane, and learn the peaks it is held to.

    The planes grow, so that the memory that a process has held before is no more than
    what it needs now.
    """
    with ProcessPoolExecutor(
        1,
        mp_context=get_context("spawn"),
        # Ctrl-C reaches it too: it shall end without a word.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        for side, plane in planes.items():
            on_row(f"{config.method}, {side} pixels")
            yield _timed(process, config, side, plane, peaks)


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
