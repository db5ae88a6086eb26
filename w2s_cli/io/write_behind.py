"""Parts of an image that are written while the next are computed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Queue
from threading import Event, Thread
from time import perf_counter
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

Part = TypeVar("Part")
Piece = TypeVar("Piece")

_PIECE = 8 << 20  # bytes


@dataclass(slots=True)
class Stages:
    """Seconds that each stage has worked, and of them all together."""

    reading: float = 0.0
    computing: float = 0.0
    writing: float = 0.0
    all: float = 0.0
    given_up: bool = False  # what is still read or written is not wanted any more

    def as_json(self) -> dict[str, float]:
        """Return the share of the time in which each stage worked."""
        names = ("reading", "computing", "writing")
        return {one: round(getattr(self, one) / (self.all or 1), 3) for one in names}


class HandOver(Protocol):
    """Hands the parts of an image over to what writes them."""

    def __call__(
        self,
        parts: Iterable[Part],
        cut: Callable[[Part], Iterable[Piece]],
        write: Callable[[Iterator[Piece]], object],
    ) -> None:
        """Have `write` take the pieces that each part is cut into."""
        ...


def at_once(
    parts: Iterable[Part],
    cut: Callable[[Part], Iterable[Piece]],
    write: Callable[[Iterator[Piece]], object],
) -> None:
    """Write each part before the next is asked for; see `HandOver`."""
    write(piece for part in parts for piece in cut(part))


def in_pieces(band: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Cut rows into pieces that take no long to write: a signal waits for them."""
    rows = max(_PIECE // max(band[:1].nbytes, 1), 1)
    for start in range(0, len(band), rows):
        yield band[start : start + rows]


class GivenUpError(Exception):
    """Ends a thread whose work is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Writes a part in a thread while the next one is made: see `HandOver`.

    The parts are made where this is called, so that signals are heard there. No more
    than two are held, that which is written and that which is made. What goes wrong
    first is raised; the thread has ended by then.
    """

    stages: Stages

    def __call__(
        self,
        parts: Iterable[Part],
        cut: Callable[[Part], Iterable[Piece]],
        write: Callable[[Iterator[Piece]], object],
    ) -> None:
        """Have `write` take the pieces that each part is cut into."""
        begun, waited = perf_counter(), 0.0
        handed: Queue[list[Part]] = Queue()  # of one part each, of none at the end
        idle, ended = Event(), Event()
        failures: list[BaseException] = []

        def work() -> None:
            start = perf_counter()
            try:
                write(self._taken(handed, idle, cut))
            except BaseException as error:
                failures.append(error)
            finally:
                self.stages.writing += perf_counter() - start
                ended.set()
                idle.set()

        thread = Thread(target=work, name="writing", daemon=True)
        thread.start()
        try:
            for part in parts:
                waiting = perf_counter()
                idle.wait()
                waited += perf_counter() - waiting
                if ended.is_set():
                    break
                idle.clear()
                handed.put([part])
                del part
            waiting = perf_counter()
            handed.put([])
            thread.join()
            waited += perf_counter() - waiting
        except BaseException:
            self.stages.given_up = True
            raise
        finally:
            handed.put([])
            thread.join()
            self.stages.all += perf_counter() - begun
            self.stages.computing += perf_counter() - begun - waited
        if failures:
            self.stages.given_up = True
            raise failures[0]

    def _taken(
        self,
        handed: Queue[list[Part]],
        idle: Event,
        cut: Callable[[Part], Iterable[Piece]],
    ) -> Iterator[Piece]:
        while True:
            idle.set()
            waiting = perf_counter()
            part = handed.get()
            self.stages.writing -= perf_counter() - waiting
            if not part:
                return
            for piece in cut(part.pop()):
                if self.stages.given_up:
                    raise GivenUpError
                yield piece
