"""A set of images and their truths that stays on disk, and one file as a plane."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError, NothingMatchedError, UnknownNameError, UsageError
from w2s_cli.io import open_image
from w2s_cli.metrics.input_checks import size

if TYPE_CHECKING:
    from w2s_cli.microscope.noise_model import NoiseModel

Mask = NDArray[np.bool_]
NPY = ".npy"
NPY_BROKEN = (EOFError, OSError, SyntaxError, ValueError)  # what numpy raises of one


@dataclass(frozen=True, eq=False)
class ImagePair:
    """One image and what it should have been."""

    name: str  # such as "081_0": field of view 081, channel 0
    group: str  # what a bootstrap draws anew: the field of view, "081"
    # (Y, X) float32, in counts, or in gray values where a set has nothing else
    image: FloatArray
    truth: FloatArray  # (Y * scale, X * scale) float32, in the unit of `image`
    # the shape of `truth`, False where either was clipped; None: valid everywhere
    valid: Mask | None = None
    # the camera's noise in `image`, where the set knows it
    noise: "NoiseModel | None" = None


class Image(Protocol):
    """One plane that is read, or computed, when it is asked for."""

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        ...

    def shape(self) -> tuple[int, int]:
        """Return its size, without its pixels; InputError where it is broken."""
        ...

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return (Y, X) values and where they are valid, None for everywhere."""
        ...


ALL = "all"  # the split of everything there is


_NUMBERED = re.compile(r"(.*\d)_\d+")


def field_of(name: str) -> str:
    """Return the field of view of an image, by its name.

    It is what comes before a last underscore and number, where that ends in a number
    too: "081" of "081_2". Else the image is a field of its own: "img_007".
    """
    numbered = _NUMBERED.fullmatch(name)
    return numbered[1] if numbered else name


@dataclass(frozen=True, eq=False)
class DataSet:
    """Images and their truths, of which one pair at a time is in memory."""

    name: str  # of its kind in `DATASETS`
    title: str  # what it is, for a reader
    place: str  # where it is
    unit: str  # the unit of published figures, such as "z"
    per_unit: float  # counts, or gray values, in one of it
    # Level -> name -> image. A level is the number of averaged captures, or of photons
    # in the bright parts; 1 where a set has one level only.
    inputs: Mapping[int, Mapping[str, Image]]
    truths: Mapping[int, Mapping[str, Image]]  # scale -> name -> image
    offset: float = 0.0  # counts, or gray values, that its unit calls 0
    # split -> names; "all" needs no entry
    splits: Mapping[str, Collection[str]] = field(default_factory=dict)
    expected: Collection[str] = ()  # the names that a complete copy has
    # the level without noise, whose images are the truths at scale 1; None for none
    clean: int | None = None
    group_of: Callable[[str], str] = field_of  # the group that a name belongs to
    # level -> name -> noise of the camera, where it is known
    noises: "Mapping[int, Mapping[str, NoiseModel]]" = field(default_factory=dict)
    # the levels that no camera has recorded: their noise was drawn on the truths
    drawn: Collection[int] = ()

    @property
    def levels(self) -> tuple[int, ...]:
        """Return the levels of noise, the noisiest first."""
        return tuple(sorted(self.inputs))

    @property
    def scales(self) -> tuple[int, ...]:
        """Return how many pixels of a truth lie along a pixel of an image."""
        return tuple(sorted(self.truths))

    def names(
        self,
        split: str,
        level: int,
        scale: int = 1,
        fields: Collection[str] | None = None,
    ) -> list[str]:
        """Return the sorted names of the pairs that there are."""
        if split != ALL and split not in self.splits:
            raise UnknownNameError("split", split, [ALL, *self.splits])
        for kind, asked, known in (
            ("level", level, self.levels),
            ("scale", scale, self.scales),
        ):
            if asked not in known:
                raise UsageError(
                    f"{self.place} has no {kind} {asked}",
                    hint=f"it has {', '.join(map(str, known)) or 'none'}",
                )
        both = self.inputs[level].keys() & self.truths[scale].keys()
        found = [
            name
            for name in sorted(both)
            if (split == ALL or name in self.splits[split])
            and (fields is None or self.group_of(name) in fields)
        ]
        if not found:
            raise NothingMatchedError(
                f"{self.place} has no pair of split {split}, level {level}, "
                f"scale {scale}" + (" in the fields asked for" if fields else ""),
                hint="`w2s data check` says what is there",
            )
        return found

    def count(
        self,
        split: str,
        level: int,
        scale: int = 1,
        fields: Collection[str] | None = None,
    ) -> int:
        """Return how many pairs `pairs` gives; errors are those of `names`."""
        return len(self.names(split, level, scale, fields))

    def pairs(
        self,
        split: str,
        level: int,
        scale: int = 1,
        fields: Collection[str] | None = None,
    ) -> Iterator[ImagePair]:
        """Return the pairs, each read when it is asked for.

        Parameters and errors are those of `names`; in the iteration those of `pair`.
        """
        names = self.names(split, level, scale, fields)
        return map(partial(self.pair, level=level, scale=scale), names)

    def pair(self, name: str, level: int, scale: int = 1) -> ImagePair:
        """Return one pair, by a name of `names`."""
        noisy, true = self.inputs[level][name], self.truths[scale][name]
        image, image_valid = noisy.read()
        truth, truth_valid = true.read()
        if truth.shape != (image.shape[0] * scale, image.shape[1] * scale):
            raise InputError(
                f"{noisy.where} has {size(image)} pixels, {true.where} has "
                f"{size(truth)}, not {scale} times as many along each side",
                hint="an image and its truth show the same field",
            )
        valid = truth_valid
        if image_valid is not None:
            valid = image_valid.repeat(scale, axis=0).repeat(scale, axis=1)
            valid = valid if truth_valid is None else valid & truth_valid
        noise = self.noises.get(level, {}).get(name)
        return ImagePair(name, self.group_of(name), image, truth, valid, noise)


