"""Every method on every image of a data set, as far as it was not done before."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from w2s_cli.bench.config import BenchConfig, MethodConfig, Row
from w2s_cli.bench.journal import ImageResult, Journal, workers
from w2s_cli.bench.run_image import content_of, run_image
from w2s_cli.bench.scores.intervals import Interval, interval
from w2s_cli.datasets.data_set import ALL, DataSet, ImagePair
from w2s_cli.errors import NothingMatchedError


@dataclass(frozen=True)
class MethodResult:
    """A row with all its scores."""

    row: Row  # the methods and the level
    images: Sequence[ImageResult]  # what became of each image

    @property
    def done(self) -> list[ImageResult]:
        """Return the images that could be restored."""
        return [scored for scored in self.images if not scored.error]

    @property
    def failed(self) -> list[ImageResult]:
        """Return those that could not."""
        return [scored for scored in self.images if scored.error]

    @property
    def seconds(self) -> float:
        """Return the median time of an image; NaN where none was restored."""
        times = [scored.seconds for scored in self.done]
        return float(np.median(times)) if times else float("nan")

    def interval(self, metric: str) -> Interval | None:
        """Return the mean of a metric and its interval over fields of view.

        None where a value is missing or no number: a mean without it would be of
        other images than those of the rows beside.
        """
        values = [scored.scores.get(metric, np.nan) for scored in self.images]
        if not values or not np.isfinite(values).all():
            return None
        return interval(values, [scored.group for scored in self.images])

    def as_json(self, metrics: Sequence[str]) -> dict[str, Any]:
        """Return the row as a JSON object."""
        found = {metric: self.interval(metric) for metric in metrics}
        return {
            **self.row.as_json(),
            "images": len(self.images),
            "failed": len(self.failed),
            "seconds": round(self.seconds, 4) if self.done else None,
            **{
                metric: None
                if one is None
                else {"mean": one.mean, "low": one.low, "high": one.high}
                for metric, one in found.items()
            },
        }


_SPAN = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


@dataclass(frozen=True)
class Selection:
    """Which images of a data set are scored."""

    data: DataSet
    split: str
    fields: frozenset[str] | None = None  # only these fields of view; None for all

    def count(self, row: Row) -> int:
        """Return how many images a row has."""
        return self.data.count(self.split, row.level, row.scale, self.fields)

    def pairs(self, row: Row) -> Iterator[ImagePair]:
        """Return the images of a row, each read when it is asked for."""
        return self.data.pairs(self.split, row.level, row.scale, self.fields)

    def rows(self, comparison: BenchConfig) -> list[Row]:
        """Return the rows to compare, with the noise-free ones if there can be any."""
        rows = comparison.rows(self.data.clean)
        for row in rows:
            self.count(row)
        return rows


def default_split(data: DataSet) -> str:
    """Return the split that papers score, or all images where there is none."""
    return "test" if "test" in data.splits else ALL


def fields_named(data: DataSet, words: Iterable[str]) -> frozenset[str]:
    """Return the fields of view that words name: "081"; of numbers, also "81-83"."""
    sets = (*data.inputs.values(), *data.truths.values())
    known = {data.group_of(name) for images in sets for name in images}
    found: set[str] = set()
    for word in words:
        named = {field for field in known if field == word or _spans(word, field)}
        if not named:
            raise NothingMatchedError(
                f"{data.place} has no field of view {word}",
                hint="`w2s data check` says what is there",
            )
        found |= named
    return frozenset(found)


def _spans(word: str, field: str) -> bool:
    """Return whether a number, or numbers from one to another, hold a field's."""
    span = _SPAN.fullmatch(word)
    if not span or not field.isdecimal():
        return False
    return int(span[1]) <= int(field) <= int(span[2] or span[1])


def run_bench(
    rows: Sequence[Row],
    selection: Selection,
    config: MethodConfig,
    journals: Path,
    *,
    jobs: int = 1,
    on_row: Callable[[str], None] = lambda name: None,
    on_image: Callable[[], None] = lambda: None,
) -> Iterator[MethodResult]:
    """Yield each row when all its images are scored.

    What the journals have is not computed again. `on_row` is called before each row
    with its name, `on_image` after each image.
    """
    with workers(jobs) as pool:
        for row in rows:
            one = config.of(row)
            on_row(f"{row.name}, level {row.level}")
            journal = Journal.of(journals, one.digest)
            images = []
            for scored in _scored(one, selection.pairs(row), journal, pool, jobs):
                images.append(scored)
                on_image()
            yield MethodResult(row, images)


def _scored(
    config: MethodConfig,
    pairs: Iterable[ImagePair],
    journal: Journal,
    pool: Executor | None,
    jobs: int,
) -> Iterator[ImageResult]:
    """Yield the result of each pair in turn; few of them wait in memory."""
    waiting: deque[ImageResult | Future[ImageResult]] = deque()

    def first() -> ImageResult:
        result = waiting.popleft()
        if isinstance(result, Future):
            result = result.result()
            journal.add(result)
        return result

    for pair in pairs:
        content = content_of(pair)
        if known := journal.get(content):
            waiting.append(replace(known, name=pair.name, group=pair.group))
        elif pool:
            waiting.append(pool.submit(run_image, config, pair, content))
        else:
            result = run_image(config, pair, content)
            journal.add(result)
            waiting.append(result)
        while len(waiting) > (2 * jobs if pool else 0):
            yield first()
    while waiting:
        yield first()
