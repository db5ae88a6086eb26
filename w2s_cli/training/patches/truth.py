"""Where clean images come from: real pairs, long averages, sharp fields, the simulator.

The data folder holds, any part of it optional::

    w2s/avg1/FFF_C.png, w2s/avg400/FFF_C.png   a capture, and a 400-frame average
    w2s/index.csv                              how their gray values relate to counts
    w2s/kernels_36x36.npy                      measured blur kernels, (N, 36, 36)
    sharp/*.tif                                clean fields, of any axes
    sim_truth/STRUCTURE_NN.png                 real SIM images, 8-bit gray

FFF and C are the field of view and the channel. Each of these images is 8-bit gray,
stretched on its own; the columns of the index that are read:

==================  ==============================================================
image               its name, "001_0"
grey_per_count      gray values of the single capture in a count
slope, intercept    the average in gray values of the capture: slope * gray + intercept
gain_counts         the camera's gain, counts a photon
offset_counts       its offset, counted from gray 0
==================  ==============================================================

Counts come back but for an offset that nobody wrote down, so that differences are right
and z-scores shifted. Pixels that were clipped in either image are not valid. `w2s data`
does not know the folder: it was made for the shipped networks and is not published.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import log, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import w2s
from w2s_cli.datasets.data_set import DataSet, FilePlane, field_of
from w2s_cli.errors import InputError
from w2s_cli.io import open_image
from w2s_cli.microscope.deconvolution import richardson_lucy
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, gaussian_psf, halved
from w2s_cli.microscope.simulation import simulate_field

INDEX = "index.csv"
_CLIPPED = (0.0, 255.0)


@dataclass(frozen=True, slots=True)
class Gray:
    """What the gray values of an image and of its average mean."""

    per_count: float
    slope: float
    intercept: float
    noise: NoiseModel


def open_data_set(place: Path) -> DataSet | None:
    """Return the data set of a folder with index.csv, avg1/ and avg400/, or None.

    Raises InputError when a row of the index cannot be read.
    """
    if not (place / INDEX).is_file() or not (place / "avg1").is_dir():
        return None
    grays = index(place / INDEX)
    inputs, truths = {}, {}
    for name, gray in grays.items():
        inputs[name] = FilePlane(
            place / "avg1" / f"{name}.png",
            factor=1 / gray.per_count,
            limits=_CLIPPED,
        )
        truths[name] = FilePlane(
            place / "avg400" / f"{name}.png",
            factor=gray.slope / gray.per_count,
            offset=gray.intercept / gray.per_count,
            limits=_CLIPPED,
        )
    return DataSet(
        name="w2s-samples",
        title="W2S training fields in 8 bit",
        place=str(place),
        unit="z",
        per_unit=w2s.Z_UNIT,
        inputs={1: inputs},
        truths={1: truths},
        splits={
            split: names
            for split, names in w2s.splits().items()
            if names & grays.keys()
        },
        expected=list(grays),
        noises={1: {name: gray.noise for name, gray in grays.items()}},
    )


def index(path: Path) -> dict[str, Gray]:
    """Return what the index says, by image.

    Raises InputError when a column is missing, or a value is no number.
    """
    with path.open(newline="") as lines:
        return {
            row["image"]: _gray(row, f"{path}, line {number}")
            for number, row in enumerate(csv.DictReader(lines), start=2)
        }


def _gray(row: Mapping[str, str], where: str) -> Gray:
    try:
        per_count, slope, intercept, gain, offset = (
            float(row[column])
            for column in (
                *("grey_per_count", "slope", "intercept"),
                *("gain_counts", "offset_counts"),
            )
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{where} is no row of the index of gray values: {error}",
            hint="copy the index again",
        ) from error
    return Gray(per_count, slope, intercept, NoiseModel(gain, offset))


AVERAGED = 400  # captures in a long average
SIM_TRAINING, SIM_VALIDATION = (1, 32), (33, 40)  # numbers of SIM images
WIDTH = 2.6  # full width of its blur, in pixels; the measured kernels say 4 at most


@dataclass(frozen=True, eq=False)
class PhotonPair:
    """A real noisy image and its long average, both in photons.

    - `noisy`: (Y, X) photons a pixel.
    - `clean`: (Y * scale, X * scale) photons a pixel of `noisy`.
    - `valid`: the shape of `clean`, False where either was clipped.
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

    - `seed`: the same seed gives the same fields.
    - `kept`: how many there are at a time.
    """

    seed: int
    kept: int
    side: int = 352
    _fields: dict[int, FloatArray] = field(default_factory=dict, init=False)
    _before: range = field(default=range(0), init=False)

    def at(self, step: int) -> list[FloatArray]:
        """Return the fields of a step: the last step's, but for one that is new.

        Those of the call before are kept too: a discriminator may take another step's.
        """
        wanted, before = range(step, step + self.kept), self._before
        fields = {
            n: one for n, one in self._fields.items() if n in wanted or n in before
        }
        for number in wanted:
            if number not in fields:
                fields[number] = self._new(number)
        self._fields, self._before = fields, wanted
        return [fields[number] for number in wanted]

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
    samples = open_data_set(data / "w2s")
    if samples is None:
        raise InputError(
            f"the recipe trains on real pairs, but there is no {data / 'w2s' / INDEX}",
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
