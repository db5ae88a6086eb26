"""What all copies of the W2S data set share: fields, channels, levels, splits, units.

References
----------
.. [1] R. Zhou, M. El Helou, D. Sage, T. Laroche, A. Seitz and S. Susstrunk, "W2S:
   microscopy data with joint denoising and super-resolution for widefield to SIM
   mapping", ECCV Workshops (2020).
"""

from collections.abc import Mapping

from w2s_cli.restore.affine import EIGHT_BIT, affine
from w2s_cli.restore.restorer import Domain

CAPTURES = 400
LEVELS = (1, 2, 4, 8, 16, CAPTURES)
CHANNELS = 3
FIELDS = range(1, 121)
# The published training set is 1-80; its last ten fields are ours to choose by.
SPLITS: Mapping[str, range] = {
    "train": range(1, 71),
    "validation": range(71, 81),
    "test": range(81, 121),
}

_Z = affine(Domain.Z, EIGHT_BIT)  # z-scores have no black and white
Z_OFFSET, Z_UNIT = _Z.zero, _Z.one
"""Mean and standard deviation of all captures, in counts."""

NAME = "[0-9][0-9][0-9]_[0-9]"  # of an image: field and channel


def name_of(field: int, channel: int) -> str:
    """Return the name that the publishers give an image: "081_0"."""
    return f"{field:03d}_{channel}"


def names_of(fields: range) -> list[str]:
    """Return the names of all the images of a range of fields."""
    return [name_of(field, channel) for field in fields for channel in range(CHANNELS)]


def splits() -> dict[str, frozenset[str]]:
    """Return the names of each split."""
    return {split: frozenset(names_of(fields)) for split, fields in SPLITS.items()}


def frames_of(level: int) -> range:
    """Return the captures that the average of a level is made of, as published.

    The single capture of level 1 is the 250th, which is in no average but the longest.
    """
    return range(249, 250) if level == 1 else range(level)
