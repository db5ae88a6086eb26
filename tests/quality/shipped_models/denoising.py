"""Denoisers on the validation fields of W2S, beside VST+BM3D and the paper.

VST+BM3D is told the noise. The method under test is measured twice: told too, and with
the noise estimated from the image, which is how it is used.

References
----------
.. [1] R. Zhou et al., "W2S: microscopy data with joint denoising and super-resolution
   for widefield to SIM mapping", ECCV Workshops 2020, Table 1.
"""

from collections.abc import Iterator

from shipped_models import w2s_samples
from shipped_models.finding import Finding, goal
from shipped_models.scoring import Scores, scored
from shipped_models.setting import BM3D, Setting, Subject
from w2s_cli.bench.config import Row
from w2s_cli.bench.published_tables import tables
from w2s_cli.bench.scores.convention import protocol

PAPER, PAPERS_BM3D = "w2s-1", "VST+BM3D"
METRICS = ("rmse", "ssim")
SPLIT = "validation"


def denoising(subject: Subject, setting: Setting) -> list[Finding]:
    """Return z-RMSE over that of VST+BM3D, and SSIM, at each level."""
    data = w2s_samples.open_data_set(setting.folder / "w2s")
    ours = [subject.row(level) for level in data.levels]
    rivals = [Row(BM3D, "", level) for level in data.levels]
    told, guessed = (
        scored(
            *(data, rows, setting, protocol("w2s")),
            metrics=METRICS,
            split=SPLIT,
            known_noise=known,
        )
        for rows, known in ((rivals + ours, True), (ours, False))
    )
    return [
        finding
        for one, rival in zip(ours, rivals, strict=True)
        for noise, found in (("given", told), ("estimated", guessed))
        for finding in _at(one, found, rival, told, noise)
    ]


def paper_ratio(level: int) -> float:
    """Return the least z-RMSE of the paper over that of its VST+BM3D, at a level."""
    (table,) = (table for table in tables() if table.name == PAPER)
    printed = {name: table.figures(name, str(level))["rmse"] for name in table.rows}
    return min(printed.values()) / printed[PAPERS_BM3D]


def _at(
    row: Row, found: Scores, rival: Row, told: Scores, noise: str
) -> Iterator[Finding]:
    level, where = row.level, f"avg{row.level}, noise {noise}"
    error, similarity = (found.mean(row, metric) for metric in METRICS)
    bm3d = {metric: told.mean(rival, metric) for metric in METRICS}
    yield Finding(
        f"{where}: z-RMSE over that of {BM3D}",
        error / bm3d["rmse"],
        "at most" if level == 1 else "below",
        goal("denoising", "first") if level == 1 else paper_ratio(level),
        f"{error:.4f} and {bm3d['rmse']:.4f}",
    )
    yield Finding(
        f"{where}: SSIM, beside that of {BM3D}", similarity, "above", bm3d["ssim"]
    )
