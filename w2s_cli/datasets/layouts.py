"""Layouts of FMD, of video-rate pairs, and of any two folders.

FMD [1]_ has real noise of confocal, two-photon and wide-field microscopes, in 8 bit::

    TYPE/raw/FOV/*.png, TYPE/avg2/FOV/*.png ...     50 captures, or averages of some
    TYPE/gt/FOV/avg50.png                           the average of all
    test_mix/raw/*.png, test_mix/gt/*.png           4 captures of each TYPE, mixed

Field of view 19 is for testing; Noise2SR has splits of its own ([3]_). The published
figures are means over the four corners of images, which the protocol `fmd` of
`w2s evaluate` and `w2s bench` scores one by one.

Video-rate confocal and multiphoton pairs, x2, are of MITO, MPM, MEM and NUC::

    MITO/LR/*.png, MITO/HR/*.png     equal stems; or train/LR, val/HR and so on

How the authors laid their files out is not public: this layout is ours. Where there are
no folders of splits, the sorted names are split by the counts of the paper ([2]_,
Table I): 3600 to train, 1100 to validate, the rest to test.

Of any two folders, files of equal stems are an image and its truth; suffixes may
differ. Which folder is which is known from their names, or said by the caller.

References
----------
.. [1] Y. Zhang et al., "A Poisson-Gaussian denoising dataset with real fluorescence
   microscopy images", CVPR (2019).
.. [2] Video-rate Real-ESRGAN.
.. [3] X. Tian et al., "Noise2SR: learning to denoise from super-resolved single noisy
   fluorescence image", MICCAI 2022.
"""

from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

import numpy as np

from w2s_cli.datasets.data_set import DataSet, FilePlane, non_empty
from w2s_cli.datasets.simulated_noise import SEED, SPLITS
from w2s_cli.errors import InputError, NothingMatchedError, few
from w2s_cli.io.formats import image_files, stem
from w2s_cli.restorers.units import EIGHT_BIT

FMD_LEVELS = {1: "raw", 2: "avg2", 4: "avg4", 8: "avg8", 16: "avg16"}
TEST_FIELD = "19"
MIXED = "test_mix"
KINDS = ("MITO", "MPM", "MEM", "NUC")
TRAINING, VALIDATION = 3600, 1100
_FOLDERS = {
    "train": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}
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


def fmd(place: Path) -> DataSet | None:
    """Return the data set of one type, of several, or of the mixed set, or None."""
    inputs: dict[int, dict[str, FilePlane]] = {level: {} for level in FMD_LEVELS}
    truths: dict[str, FilePlane] = {}
    for kind in (place, *sorted(path for path in place.glob("*") if path.is_dir())):
        there, start = _fmd_files(kind, "gt"), f"{kind.resolve().name}/"
        if not (kind / "gt").is_dir():
            continue
        for level, part in FMD_LEVELS.items():
            for name, image in _fmd_files(kind, part).items():
                inputs[level][start + name] = image
                field, inside, _ = name.partition("/")
                if truth := there.get(f"{field}/avg50" if inside else name):
                    truths[start + name] = truth
    inputs = non_empty(inputs)
    if not inputs:
        return None
    names = sorted(set().union(*inputs.values()))
    # The mixed set is a split of its own
    mixed = frozenset(name for name in names if name.startswith(f"{MIXED}/"))
    rest = frozenset(names) - mixed
    test = frozenset(n for n in rest if fmd_field(n).endswith(f"/{TEST_FIELD}"))
    splits = {"train": rest - test, "test": test, "mix": mixed}
    splits |= _noise2sr_splits(inputs.get(1, {}).keys() & truths)
    return DataSet(
        name="fmd",
        title="FMD",
        place=str(place),
        unit="1/255",
        per_unit=EIGHT_BIT.white,
        inputs=inputs,
        truths=non_empty({1: dict(sorted(truths.items()))}),
        splits={name: members for name, members in splits.items() if members},
        expected=names,
        group_of=fmd_field,
    )


