"""Up to which detail an image and its truth agree, beside the input and its truth.

The Fourier rings of a restored image are correlated with those of the truth, which no
network has drawn: two restored images would agree on what was invented in both.
"""

from collections.abc import Iterator

import numpy as np

from shipped_models.enlarging import SPLIT, er
from shipped_models.finding import Finding
from shipped_models.scoring import scored
from shipped_models.setting import Setting, Subject
from w2s_cli.bench.config import Row
from w2s_cli.bench.scores.convention import Convention
from w2s_cli.datasets import SIMULATED, find
from w2s_cli.datasets.data_set import DataSet

METRIC = "frc"


def real(subject: Subject, setting: Setting) -> list[Finding]:
    """Return the resolution of exposures of an endoplasmic reticulum."""
    return [*_compared(subject, 1, er(setting), setting, "ER")]


def simulated(subject: Subject, setting: Setting) -> list[Finding]:
    """Return the resolution of simulated cells at each level of light."""
    data = find(SIMULATED)
    return [
        finding
        for level in data.levels
        for finding in _compared(
            subject, level, data, setting, f"{level} photons", SPLIT
        )
    ]


def _compared(
    subject: Subject,
    level: int,
    data: DataSet,
    setting: Setting,
    where: str,
    split: str = "all",
) -> Iterator[Finding]:
    ours, before = subject.row(level), Row("", "bicubic", level)
    found = scored(
        data, [ours, before], setting, Convention(), metrics=(METRIC,), split=split
    )
    # Of the pixels of the truth, two lie along one of the input.
    after, untouched = (
        float(np.median(found.of[row][METRIC])) / 2 for row in (ours, before)
    )
    yield Finding(
        f"{where}: resolution in input pixels, beside that of the input",
        after,
        "below",
        untouched,
    )
