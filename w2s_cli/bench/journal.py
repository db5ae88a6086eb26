"""Scores that are kept from one run to the next: a file a method, a line an image.

A bench that was killed goes on where it was, and nothing is computed twice.
"""

import json
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from os import environ
from pathlib import Path
from typing import Any, Self

from w2s_cli.errors import OutputError, UsageError


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The scores of one image, or why it has none."""

    # name, group: the image and its field of view
    name: str
    group: str
    content: str  # hash of the image and its truth
    # by metric; empty where the image could not be restored
    scores: dict[str, float]
    seconds: float  # of the restoration, with the estimate of the noise
    error: str = ""  # why it could not be restored

    def as_json(self) -> dict[str, Any]:
        """Return the scores as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """Return the scores that `as_json` gave."""
        return cls(**found)


@dataclass
class Journal:
    """The images that a method has scored already."""

    path: Path  # the file; it need not exist
    _kept: dict[str, ImageResult] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._kept = {scored.content: scored for scored in self._lines()}

    @classmethod
    def of(cls, folder: Path, digest: str) -> "Journal":
        """Return the journal of the trials of a digest."""
        return cls(folder / f"{digest[:24]}.jsonl")

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
                lines.write("\n" + json.dumps(scored.as_json()) + "\n")
        except OSError as error:
            raise self._unusable("write", error) from error

    def _lines(self) -> Iterator[ImageResult]:
        """Yield the scores of all whole lines; a run that was killed leaves half."""
        try:
            text = self.path.read_text(errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable("read", error) from error
        for line in text.splitlines():
            try:
                yield ImageResult.from_json(json.loads(line))
            except (ValueError, TypeError):
                continue

    def _unusable(self, what: str, error: OSError) -> OutputError:
        return OutputError(
            f"cannot {what} {self.path}: {error.strerror}",
            hint="name another folder with --cache",
        )


_THREADS = "OMP_NUM_THREADS"


@contextmanager
def workers(jobs: int) -> Iterator[Executor | None]:
    """Give a pool of processes, or none for one job."""
    if jobs < 1:
        raise UsageError(
            f"--jobs must be 1 or more, found {jobs}",
            hint="1 works without other processes",
        )
    if jobs == 1:
        yield None
        return
    from w2s_cli.networks.inference import cores

    with _threads(max(cores() // jobs, 1)):
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let processes that start meanwhile use so many threads each."""
    before = environ.get(_THREADS)
    environ[_THREADS] = str(number)
    try:
        yield
    finally:
        if before is None:
            del environ[_THREADS]
        else:
            environ[_THREADS] = before
