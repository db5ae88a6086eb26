"""Simulate what a microscope would show of a sharp image, file by file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli import __version__
from w2s_cli.batch.microscope import Microscope
from w2s_cli.batch.recording import FULL, Recording
from w2s_cli.batch.sharp import brightness, light, square_pixel, usable
from w2s_cli.files import check_fits, check_target, opened, write
from w2s_cli.physics.kernel import Kernel
from w2s_cli.physics.simulate import Exposure, camera, widefield
from w2s_cli.stack import Computed, Stack

MOST_PHOTONS = 1e15
"""Beyond any camera; of many more, no Poisson number can be drawn."""


@dataclass
class Simulated:
    """What became of a truth.

    Attributes
    ----------
    source, target
        The files.
    shape
        Of the widefield image.
    unit
        Photons a camera pixel where the truth is 1.
    saturated
        Pixels at the top of the camera's range.
    seconds
        Wall time.
    """

    source: Path
    target: Path
    shape: tuple[int, ...]
    unit: float
    saturated: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the account as a JSON object."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "shape": list(self.shape),
            "photons_per_unit": self.unit,
            "saturated": self.saturated,
            "seconds": round(self.seconds, 3),
        }


def simulate_file(
    microscope: Microscope,
    recording: Recording,
    source: Path,
    target: Path,
    sim: Path | None = None,
    *,
    pixel_size: float | None = None,
    axes: str | None = None,
    overwrite: bool = False,
) -> Simulated:
    """Write the widefield image of a sharp one, and if asked its ideal SIM image.

    Planes are read, simulated and written one at a time. The SIM image has no noise and
    no haze; it is in counts of the widefield image, on the grid of the truth.

    Parameters
    ----------
    microscope, recording
        How.
    source, target, sim
        The truth; the widefield image, uint16; the SIM image, float32, or None.
    pixel_size
        Micrometres a pixel of the truth, instead of what it says.
    axes
        The axes of the truth, where it does not name them.
    overwrite
        Whether outputs that exist are replaced.

    Raises
    ------
    W2SError
        When the truth or the kernel cannot be used, or an output not be written.
    """
    start = perf_counter()
    for path in (target, sim):
        if path is not None:
            check_target(path, overwrite=overwrite)
    with opened(source, axes=axes) as read:
        truth = usable(read, recording.scale, pixel_size)
        kernel = microscope.kernel(square_pixel(truth))
        unit = _unit(truth, recording)
        seen, outcome = _seen(truth, kernel, recording, unit, source, target)
        outputs = [(seen, target)]
        if sim is not None:
            fine = microscope.fine_kernel(kernel)
            outputs.append((_ideal(truth, fine, recording, unit), sim))
        for stack, path in outputs:
            check_fits(stack, path)

        def record() -> Mapping[str, Any]:
            return _record(microscope, recording, outcome)

        for stack, path in outputs:
            write(stack, path, overwrite=overwrite, record=record)
    outcome.seconds = perf_counter() - start
    return outcome


def _seen(
    truth: Stack,
    kernel: Kernel,
    recording: Recording,
    unit: float,
    source: Path,
    target: Path,
) -> tuple[Stack, Simulated]:
    """Return what the camera reads, and the account that fills as it is read."""
    *lead, height, width = truth.data.shape
    scale, noise = recording.scale, recording.noise
    exposure = Exposure(unit, recording.background / unit, recording.haze)
    shape = (*lead, height // scale, width // scale)
    outcome = Simulated(source, target, shape, unit)

    def make(index: tuple[int, ...]) -> NDArray[Any]:
        rng = np.random.default_rng([recording.seed, *index])
        photons = widefield(light(truth, index), kernel, exposure, scale)
        photons = photons.clip(max=MOST_PHOTONS)
        counts = camera(photons, noise, rng, multiplied=recording.multiplied)
        outcome.saturated += int(np.count_nonzero(counts == FULL))
        return counts

    data = Computed(shape, np.dtype(np.uint16), make)
    sizes = {
        axis: size * scale if axis in "YX" else size
        for axis, size in truth.pixel_size.items()
    }
    return replace(truth, data=data, pixel_size=sizes), outcome


def _ideal(truth: Stack, fine: Kernel, recording: Recording, unit: float) -> Stack:
    """Return the SIM image, in counts of the widefield image."""
    background = np.float32(recording.background)

    def make(index: tuple[int, ...]) -> NDArray[Any]:
        photons = fine.blur(light(truth, index)) * np.float32(unit) + background
        return recording.noise.counts(photons)

    data = Computed(truth.data.shape, np.dtype(np.float32), make)
    return replace(truth, data=data)


def _unit(truth: Stack, recording: Recording) -> float:
    """Return the photons a camera pixel where the truth is 1."""
    return recording.photons / brightness(truth) if recording.photons else 1.0


def _record(
    microscope: Microscope, recording: Recording, outcome: Simulated
) -> Mapping[str, Any]:
    """Return what the output files say of their making."""
    return {
        "tool": "w2s",
        "version": __version__,
        "command": "simulate",
        **microscope.as_json(),
        **asdict(recording),
        "truth": outcome.source.name,
        "photons_per_unit": outcome.unit,
        "saturated": outcome.saturated,
    }
