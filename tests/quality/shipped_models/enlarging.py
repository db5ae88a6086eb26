"""Methods that denoise and enlarge at once, beside those that do it one by one.

Scores are taken after the gain and the offset of least squared difference from the
truth. A deconvolution takes part with many widths and numbers of steps, and counts with
the best of them for each score: it is tuned on the truth, the method under test is not.
The noise is estimated from each image.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from shipped_models.finding import Finding
from shipped_models.scoring import Scores, held, scored
from shipped_models.setting import BM3D, Setting, Subject
from w2s_cli.bench.config import Row
from w2s_cli.bench.scores.convention import protocol
from w2s_cli.datasets import SIMULATED, find
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.io import open_image

Rivals = Mapping[str, Sequence[Row]]

METRICS = ("psnr", "ssim")
PROTOCOL = "care"  # fitted; the peak from percentiles of the truth
REAL_WIDTHS = (
    2.4,
    3.0,
    3.6,
    4.2,
)  # FWHM in pixels of the input: that of ER is not known
SIMULATED_WIDTHS = (2.4,)  # 0.51 * wavelength / NA of `w2s_cli.microscope.simulation`
STEPS = (5, 15, 40, 100)
SPLIT = "validation"  # of the simulated set


def real(subject: Subject, setting: Setting) -> list[Finding]:
    """Return scores on exposures of an endoplasmic reticulum, against SIM."""
    rivals = rivals_at(1, REAL_WIDTHS)
    return [*_compared(subject.row(), rivals, er(setting), setting, "ER")]


def simulated(subject: Subject, setting: Setting) -> list[Finding]:
    """Return scores on simulated cells at each level of light."""
    data = find(SIMULATED)
    return [
        finding
        for level in data.levels
        for finding in _compared(
            subject.row(level),
            rivals_at(level, SIMULATED_WIDTHS),
            data,
            setting,
            f"{level} photons",
            SPLIT,
        )
    ]


def er(setting: Setting) -> DataSet:
    """Return the exposures of the endoplasmic reticulum and their SIM image."""
    folder = setting.folder / "sim_pair"
    with open_image(folder / "er_widefield.tif") as stack:
        exposures = {
            f"exposure {number}": np.asarray(stack.data[index], np.float32)
            for number, index in enumerate(stack.indices())
        }
    with open_image(folder / "er_sim.tif") as stack:
        truth = np.asarray(stack.data[()], np.float32)
    return held("ER", {1: exposures}, {2: dict.fromkeys(exposures, truth)})


def rivals_at(level: int, widths: Sequence[float]) -> Rivals:
    """Return the rows to be better than, by name; of several, than the best."""
    tuned = [
        ("scale=2", f"fwhm={width:g}", f"iterations={steps}")
        for width, steps in product(widths, STEPS)
    ]
    lucy = "richardson-lucy"
    return {
        "bicubic": [Row("", "bicubic", level)],
        "denoise+bicubic": [Row("denoise", "bicubic", level)],
        lucy: [Row("", lucy, level, options=options) for options in tuned],
        f"{BM3D}+{lucy}": [Row(BM3D, lucy, level, options=o) for o in tuned],
    }


def _compared(
    ours: Row,
    rivals: Rivals,
    data: DataSet,
    setting: Setting,
    where: str,
    split: str = "all",
) -> Iterator[Finding]:
    rows = [ours, *(row for several in rivals.values() for row in several)]
    found = scored(
        data, rows, setting, protocol(PROTOCOL), metrics=METRICS, split=split
    )
    for metric in METRICS:
        best = {name: _best(found, several, metric) for name, several in rivals.items()}
        yield Finding(
            f"{where}: {metric.upper()}, beside the best of the others",
            found.mean(ours, metric),
            "above",
            max(best.values()),
            ", ".join(f"{name} {value:.4g}" for name, value in best.items()),
        )


def _best(found: Scores, rows: Sequence[Row], metric: str) -> float:
    return max(found.mean(row, metric) for row in rows)
