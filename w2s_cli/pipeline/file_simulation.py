"""Simulate what a microscope would show of a sharp image, file by file."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli import __version__
from w2s_cli.errors import InputError
from w2s_cli.io import check_fits, open_image, write_image
from w2s_cli.io.targets import check_target
from w2s_cli.microscope.plane_sampling import checked_finite
from w2s_cli.microscope.psf import PSF
from w2s_cli.microscope.simulation import Exposure, camera_counts, widefield
from w2s_cli.pipeline.simulated_microscope import (
    FULL,
    MOST_UNLIKE,
    Microscope,
    SimulationSettings,
)
from w2s_cli.stack import Computed, Stack

LEAST_SIDE = 16  # pixels
MOST_PLANES = 16
SAMPLED_SIDE = 1024
BRIGHT = 99.8  # percentile that stands for the bright parts
MOST_PHOTONS = 1e15
"""Beyond any camera; of many more, no Poisson number can be drawn."""


def checked_truth(truth: Stack, scale: int, pixel_size: float | None) -> Stack:
    """Return the truth, after a look at its size."""
    height, width = truth.data.shape[-2:]
    if min(height, width) < LEAST_SIDE:
        raise InputError(
            f"the truth has planes of {height} x {width} pixels, at least "
            f"{LEAST_SIDE} x {LEAST_SIDE} are needed",
            hint="use a larger field",
        )
    if height % scale or width % scale:
        raise InputError(
            f"planes of {height} x {width} pixels cannot be halved",
            hint="crop the truth to even sides, or use --scale 1",
        )
    given = dict.fromkeys("YX", pixel_size) if pixel_size is not None else {}
    return replace(truth, pixel_size={**truth.pixel_size, **given})


def square_pixel(truth: Stack) -> float | None:
    """Return the micrometres along the side of a pixel, if known."""
    sizes = [truth.pixel_size[axis] for axis in "YX" if axis in truth.pixel_size]
    if sizes and max(sizes) > (1 + MOST_UNLIKE) * min(sizes):
        raise InputError(
            f"the truth has pixels of {sizes[0]:g} x {sizes[1]:g} um: they are not "
            "square",
            hint="give the side of a square pixel with --pixel-size",
        )
    return sizes[-1] if sizes else None


def plane_of_light(truth: Stack, index: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a plane; light is never below 0."""
    return np.maximum(checked_finite(truth.data[index], truth.plane_name(index)), 0)


def bright_light(truth: Stack) -> float:
    """Return the 99.8th percentile of the light, from a sample of planes and pixels."""
    indices = [*truth.indices()]
    step = -(-len(indices) // MOST_PLANES)
    thin = -(-min(truth.data.shape[-2:]) // SAMPLED_SIDE)
    sampled = [plane_of_light(truth, at)[::thin, ::thin] for at in indices[::step]]
    bright = float(np.percentile(sampled, BRIGHT))
    if bright <= 0:
        raise InputError(
            f"the truth is dark: its {BRIGHT}th percentile is {bright:g}",
            hint="leave --photons out where the truth is in photons a camera pixel",
        )
    return bright


@dataclass
class SimulatedFile:
    """What became of a truth."""

    source: Path  # the files
    target: Path
    shape: tuple[int, ...]  # of the widefield image
    unit: float  # photons a camera pixel where the truth is 1
    saturated: int = 0  # pixels at the top of the camera's range
    seconds: float = 0.0  # wall time

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
    recording: SimulationSettings,
    source: Path,
    target: Path,
    sim: Path | None = None,
    *,
    pixel_size: float | None = None,
    axes: str | None = None,
    overwrite: bool = False,
) -> SimulatedFile:
    """Write the widefield image of a sharp one, and if asked its ideal SIM image.

    Planes are read, simulated and written one at a time. The SIM image has no noise and
    no haze; it is in counts of the widefield image, on the grid of the truth.
    """
    start = perf_counter()
    for path in (target, sim):
        if path is not None:
            check_target(path, overwrite=overwrite)
    with open_image(source, axes=axes) as read:
        truth = checked_truth(read, recording.scale, pixel_size)
        psf = microscope.psf(square_pixel(truth))
        unit = photons_per_unit(truth, recording)
        tally: list[int] = []
        seen = camera_image(truth, psf, recording, unit, tally.append)
        outcome = SimulatedFile(source, target, seen.data.shape, unit)
        outputs = [(seen, target)]
        if sim is not None:
            fine = microscope.fine_psf(psf)
            outputs.append((_ideal(truth, fine, recording, unit), sim))
        for stack, path in outputs:
            check_fits(stack, path)

        def record() -> Mapping[str, Any]:
            outcome.saturated = sum(tally)
            return _record(microscope, recording, outcome)

        for stack, path in outputs:
            write_image(stack, path, overwrite=overwrite, record=record)
    outcome.seconds = perf_counter() - start
    return outcome


def camera_image(
    truth: Stack,
    psf: PSF,
    recording: SimulationSettings,
    unit: float,
    on_saturated: Callable[[int], None] = lambda pixels: None,
) -> Stack:
    """Return the (lazy) uint16 counts of a truth; tell the saturated pixels a plane."""
    *lead, height, width = truth.data.shape
    scale, noise = recording.scale, recording.noise
    exposure = Exposure(unit, recording.background / unit, recording.haze)

    def make(index: tuple[int, ...]) -> NDArray[Any]:
        rng = np.random.default_rng([recording.seed, *index])
        photons = widefield(plane_of_light(truth, index), psf, exposure, scale)
        photons = photons.clip(max=MOST_PHOTONS)
        counts = camera_counts(photons, noise, rng, multiplied=recording.multiplied)
        on_saturated(int(np.count_nonzero(counts == FULL)))
        return counts

    shape = (*lead, height // scale, width // scale)
    sizes = {
        axis: size * scale if axis in "YX" else size
        for axis, size in truth.pixel_size.items()
    }
    return replace(
        truth, data=Computed(shape, np.dtype(np.uint16), make), pixel_size=sizes
    )


def _ideal(
    truth: Stack, fine: PSF, recording: SimulationSettings, unit: float
) -> Stack:
    """Return the SIM image, in counts of the widefield image."""
    background = np.float32(recording.background)

    def make(index: tuple[int, ...]) -> NDArray[Any]:
        photons = (
            fine.blur(plane_of_light(truth, index)) * np.float32(unit) + background
        )
        return recording.noise.counts(photons)

    data = Computed(truth.data.shape, np.dtype(np.float32), make)
    return replace(truth, data=data)


def photons_per_unit(truth: Stack, recording: SimulationSettings) -> float:
    """Return the photons a camera pixel where the truth is 1."""
    return recording.photons / bright_light(truth) if recording.photons else 1.0


def _record(
    microscope: Microscope, recording: SimulationSettings, outcome: SimulatedFile
) -> Mapping[str, Any]:
    """Return what the output files say of their making."""
    return {
        "tool": "w2s",
        "version": __version__,
        "command": "simulate",
        **microscope.as_json(),
        **asdict(recording),
        "noise": recording.noise.as_json(),
        "truth": outcome.source.name,
        "photons_per_unit": outcome.unit,
        "saturated": outcome.saturated,
    }
