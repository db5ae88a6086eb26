"""Any two folders: files of equal stems are an image and its truth.

The suffixes may differ. Which folder is which is known from their names, or said by
the caller of `paired`.
"""

from collections.abc import Mapping
from pathlib import Path

from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.planes import FilePlane
from w2s_cli.errors import InputError, NothingMatchedError, few
from w2s_cli.io.formats import image_files, stem
from w2s_cli.restorers.units import EIGHT_BIT

_KNOWN = (
    ("noisy", "clean"),
    ("low", "high"),
    ("lr", "hr"),
    ("lr", "gt"),
    ("input", "target"),
    ("input", "gt"),
    ("inputs", "targets"),
    ("noisy", "gt"),
    ("raw", "gt"),
    ("wf", "sim"),
    ("widefield", "sim"),
)
_SCALES = (1, 2, 3, 4)


def open_data_set(place: Path) -> DataSet | None:
    """Return the data set of a folder with two folders of known names, or None."""
    if not place.is_dir():
        return None
    inside = {path.name.lower(): path for path in place.iterdir() if path.is_dir()}
    for noisy, clean in _KNOWN:
        if noisy in inside and clean in inside:
            return paired(inside[noisy], inside[clean])
    return None


def paired(noisy: Path, clean: Path) -> DataSet:
    """Return the data set of a folder of images and a folder of their truths."""
    inputs, truths = files_of(noisy), files_of(clean)
    both = sorted(inputs.keys() & truths.keys())
    if not both:
        raise NothingMatchedError(
            f"no file of {noisy} has a stem that one of {clean} has",
            hint=f"{noisy} has {_few(inputs)}; {clean} has {_few(truths)}",
        )
    first = inputs[both[0]], truths[both[0]]
    gray = first[0].dtype() == "uint8"
    return DataSet(
        name="folders",
        title="pairs of folders",
        place=f"{noisy} and {clean}",
        unit="1/255" if gray else "count",
        per_unit=EIGHT_BIT.white if gray else 1.0,
        offset=0.0,
        inputs={1: inputs},
        truths={scale_of(*first): truths},
        expected=sorted(inputs.keys() | truths.keys()),
    )


def files_of(folder: Path) -> dict[str, FilePlane]:
    """Return the images of a folder by their stems."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="check the spelling")
    found: dict[str, FilePlane] = {}
    for path in image_files(folder):
        name = stem(path)
        if name in found:
            raise InputError(
                f"{found[name].path} and {path} have one stem",
                hint="leave one file a stem in the folder",
            )
        found[name] = FilePlane(path)
    return found


def scale_of(image: FilePlane, truth: FilePlane) -> int:
    """Return how many pixels of a truth lie along a pixel of its image."""
    small, large = image.shape(), truth.shape()
    for scale in _SCALES:
        if large == (small[0] * scale, small[1] * scale):
            return scale
    raise InputError(
        f"{image.where} has {small[0]} x {small[1]} pixels, {truth.where} has "
        f"{large[0]} x {large[1]}: not 1 to 4 times as many along each side",
        hint="an image and its truth show the same field",
    )


def _few(files: Mapping[str, FilePlane]) -> str:
    return few([image.path.name for image in files.values()])
