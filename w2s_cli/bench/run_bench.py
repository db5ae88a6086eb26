"""Every method on every image of a data set, as far as it was not done before."""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from os import environ
from pathlib import Path
from typing import Any

import numpy as np

from w2s_cli.bench.config import BenchConfig, MethodConfig, Row
from w2s_cli.bench.run_image import ImageResult, content_of, run_image
from w2s_cli.bench.scores.intervals import Interval, interval
from w2s_cli.datasets.data_set import ALL, DataSet, ImagePair
from w2s_cli.errors import NothingMatchedError, OutputError, UsageError

_SPAN = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")
_THREADS = "OMP_NUM_THREADS"


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
        if not self.images or self.without(metric):
            return None
        values = [scored.scores[metric] for scored in self.images]
        return interval(values, [scored.group for scored in self.images])

    def without(self, metric: str) -> list[ImageResult]:
        """Return the images of which a metric is missing, or no number."""
        return [
            scored
            for scored in self.images
            if not np.isfinite(scored.scores.get(metric, np.nan))
        ]

    def as_json(self, metrics: Sequence[str]) -> dict[str, Any]:
        """Return the row as a JSON object."""
        found: dict[str, Any] = {
            **self.row.as_json(),
            "images": len(self.images),
            "failed": len(self.failed),
            "seconds": round(self.seconds, 4) if self.done else None,
        }
        for metric in metrics:
            one = self.interval(metric)
            found[metric] = one and {"mean": one.mean, "low": one.low, "high": one.high}
        return found


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
        named = {word} & known
        if span := _SPAN.fullmatch(word):
            numbers = range(int(span[1]), int(span[2] or span[1]) + 1)
            named |= {one for one in known if one.isdecimal() and int(one) in numbers}
        if not named:
            raise NothingMatchedError(
                f"{data.place} has no field of view {word}",
                hint="`w2s data check` says what is there",
            )
        found |= named
    return frozenset(found)


@dataclass
class Journal:
    """The images that a method has scored already: a line each in a file.

    A bench that was killed goes on where it was, and nothing is computed twice.
    """

    path: Path  # the file; it need not exist
    _kept: dict[str, ImageResult] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        try:
            text = self.path.read_text(errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable("read", error) from error
        for line in text.splitlines():
            with suppress(ValueError, TypeError):  # a run that was killed leaves half
                scored = ImageResult(**json.loads(line))
                self._kept[scored.content] = scored

    def get(self, content: str) -> ImageResult | None:
        """Return what is known of the images of a hash."""
        return self._kept.get(content)

    def add(self, scored: ImageResult) -> None:
        """Keep the scores of one image."""
        self._kept[scored.content] = scored
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as lines:
                # A line that was cut off before must not swallow this one.
                lines.write("\n" + json.dumps(asdict(scored)) + "\n")
        except OSError as error:
            raise self._unusable("write", error) from error

    def _unusable(self, what: str, error: OSError) -> OutputError:
        return OutputError(
            f"cannot {what} {self.path}: {error.strerror}",
            hint="name another folder with --cache",
        )


@contextmanager
def workers(jobs: int) -> Iterator[Executor | None]:
    """Give a pool of processes that share the threads, or none for one job."""
    if jobs < 1:
        raise UsageError(
            f"--jobs must be 1 or more, found {jobs}",
            hint="1 works without other processes",
        )
    if jobs == 1:
        yield None
        return
    from w2s_cli.networks.devices import cores

    before = environ.get(_THREADS)
    environ[_THREADS] = str(max(cores() // jobs, 1))
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        if before is None:
            del environ[_THREADS]
        else:
            environ[_THREADS] = before


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
            journal = Journal(journals / f"{one.digest[:24]}.jsonl")
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
