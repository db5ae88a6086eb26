"""What a method takes beside the passes of its network alone, and beside VST+BM3D.

The passes go over the same tiles, margins and all, in the same run; nothing is read,
stabilised, cut or sewn. Nothing else may run on the machine meanwhile.
"""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from shipped_models.finding import Finding, goal
from shipped_models.setting import BM3D, Setting, Subject
from w2s_cli.bench.run_speed import run_speed
from w2s_cli.bench.timing import MethodSpeed, SpeedConfig
from w2s_cli.restorers.tiling import block_shapes

SIZES = (512, 2048)
_RUNS = 3
_MIDDLE = 10.0  # a stabilised value such as networks see


def speed(subject: Subject, setting: Setting) -> list[Finding]:
    """Return seconds over those of the bare network, where it is one, and of BM3D."""
    configs = [_setup(subject, setting), _setup(Subject(BM3D), setting)]
    speeds = run_speed(configs, SIZES)
    ours, rivals = speeds.rows[: len(SIZES)], speeds.rows[len(SIZES) :]
    doubts = "; the machine was busy" * bool(speeds.remarks)
    return [
        finding
        for timed, rival in zip(ours, rivals, strict=True)
        for finding in _at(timed, bare(configs[0], timed.side), rival, doubts)
    ]


def bare(config: SpeedConfig, side: int) -> float | None:
    """Return the seconds of the passes of a method's networks; None without one."""
    chain = config.chain()
    networks = [n for link in chain.links if (n := link.traits.network)]
    if not networks:
        return None
    shapes = [*block_shapes(side, side, chain.traits, config.tile)]
    blocks = {s: np.full((1, *s), _MIDDLE, np.float32) for s in {*shapes}}
    times = []
    for _ in range(_RUNS):
        start = perf_counter()
        for shape in shapes:
            for network in networks:
                network(blocks[shape])
        times.append(perf_counter() - start)
    return min(times)


def _setup(subject: Subject, setting: Setting) -> SpeedConfig:
    return SpeedConfig(
        subject.method,
        subject.options,
        subject.weights,
        setting.device,
        setting.precision,
        setting.tile,
    )


def _at(
    timed: MethodSpeed, passes: float | None, rival: MethodSpeed, doubts: str
) -> Iterator[Finding]:
    took, theirs = (
        float("nan") if one.best is None else one.best for one in (timed, rival)
    )
    where = f"{timed.side} x {timed.side}"
    if passes is not None:
        yield Finding(
            f"{where}: seconds over those of the bare network",
            took / passes,
            "at most",
            goal("speed", "of-network"),
            f"{took:.3g} s and {passes:.3g} s{doubts}",
        )
    yield Finding(
        f"{where}: seconds over those of {BM3D}",
        took / theirs,
        "at most",
        goal("speed", "of-bm3d"),
        f"{took:.3g} s and {theirs:.3g} s{doubts}",
    )