def _noise2sr_splits(captures: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the splits of Noise2SR's experiment on real noise ([3]_, section 3.1).

    Of confocal and two-photon types: one capture of each of the fields 1 to 18, to
    train and (16 to 18) to validate, and three of 19 and of 20 to test. Which ones is
    not published: they are drawn by the name of the field.
    """
    by_field: dict[str, list[str]] = {}
    for name in sorted(captures):
        by_field.setdefault(fmd_field(name), []).append(name)
    found: dict[str, set[str]] = {}
    for group, names in by_field.items():
        kind, _, field = group.rpartition("/")
        if not kind.startswith(("Confocal_", "TwoPhoton_")) or not field.isdecimal():
            continue
        split = next((s for s, fields in SPLITS.items() if int(field) in fields), "")
        if not split:
            continue
        count = min(3 if split == "test" else 1, len(names))
        rng = np.random.default_rng([SEED, crc32(group.encode())])
        some = rng.permutation(len(names))[:count]
        found.setdefault(f"noise2sr-{split}", set()).update(names[i] for i in some)
    return {split: frozenset(names) for split, names in found.items()}


def fmd_field(name: str) -> str:
    """Return the type and field of view of an image.

    The mixed set has one field a type, which stands in the names of its files.
    """
    group, _, stem = name.rpartition("/")
    if group != MIXED:
        return group
    return f"{MIXED}/{stem.rstrip('0123456789').rstrip('_-') or stem}"


def _fmd_files(kind: Path, part: str) -> dict[str, FilePlane]:
    """Return the images of a part by "FOV/stem", of the mixed set by "stem"."""
    pattern = "*.png" if kind.resolve().name == MIXED else "*/*.png"
    return {
        file.relative_to(kind / part).with_suffix("").as_posix(): FilePlane(file)
        for file in sorted((kind / part).glob(pattern))
    }


def video_rate(place: Path) -> DataSet | None:
    """Return the data set of one kind or several, or None."""
    one = place.resolve().name.upper() in KINDS
    kinds = [place] if one else [place / kind for kind in KINDS]
    kinds = [path for path in kinds if path.is_dir()]
    inputs: dict[str, FilePlane] = {}
    truths: dict[str, FilePlane] = {}
    splits: dict[str, frozenset[str]] = {}
    for kind in kinds:
        for folder, split in {"": "", **_FOLDERS}.items():
            low, high = kind / folder / "LR", kind / folder / "HR"
            if not (low.is_dir() and high.is_dir()):
                continue
            start = "/".join(filter(None, (kind.resolve().name, split)))
            images = {f"{start}/{name}": it for name, it in files_of(low).items()}
            inputs |= images
            truths |= {f"{start}/{name}": it for name, it in files_of(high).items()}
            names = sorted(images)
            parts = {split: names}
            if not split:
                first, second = TRAINING, TRAINING + VALIDATION
                parts = {"train": names[:first], "validation": names[first:second]}
                parts["test"] = names[second:]
            for part, members in parts.items():
                if members:
                    splits[part] = splits.get(part, frozenset()) | {*members}
    if not inputs:
        return None
    both = sorted(inputs.keys() & truths.keys())
    if not both:
        raise NothingMatchedError(
            f"no image in LR has the name of one in HR under {place}",
            hint="an image and its truth have the same stem",
        )
    return DataSet(
        name="video-rate",
        title="video-rate pairs: " + ", ".join(path.resolve().name for path in kinds),
        place=str(place),
        unit="1/255",
        per_unit=EIGHT_BIT.white,
        inputs={1: inputs},
        truths={scale_of(inputs[both[0]], truths[both[0]]): truths},
        splits=splits,
        expected=sorted(inputs.keys() | truths.keys()),
    )


def folders(place: Path) -> DataSet | None:
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
            hint="; ".join(
                f"{folder} has {few([image.path.name for image in files.values()])}"
                for folder, files in ((noisy, inputs), (clean, truths))
            ),
        )
    first = inputs[both[0]], truths[both[0]]
    gray = first[0].dtype() == "uint8"
    return DataSet(
        name="folders",
        title="pairs of folders",
        place=f"{noisy} and {clean}",
        unit="1/255" if gray else "count",
        per_unit=EIGHT_BIT.white if gray else 1.0,
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
