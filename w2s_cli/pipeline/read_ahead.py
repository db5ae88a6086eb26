"""Rows of planes that are read and prepared while those before them are restored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Thread
from time import perf_counter

from w2s_cli.io.write_behind import Stages
from w2s_cli.pipeline.prepared_planes import Band
from w2s_cli.pipeline.unknown_areas import Index
from w2s_cli.restorers.tiling import Span

Order = Callable[[], Iterator[tuple[Index, Span]]]


class _Reading(Thread):
    """One band that is being read."""

    def __init__(self, read: Callable[[], Band]) -> None:
        super().__init__(name="reading", daemon=True)
        self._read = read
        self.seconds = 0.0
        self._band: Band | None = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Read it."""
        begun = perf_counter()
        try:
            self._band = self._read()
        except BaseException as error:
            self._error = error
        self.seconds = perf_counter() - begun

    def result(self) -> Band:
        """Return what was read, or raise what was raised."""
        self.join()
        if self._error:
            raise self._error
        assert self._band
        return self._band


@dataclass
class ReadAhead:
    """Reads the next band in a thread, after each that is asked for.

    Next is what comes after it in an order; where that is once not what is asked for,
    nothing more is read ahead. What cannot be read is told when it is asked for.
    """

    read: Callable[[Index, Span], Band]
    order: Order
    stages: Stages
    _coming: Iterator[tuple[Index, Span]] | None = None
    _next: tuple[tuple[Index, Span], _Reading] | None = field(default=None)
    _wrong: bool = False

    def __call__(self, index: Index, rows: Span) -> Band:
        """Return rows of a plane."""
        begun, ahead, self._next = perf_counter(), self._next, None
        if ahead:
            band = self._taken(*ahead, wanted=(index, rows))
        else:
            band = self.read(index, rows)
            self.stages.reading += perf_counter() - begun
        self.stages.computing -= perf_counter() - begun
        if not self._wrong:
            self._begin(index, rows)
        return band

    def _taken(
        self,
        known: tuple[Index, Span],
        reading: _Reading,
        wanted: tuple[Index, Span],
    ) -> Band:
        if known == wanted:
            band = reading.result()
        else:
            self._wrong = True
            reading.join()
            band = self.read(*wanted)
        self.stages.reading += reading.seconds
        return band

    def _begin(self, index: Index, rows: Span) -> None:
        """Read what comes after this."""
        if self._coming is None:
            self._coming = self.order()
            for one in self._coming:
                if one == (index, rows):
                    break
        following = next(self._coming, None)
        if following:
            self._next = following, _Reading(lambda: self.read(*following))
