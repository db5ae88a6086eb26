"""Sets of images and their truths: found by name or path, read one pair at a time.

`find` looks at a folder or zip and says by itself how it is laid out::

    found = find("W2S_raw.zip")
    for pair in found.pairs("test", level=1, scale=1):
        error = (pair.image - pair.truth) / found.per_unit  # in the unit of the paper

Values are camera counts, or gray values where a set has nothing else. The target of a
row of `DATASETS` is a function of a path that returns the `DataSet` there, or None
where something else is there.
"""

import os
from pathlib import Path

from w2s_cli.datasets.data_set import DataSet, ImagePair
from w2s_cli.errors import InputError, few
from w2s_cli.registry import Entry, Registry

__all__ = ["DATASETS", "MADE", "SIMULATED", "DataSet", "ImagePair", "find"]

SIMULATED = "simulated"
NEEDS_NOTHING = "nothing"  # of the sets that are made, not read

DATASETS = Registry(
    "kind of data set",
    Entry(
        "w2s-raw",
        "w2s_cli.datasets.w2s_raw:open_data_set",
        "W2S, every capture of 120 fields: the zip, or unpacked",
        "Zhou et al. 2020",
        needs="Image001/wf_channel0.npy",
    ),
    Entry(
        "w2s-normalized",
        "w2s_cli.datasets.w2s:normalized",
        "W2S, averages as z-scores",
        "Zhou et al. 2020",
        needs="avg1/001_0.npy, or train/avg1/001_0.npy and test/avg1/081_0.npy",
    ),
    Entry(
        "w2s-png",
        "w2s_cli.datasets.w2s:png",
        "W2S, averages in 8 bit, as first published",
        "Zhou et al. 2020",
        needs="test/avg1/081_0.png or all/avg1/001_0.png",
    ),
    Entry(
        "fmd",
        "w2s_cli.datasets.layouts:fmd",
        "FMD: confocal, two-photon and wide-field, or its mixed test set",
        "Zhang et al. 2019",
        needs="TYPE/raw/FOV/*.png and TYPE/gt/FOV/avg50.png, or test_mix/raw/*.png",
    ),
    Entry(
        "fmd-simulated",
        "w2s_cli.datasets.simulated_noise:open_data_set",
        "FMD's averages with simulated noise, by `w2s data simulate`",
        "Tian et al. 2022",
        needs="gaussian-15/train/noisy/*.tif and gaussian-15/train/clean/*.png",
    ),
    Entry(
        "video-rate",
        "w2s_cli.datasets.layouts:video_rate",
        "pairs of MITO, MPM, MEM or NUC, x2",
        "video-rate Real-ESRGAN",
        needs="MITO/LR and MITO/HR",
    ),
    Entry(
        "folders",
        "w2s_cli.datasets.layouts:folders",
        "any two folders with files of equal stems",
        needs="noisy/ and clean/, low/ and high/, lr/ and hr/, or input/ and target/",
    ),
    Entry(
        SIMULATED,
        "w2s_cli.datasets.simulated:open_data_set",
        "the simulator's standard set, on any machine",
        "made by this project",
        needs=NEEDS_NOTHING,
    ),
    Entry(
        "simulated-averages",
        "w2s_cli.datasets.simulated:open_averages",
        "the same simulator, with the levels of W2S: averages of 1 to 400 captures",
        "made by this project",
        needs=NEEDS_NOTHING,
    ),
    Entry(
        "simulated-video-rate",
        "w2s_cli.datasets.simulated:open_video_rate",
        "the same simulator, 20 short captures of each of 40 fields in 8 bit, x2",
        "made by this project",
        needs=NEEDS_NOTHING,
    ),
)
MADE = frozenset(row.name for row in DATASETS if row.needs == NEEDS_NOTHING)
"""The sets that need no files."""

_INSIDE = ("", "data", "normalized", "data/normalized")  # where copies hide


def find(wanted: str | Path, *, kind: str = "", truth: Path | None = None) -> DataSet:
    """Return the data set that a name or a path means.

    Wanted is one of `MADE`, a folder or a zip, or the name of one that was fetched; the
    first kind of `DATASETS` that a folder holds is meant, or the one that is named.
    `truth` is the folder of the truths where `wanted` is that of their images alone.
    """
    if truth is not None:
        from w2s_cli.datasets.layouts import paired

        return paired(Path(wanted), truth)
    if (name := str(wanted)) in MADE:
        made: DataSet = DATASETS[name].load()(Path())
        return made
    place = _place(str(wanted))
    rows = [DATASETS[kind]] if kind else list(DATASETS)
    for entry in rows:
        for inside in _INSIDE if place.is_dir() else ("",):
            if entry.name in MADE:
                continue
            found: DataSet | None = entry.load()(place / inside)
            if found:
                return found
    if place.is_file():
        contents = f"a file of {place.stat().st_size} bytes"
    else:
        names = sorted(path.name for path in place.iterdir())
        contents = f"it holds {few(names)}" if names else "the folder is empty"
    layouts = [f"{row.name}: {row.needs}" for row in rows if row.name not in MADE]
    raise InputError(
        f"{place} is no data set that w2s knows: {contents}",
        hint="expected one of: " + "; ".join(layouts),
    )


def _place(wanted: str) -> Path:
    """Return the file or folder that a word means, after a look at its permissions."""
    from w2s_cli.weights.cache import status
    from w2s_cli.weights.catalogue import DATASETS as PUBLISHED

    places = [Path(wanted)]
    if wanted in PUBLISHED:
        places.append(status(PUBLISHED[wanted]).path)
    for place in places:
        if _readable(place):
            return place
    hint = f"name a folder, a zip, or {SIMULATED!r}, which needs no files"
    if wanted in PUBLISHED:
        hint = f"fetch it with `w2s fetch {wanted}`"
    elif Path(wanted).name.lower() == "w2s":
        hint = (
            "to make that folder, 40 GB are fetched: `w2s fetch w2s-raw`, then "
            f"`w2s data prepare w2s $(w2s fetch w2s-raw --print-path) -o {wanted}`"
        )
    raise InputError(
        f"there is no file or folder {' or '.join(map(str, places))}", hint=hint
    )


def _readable(place: Path) -> bool:
    """Say whether there is such a place; InputError where it may not be read."""
    try:
        if not place.exists():
            return False
        allowed = os.access(place, os.R_OK | (os.X_OK if place.is_dir() else 0))
    except PermissionError:  # of a folder around it
        allowed = False
    if not allowed:
        raise InputError(
            f"cannot read {place}: Permission denied", hint="check its permissions"
        )
    return True
