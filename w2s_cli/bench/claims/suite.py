"""Which rows the claims of a paper need, and what is asked of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from w2s_cli.bench.claims.claim import Claim
from w2s_cli.bench.claims.paired_scores import PairedScores
from w2s_cli.bench.config import BenchConfig, Row
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import Selection
from w2s_cli.methods.build import chain_options, check_weights, options_for, parse

USUAL_SIDE = 128  # pixels along an image that `Suite.seconds` holds for


@dataclass(frozen=True)
class Suite:
    """The claims of a paper."""

    data: str  # the set that they are measured on unless another is named
    protocol: str  # of its scores; empty for that of the data set
    metrics: tuple[str, ...]
    seconds: float  # that one core takes for an image, on average over the rows
    comparisons: Callable[[Sequence[int]], Sequence[BenchConfig]]  # of some levels
    decide: Callable[[PairedScores], Sequence[Claim]]

    def rows(
        self,
        selection: Selection,
        levels: Sequence[int],
        weights: Mapping[str, str],
        options: Sequence[str],
    ) -> list[Row]:
        """Return the rows to measure, each once.

        Raises UsageError where weights or an option are for none of the methods.
        """
        comparisons = self.comparisons(levels)
        named = [[*one.denoisers, *one.sr, *one.joint] for one in comparisons]
        every = [*dict.fromkeys(chain(*named))]
        check_weights(every, weights)
        options_for(every, options)
        rows: list[Row] = []
        for one, methods in zip(comparisons, named, strict=True):
            own = {entry.name for method in methods for entry in parse(method)}
            files = {name: file for name, file in weights.items() if name in own}
            chosen = [o for o in options if any(chain_options(m, [o]) for m in methods)]
            full = replace(one, weights=files, options=(*one.options, *chosen))
            rows += selection.rows(full)
        return list(dict.fromkeys(rows))

    def minutes(self, selection: Selection, rows: Sequence[Row]) -> float:
        """Return about how long one core takes for rows of which nothing is known."""
        data, first = selection.data, rows[0]
        names = data.names(selection.split, first.level, first.scale, selection.fields)
        height, width = data.inputs[first.level][names[0]].shape()
        images = sum(selection.count(row) for row in rows)
        return self.seconds * images * height * width / USUAL_SIDE**2 / 60

    def decided(self, bench: BenchResult) -> BenchResult:
        """Return a bench of the rows with the claims, and what it says of them."""
        return replace(bench, claims=self.decide(PairedScores(bench)))