@dataclass(frozen=True, slots=True)
class FilePlane:
    """The plane of a TIFF, PNG or NPY file: `value * factor + offset`."""

    path: Path  # the file
    # factor, offset: what makes counts of its values
    factor: float = 1.0
    offset: float = 0.0
    # the values at which a pixel is clipped, if any
    limits: tuple[float, float] | None = None

    @property
    def where(self) -> str:
        """Return the path."""
        return str(self.path)

    def shape(self) -> tuple[int, int]:
        """Return its size; of an NPY file only header and length are read for it."""
        if self.path.suffix == NPY:
            return _size(self._array().shape, self.path)
        return _size(self._stored().shape, self.path)

    def dtype(self) -> np.dtype[Any]:
        """Return the type of its values; InputError where it is broken."""
        if self.path.suffix == NPY:
            return self._array().dtype
        with open_image(self.path, double=True) as stack:
            return stack.data.dtype

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its values, and where they are within the limits."""
        stored = self._stored()
        if not np.isfinite(stored).all():
            raise InputError(
                f"{self.path} has pixels that are no numbers",
                hint="copy or export it again",
            )
        values = np.asarray(stored * self.factor + self.offset, np.float32)
        if self.limits is None:
            return values, None
        low, high = self.limits
        return values, (stored > low) & (stored < high)

    def _stored(self) -> NDArray[Any]:
        """Return the plane as float32, or float64 where it is stored so."""
        if self.path.suffix == NPY:
            array = self._array()
            _size(array.shape, self.path)
            wide = np.promote_types(array.dtype, np.float32)
            return array.astype(wide).reshape(array.shape[-2:])
        with open_image(self.path, double=True) as stack:
            if "kept" in stack.extra or "cut off" in stack.extra:
                raise InputError(
                    f"{self.path} is not whole: {'; '.join(stack.warnings)}",
                    hint="copy or export it again",
                )
            _size(stack.data.shape, self.path)
            index = (0,) * (len(stack.data.shape) - 2)
            return np.asarray(stack.data[index], np.float32)

    def _array(self) -> NDArray[Any]:
        try:
            array: NDArray[Any] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except NPY_BROKEN as error:
            raise InputError(
                f"{self.path} is missing, truncated or no array: {error}",
                hint="copy or make it again",
            ) from error
        if array.dtype.kind not in "uif":
            raise InputError(
                f"{self.path} has values of type {array.dtype}, not numbers",
                hint="copy or make it again",
            )
        return array


def planes(
    folder: Path, pattern: str, *, factor: float = 1.0, offset: float = 0.0
) -> dict[str, FilePlane]:
    """Return the files of a folder by their stems, none where there is no folder."""
    return {
        path.stem: FilePlane(path, factor, offset)
        for path in sorted(folder.glob(pattern))
    }


def non_empty(
    parts: Mapping[int, dict[str, FilePlane]],
) -> dict[int, dict[str, FilePlane]]:
    """Return the parts that hold anything."""
    return {key: files for key, files in parts.items() if files}


def _size(shape: tuple[int, ...], path: Path) -> tuple[int, int]:
    if len(shape) < 2 or any(length != 1 for length in shape[:-2]) or 0 in shape:
        raise InputError(
            f"{path} has shape {shape}, expected one plane (Y, X)",
            hint="split a stack into one file a plane",
        )
    height, width = shape[-2:]
    return int(height), int(width)
