"""Which rows the claims of a paper need, and what is asked of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from w2s_cli.bench.claims.claim import Claim
from w2s_cli.bench.claims.paired_scores import PairedScores
from w2s_cli.bench.config import BenchConfig, Row
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import Selection
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.errors import UsageError
from w2s_cli.methods.build import chain_options, check_weights, options_for, parse
from w2s_cli.restorers.restorer import FitProgress

USUAL_SIDE = 128  # pixels along an image that `Suite.seconds` holds for


@dataclass(frozen=True)
class Training:
    """Weights that a claim is about, and that are trained for it."""

    name: str  # the method that they are for, or the label of their row
    seconds: float  # that one core takes, about
    # trains them, or returns those that were trained before
    run: Callable[[FitProgress], Path]


@dataclass(frozen=True)
class Suite:
    """The claims of a paper."""

    data: str  # the set that they are measured on unless another is named
    protocol: str  # of its scores; empty for that of the data set
    metrics: tuple[str, ...]
    seconds: float  # that one core takes for an image, on average over the rows
    # the rows at some levels, with weights by the names of their trainings and methods
    comparisons: Callable[[Sequence[int], Mapping[str, str]], Sequence[BenchConfig]]
    decide: Callable[[PairedScores], Sequence[Claim]]
    # what is trained on a data set; None for nothing
    trainings: Callable[[DataSet], Sequence[Training]] | None = None
    labels: Sequence[str] = ()  # of trainings whose rows are called so

    def prepared(self, data: DataSet) -> DataSet:
        """Return a set with images to train on, where something is and it has none.

        A third of the fields of a set without splits judge: those are its split "test".
        """
        if data.splits or self.trainings is None:
            return data
        names = set[str]().union(*data.inputs.values())
        judging = {*sorted({data.group_of(name) for name in names})[::3]}
        test = frozenset(name for name in names if data.group_of(name) in judging)
        return replace(data, splits={"train": names - test, "test": test})

    def apart(self, selection: Selection) -> DataSet:
        """Return the set to train on, without the fields that judge.

        Raises UsageError where nothing is left.
        """
        data, split, fields = selection.data, selection.split, selection.fields
        every = set[str]().union(*data.inputs.values())
        judging = {data.group_of(name) for name in data.splits.get(split, every)}
        judging &= judging if fields is None else fields
        train = data.splits.get("train", every)
        left = frozenset(one for one in train if data.group_of(one) not in judging)
        if not left:
            raise UsageError(
                f"the split {split!r} of {data.place} has all fields of view that "
                "networks are trained on, and none may judge what it has taught",
                hint="name another --split, or some --fields to judge",
            )
        return replace(data, splits={**data.splits, "train": left})

    def rows(
        self,
        selection: Selection,
        levels: Sequence[int],
        weights: Mapping[str, str],
        options: Sequence[str],
        trained: Callable[[], Mapping[str, str]] = dict,
    ) -> list[Row]:
        """Return the rows to measure, each once.

        `trained` gives the files of the trainings, after all else was found right.
        Raises UsageError where weights or an option are for none of the methods.
        """
        every = [*dict.fromkeys(chain(*map(_named, self.comparisons(levels, {}))))]
        check_weights(every, weights.keys() - {*self.labels})
        options_for(every, options)
        if self.trainings:  # they take long: levels and fields are looked at before
            for one in self.comparisons(levels, {}):
                selection.rows(one)
        comparisons = self.comparisons(levels, {**trained(), **weights})
        rows: list[Row] = []
        for one in comparisons:
            methods = _named(one)
            own = {entry.name for method in methods for entry in parse(method)}
            files = {name: file for name, file in weights.items() if name in own}
            chosen = [o for o in options if any(chain_options(m, [o]) for m in methods)]
            files = {**one.weights, **files}
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
        scores = PairedScores(bench)
        return replace(bench, claims=self.decide(scores), rests=scores.rests)


def _named(one: BenchConfig) -> list[str]:
    """Return the methods of a comparison; those of labels are not options' business."""
    words = [*one.denoisers, *one.sr, *one.joint]
    return [word for word in words if "=" not in word]
