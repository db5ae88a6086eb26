"""FMD's averages with simulated noise, as Noise2SR [1]_ validates on them.

::

    OUT/gaussian-15/train/noisy/Confocal_MICE_3_1.tif ...   float32, two a field
    OUT/gaussian-15/train/clean/Confocal_MICE_3.png ...     8 bit, the average of 50
    OUT/w2s-data.csv                                        what was made, and its seed

The confocal and two-photon types have 9 x 20 fields: 1 to 15 to train, 16 to 18 to
validate and 19 and 20 to test make the 270, 54 and 36 images of the paper. It does not
say which fields those are, nor what its lambda counts: here the photons of white, 255.
Noisy values are neither rounded nor clipped.

References
----------
.. [1] X. Tian et al., "Noise2SR: learning to denoise from super-resolved single noisy
   fluorescence image", MICCAI 2022, section 3.1.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets.data_set import DataSet, FilePlane
from w2s_cli.datasets.dataset_check import Made, digest_of
from w2s_cli.datasets.preparation import PrepareResult, Progress, begun
from w2s_cli.errors import InputError, NothingMatchedError, UsageError
from w2s_cli.io import png, tiff
from w2s_cli.io.atomic_files import replacing
from w2s_cli.restorers.units import EIGHT_BIT
from w2s_cli.stack import Stack

NOISES = ("gaussian-15", "poisson-20", "poisson-15-gaussian-5")
SPLITS = {"train": range(1, 16), "validation": range(16, 19), "test": range(19, 21)}
REPEATS = (1, 2)
SEED = 2022
_KINDS = ("Confocal_*", "TwoPhoton_*")
_NUMBER = r"(\d+(?:\.\d+)?)"
_NOISE = re.compile(f"(?:poisson-{_NUMBER})?(?:(?:^|-)gaussian-{_NUMBER})?")


@dataclass(frozen=True, slots=True)
class AddedNoise:
    """What is added to gray values."""

    light: float  # photons of white; 0 for no noise of photons
    spread: float  # standard deviation of the Gaussian noise, in gray values

    @classmethod
    def of(cls, name: str) -> "AddedNoise":
        """Return the noise of a folder's name, such as "poisson-15-gaussian-5"."""
        match = _NOISE.fullmatch(name)
        light, spread = (float(n or 0) for n in match.groups()) if match else (0, 0)
        if not (light or spread) or name.startswith("-"):
            raise UsageError(
                f"{name!r} is no noise that can be added",
                hint=f"for example {', '.join(NOISES)}",
            )
        return cls(light, spread)

    def added(self, gray: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
        """Return gray values (Y, X) with noise, as float32."""
        seen = gray.astype(float)
        if self.light:
            photons = seen * (self.light / EIGHT_BIT.white)
            seen = rng.poisson(photons) * (EIGHT_BIT.white / self.light)
        return np.asarray(seen + self.spread * rng.standard_normal(gray.shape), "f4")


@dataclass(frozen=True, slots=True)
class Sample:
    """The average of a field of view."""

    path: Path
    kind: str  # such as "Confocal_MICE"
    field: int

    @property
    def name(self) -> str:
        """Return what its files are called."""
        return f"{self.kind}_{self.field}"

    @property
    def split(self) -> str:
        """Return the split of its field of view."""
        return next(split for split, fields in SPLITS.items() if self.field in fields)


def samples_of(fmd: Path) -> list[Sample]:
    """Return the averages of a copy of FMD, of confocal and two-photon types.

    Raises NothingMatchedError when there are none.
    """
    found = [
        Sample(path, path.parents[2].name, int(path.parent.name))
        for kind in _KINDS
        for path in sorted(fmd.glob(f"{kind}/gt/*/avg50.png"))
        if path.parent.name.isdecimal()
        and any(int(path.parent.name) in fields for fields in SPLITS.values())
    ]
    if not found:
        raise NothingMatchedError(
            f"{fmd} has no averages of FMD",
            hint="name the folder that holds Confocal_MICE/gt/1/avg50.png and so on",
        )
    return found


def simulate_noise(
    fmd: Path, target: Path, noises: Sequence[str], seed: int, progress: Progress
) -> PrepareResult:
    """Make what is not there yet; an average that is broken does not stop the others.

    Raises UsageError when a noise is none, NothingMatchedError when there are no
    averages, OutputError when a file cannot be written or is not this command's.
    """
    known = {name: AddedNoise.of(name) for name in noises}
    samples = samples_of(fmd)
    tasks = [(sample, name) for sample in samples for name in known]
    manifest = begun(
        target, (file for task in tasks for file, _ in _files(*task, seed))
    )
    made = kept = 0
    failed: dict[str, InputError] = {}
    for number, (sample, name) in enumerate(tasks, start=1):
        files = _files(sample, name, seed)
        left = [(file, how) for file, how in files if not manifest.has(file, how)]
        kept += len(files) - len(left)
        try:
            gray = _gray(sample.path) if left else np.empty(0, np.uint8)
        except InputError as error:
            failed[sample.name] = error
            left = []
        for file, how in left:
            with replacing(target / file) as temporary:
                if file.endswith(".png"):
                    png.write(Stack(gray, "YX"), temporary, tuple)
                else:
                    rng = np.random.default_rng(_seed(seed, file))
                    plane = known[name].added(gray, rng)
                    tiff.write(Stack(plane, "YX"), temporary, tuple)
                digest = digest_of(temporary)
                manifest.add(Made(file, digest, str(sample.path), how))
            made += 1
        progress(number, len(tasks))
    return PrepareResult(made, kept, {}, failed)


def _files(sample: Sample, noise: str, seed: int) -> list[tuple[str, str]]:
    """Return the files of a sample with a noise, and how each is made."""
    folder = f"{noise}/{sample.split}"
    noisy = [f"{folder}/noisy/{sample.name}_{number}.tif" for number in REPEATS]
    clean = f"{folder}/clean/{sample.name}.png", "copy of the average"
    return [(file, f"{noise}, seed {_seed(seed, file)}") for file in noisy] + [clean]


def _seed(seed: int, file: str) -> list[int]:
    """Return the seed of one file, which depends on no other."""
    return [seed, crc32(file.encode())]


def _gray(path: Path) -> NDArray[np.uint8]:
    plane = FilePlane(path)
    if plane.dtype() != np.uint8:
        raise InputError(
            f"{path} holds {plane.dtype()}, expected gray values of 8 bit",
            hint="take the files of FMD as they were published",
        )
    return plane.read()[0].astype(np.uint8)


def open_data_set(place: Path) -> DataSet | None:
    """Return the data set of a folder of one noise or of several, or None."""
    inputs: dict[str, FilePlane] = {}
    truths: dict[str, FilePlane] = {}
    splits: dict[str, set[str]] = {}
    for noise, split, folder in _folders(place):
        for path in sorted((folder / "noisy").glob("*.tif")):
            clean = folder / "clean" / f"{path.stem.rpartition('_')[0]}.png"
            name = f"{noise}/{split}/{path.stem}"
            inputs[name], truths[name] = FilePlane(path), FilePlane(clean)
            splits.setdefault(split, set()).add(name)
    if not inputs:
        return None
    return DataSet(
        name="fmd-simulated",
        title="FMD with simulated noise",
        place=str(place),
        unit="1/255",
        per_unit=EIGHT_BIT.white,
        inputs={1: inputs},
        truths={1: truths},
        splits=splits,
        expected=sorted(inputs),
        drawn=(1,),
    )


def _folders(place: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield the noise, the split and the folder of each part that there is."""
    if not place.is_dir():
        return
    for path in (place, *sorted(place.iterdir())):
        noise = path.resolve().name
        for split in SPLITS if _NOISE.fullmatch(noise) else ():
            if (path / split / "noisy").is_dir():
                yield noise, split, path / split
