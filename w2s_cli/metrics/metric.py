"""A row of the catalogue of metrics."""

from dataclasses import dataclass
from typing import Literal

from w2s_cli.registry import Entry


@dataclass(frozen=True, slots=True)
class Metric(Entry):
    """One metric: what its figure means, and what it is computed from.

    `needs`, of every entry, is one of:

    ===========  ==============================================================
    reference    `(reference, image, *, ...)`, two (Y, X) images on one grid
    exposure     `(first, second, *, ...)`, the same seen twice, with noise of its own
    input        `(low, image, *, ...)`, the widefield image and what was made of it
    nothing      `(image, *, ...)`, the image alone
    pristine     `(image, pristine, *, ...)`, the image and a model of sharp ones
    layers       `(reference, image)`, two sequences of (C, Y, X) features
    sets         `(reference, image)`, two (N, D) arrays of features of many images
    ===========  ==============================================================
    """

    unit: str = ""  # "dB", "pixel", "image" (that of the images), or none
    better: Literal["higher", "lower"] = "higher"
