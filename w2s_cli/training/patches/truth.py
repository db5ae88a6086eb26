"""Where clean images come from: real pairs, long averages, sharp fields, the simulator.

The data folder holds, any part of it optional::

    w2s/avg1/FFF_C.png, w2s/avg400/FFF_C.png   field of view, channel; 8-bit gray
    w2s/index.csv                              how their gray values relate to photons
    w2s/kernels_36x36.npy                      measured blur kernels, (N, 36, 36)
    sharp/*.tif                                clean fields, of any axes
    sim_truth/STRUCTURE_NN.png                 real SIM images, 8-bit gray
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import log, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets.data_set import field_of
from w2s_cli.errors import InputError
from w2s_cli.io import open_image
from w2s_cli.microscope.deconvolution import richardson_lucy
from w2s_cli.microscope.psf import PSF, gaussian_psf, halved
from w2s_cli.microscope.simulation import simulate_field
from w2s_cli.training.patches import w2s_samples

AVERAGED = 400  # captures in a long average
SIM_TRAINING, SIM_VALIDATION = (1, 32), (33, 40)  # numbers of SIM images
WIDTH = 2.6  # full width of its blur, in pixels; the measured kernels say 4 at most


@dataclass(frozen=True, eq=False)
class PhotonPair:
    """A real noisy image and its long average, both in photons.

    Attributes
    ----------
    noisy
        (Y, X) photons a pixel.
    clean
        (Y * scale, X * scale) photons a pixel of `noisy`.
    valid
        The shape of `clean`, False where either was clipped.
    """

    noisy: FloatArray
    clean: FloatArray
    valid: NDArray[np.bool_]


def pairs(data: Path, span: tuple[int, int], scale: int = 1) -> list[PhotonPair]:
    """Return the real pairs of the fields of view from `span[0]` to `span[1]`.

    At `scale` 2 the long average is deconvolved, as far as its own noise allows.
    """
    found = _read(data, span)
    if scale == 1:
        return found
    with ThreadPoolExecutor() as workers:
        return [*workers.map(_sharpened, found)]


def averages(found: Sequence[PhotonPair]) -> list[FloatArray]:
    """Return the long averages of pairs, with bright parts at 1.

    One that was deconvolved is halved in size, and with it what is left of its blur.
    """
    return [
        _scaled(
            pair.clean if pair.clean.shape == pair.noisy.shape else halved(pair.clean)
        )
        for pair in found
    ]


def sharp(data: Path) -> list[FloatArray]:
    """Return the sharp fields, at half their size: finer than their own blur.

    Colour pictures, which no microscope wrote, are left out.
    """
    fields = []
    for path in sorted((data / "sharp").glob("*.tif")):
        with suppress(InputError):
            fields += [_scaled(halved(plane)) for plane in _planes(path)]
    return fields


def sim_images(data: Path, validation: bool) -> dict[str, list[FloatArray]]:
    """Return real SIM images by what they show, bright parts at 1.

    The numbers 01-32 are for training, 33-40 for validation; higher ones are for
    judging.
    """
    first, last = SIM_VALIDATION if validation else SIM_TRAINING
    found: dict[str, list[FloatArray]] = {}
    for path in sorted((data / "sim_truth").glob("*_[0-9][0-9].png")):
        structure, _, number = path.stem.rpartition("_")
        if first <= int(number) <= last:
            planes = [_scaled(plane) for plane in _planes(path)]
            found.setdefault(structure, []).extend(planes)
    return found


@dataclass(eq=False)
class Simulated:
    """Simulated fields without end: a network that sees few learns them by heart.

    Attributes
    ----------
    seed
        The same seed gives the same fields.
    kept
        How many there are at a time.
    """

    seed: int
    kept: int
    side: int = 352
    _fields: dict[int, FloatArray] = field(default_factory=dict, init=False)

    def at(self, step: int) -> list[FloatArray]:
        """Return the fields of a step: the last step's, but for one that is new."""
        self._fields = {
            number: self._fields[number]
            if number in self._fields
            else self._new(number)
            for number in range(step, step + self.kept)
        }
        return [*self._fields.values()]

    def _new(self, number: int) -> FloatArray:
        return simulate_field(self.side, np.random.default_rng([self.seed, number]))


def kernels(data: Path) -> list[PSF]:
    """Return the measured kernels, without their negative noise.

    Their even side is made odd: a kernel that is turned must keep its middle.
    """
    path = data / "w2s" / "kernels_36x36.npy"
    try:
        weights = np.load(path, allow_pickle=False)[:, 1:, 1:]
    except (OSError, ValueError, IndexError) as error:
        raise InputError(
            f"the recipe blurs with measured kernels, but {path} cannot be read: "
            f"{error}",
            hint="name the folder that holds w2s/ with data=FOLDER, or set "
            "light.measured=0",
        ) from error
    return [PSF.normalised(np.maximum(one, 0)) for one in weights]


def _read(data: Path, span: tuple[int, int]) -> list[PhotonPair]:
    """Return the pairs of some fields of view, in photons."""
    samples = w2s_samples.open_data_set(data / "w2s")
    if samples is None:
        raise InputError(
            f"the recipe trains on real pairs, but there is no "
            f"{data / 'w2s' / w2s_samples.INDEX}",
            hint="name the folder that holds w2s/ with data=FOLDER",
        )
    noises = samples.noises[1]
    names = [name for name in noises if span[0] <= int(field_of(name)) <= span[1]]
    found = []
    for name in names:
        noise, pair = noises[name], samples.pair(name, level=1)
        assert pair.valid is not None  # 8 bit is clipped somewhere
        clean = noise.photons(pair.truth)
        found.append(PhotonPair(noise.photons(pair.image), clean, pair.valid))
    return found


def _sharpened(pair: PhotonPair) -> PhotonPair:
    light = np.maximum(pair.clean, 0) * np.float32(AVERAGED)
    blur = gaussian_psf(2 * WIDTH / sqrt(8 * log(2)))
    return replace(
        pair,
        clean=richardson_lucy(light, blur, scale=2) / np.float32(AVERAGED),
        valid=pair.valid.repeat(2, axis=0).repeat(2, axis=1),
    )


def _planes(path: Path) -> Iterator[FloatArray]:
    with open_image(path) as stack:
        for index in stack.indices():
            yield np.asarray(stack.data[index], np.float32)


def _scaled(plane: FloatArray) -> FloatArray:
    """Return `plane` with its darkest parts at 0 and its bright parts at 1."""
    low, high = np.quantile(plane, [0.002, 0.998])
    scaled = (plane - low) / max(high - low, 1e-9)
    return np.asarray(np.maximum(scaled, 0), np.float32)
