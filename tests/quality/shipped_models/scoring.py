"""Methods scored on a set of images, as a bench does, its journals included."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shipped_models.setting import Setting
from w2s_cli._typing import FloatArray
from w2s_cli.bench.config import Row
from w2s_cli.bench.run_bench import Selection, run_bench
from w2s_cli.bench.scores.convention import Convention
from w2s_cli.datasets.data_set import ALL, DataSet, Mask

Images = Mapping[int, Mapping[str, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """An image that is in memory.

    Attributes
    ----------
    where
        What a message calls it.
    pixels
        (Y, X).
    """

    where: str
    pixels: FloatArray

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        height, width = self.pixels.shape
        return height, width

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its pixels, all of them valid."""
        return self.pixels, None


def held(title: str, images: Images, truths: Images) -> DataSet:
    """Return a data set of images in memory.

    Parameters
    ----------
    title
        What it is.
    images, truths
        Level, and scale -> name -> (Y, X) in counts.
    """
    inputs, wanted = (
        {
            key: {name: Held(f"{name} of {title}", x) for name, x in part.items()}
            for key, part in parts.items()
        }
        for parts in (images, truths)
    )
    return DataSet("suite", title, title, "count", 1.0, inputs, wanted)


@dataclass(frozen=True)
class Scores:
    """The scores of rows, image by image.

    Attributes
    ----------
    of
        Row -> metric -> (N,) scores; NaN for images that a method refused.
    names
        Row -> the N images.
    """

    of: Mapping[Row, Mapping[str, NDArray[np.float64]]]
    names: Mapping[Row, Sequence[str]]

    def mean(self, row: Row, metric: str) -> float:
        """Return the mean of a score; NaN where an image has none."""
        return float(self.of[row][metric].mean())


def scored(
    data: DataSet,
    rows: Iterable[Row],
    setting: Setting,
    convention: Convention,
    *,
    metrics: tuple[str, ...] = ("rmse",),
    split: str = ALL,
    known_noise: bool = False,
) -> Scores:
    """Return the scores of methods on images; what was scored before is not again.

    Parameters
    ----------
    data, split
        The images.
    rows
        The methods, each on a level of noise.
    setting
        How they are run.
    convention, metrics
        How the results are scored.
    known_noise
        Whether methods are told the noise; else it is estimated from each image.
    """
    config = replace(
        setting.config(known_noise=known_noise), metrics=metrics, convention=convention
    )
    done = run_bench(
        [*dict.fromkeys(rows)],
        Selection(data, split),
        config,
        setting.cache / "bench",
        jobs=setting.jobs,
    )
    of, names = {}, {}
    for one in done:
        of[one.row] = {
            metric: np.array([image.scores.get(metric, np.nan) for image in one.images])
            for metric in metrics
        }
        names[one.row] = [image.name for image in one.images]
    return Scores(of, names)
