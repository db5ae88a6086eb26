"""What a network is adapted to: planes of the user's own files, and their noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.io import open_image
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import dark_and_bright, sample_planes
from w2s_cli.microscope.unknown_pixels import KnownPlane
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import TrainedRange

MOST_FILES = 16
MOST_PIXELS = 16 << 20  # to adapt to: 64 MiB of photons, and twice as much beside


@dataclass(frozen=True, slots=True, eq=False)
class AdaptationPlanes:
    """What a network is adapted to.

    - `planes`: (Y, X) counts each, and their noise: of every channel of every file a
      few.
    - `trained_on`: the brightest parts of the dimmest and of the brightest plane, the
      most read noise, and the pixel sizes where the files have them.
    - `warnings`: why a result should be looked at twice, one line a reason.
    """

    planes: tuple[tuple[NDArray[Any], NoiseModel], ...]
    trained_on: TrainedRange
    warnings: tuple[str, ...]


def read_adaptation_planes(
    job: RestoreSpec, chain: Chain, files: Sequence[Path]
) -> AdaptationPlanes:
    """Return what files have for a network to be adapted to.

    Of more than `MOST_FILES`, or `MOST_PIXELS`, they are evenly spaced ones.

    Raises W2SError when a file cannot be read, or has no noise that can be measured, or
    one that is correlated: a network that fitted it would seem better, and be worse.
    """
    planes: list[tuple[NDArray[Any], NoiseModel]] = []
    sizes: set[float] = set()
    warnings: list[str] = []
    for path in files[:: -(-len(files) // MOST_FILES)]:
        with open_image(path, axes=job.axes) as whole:
            stack = job.part(whole)
            found = diagnose(stack, job.noise.of(path))
            for channel, one in enumerate(found.channels):
                _ = one.noise  # why there is none is said first
                _check_white(one, path)
                planes += [
                    (counts, one.noise) for counts in sample_planes(stack, channel)
                ]
            reasons = found.warnings_for([link.traits for link in chain.links])
            warnings += [f"{path.name}: {reason}" for reason in reasons]
            sizes |= {stack.pixel_size[a] for a in "YX" if a in stack.pixel_size}
    pixels = sum(counts.size for counts, _ in planes)
    taken = planes[:: -(-pixels // MOST_PIXELS)]
    return AdaptationPlanes(tuple(taken), _light_range(taken, sizes), tuple(warnings))


def _check_white(one: ChannelDiagnosis, path: Path) -> None:
    if not one.white:
        raise InputError(
            f"{path}: the noise of neighbouring pixels is correlated "
            f"({one.correlation:.2f}): a network would take it for structure",
            hint="adapt to raw images of the camera, not filtered, resized or "
            "compressed",
        )


def _light_range(
    planes: Sequence[tuple[NDArray[Any], NoiseModel]], sizes: set[float]
) -> TrainedRange:
    lights = [
        (dark_and_bright(KnownPlane.of(counts))[1] - noise.offset) / noise.gain
        for counts, noise in planes
    ]
    sigma = max(noise.sigma for _, noise in planes)
    span = (min(sizes), max(sizes)) if sizes else None
    return TrainedRange((min(lights), max(lights)), sigma, span)
