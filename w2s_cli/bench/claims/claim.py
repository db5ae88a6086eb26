"""A claim, and how the intervals of paired differences decide about it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from w2s_cli.bench.scores.intervals import FEWEST, Interval

Verdict = Literal["holds", "does not hold", "not decided", "not measured"]
_PLURAL = {"holds": "hold", "does not hold": "do not hold"}


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one side is better than another, on the same images."""

    what: str  # the sides, in words
    metric: str
    unit: str  # of the difference, such as "dB"
    # above 0 where the first side is better; None where a row has no mean, or is not
    interval: Interval | None
    decides: bool = True  # about the claim; else it is told beside

    @property
    def verdict(self) -> Verdict:
        """Return whether the first side is better than chance would have it."""
        one = self.interval
        if one is None:
            return "not measured"
        if one.low is None or one.high is None or one.groups < FEWEST:
            return "not decided"
        if one.low > 0:
            return "holds"
        return "does not hold" if one.high < 0 else "not decided"

    @property
    def text(self) -> str:
        """Return the mean and its interval, with the unit."""
        one = self.interval
        if one is None:
            return "-"
        ends = "" if one.low is None else f" [{one.low:+.3g} to {one.high:+.3g}]"
        return " ".join(filter(None, (f"{one.mean:+.3g}", self.unit))) + ends


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, and all differences that are looked at for it."""

    letter: str  # what it is called
    statement: str  # in words
    source: str  # where it stands
    differences: Sequence[Difference]

    @property
    def verdict(self) -> Verdict:
        """Return what all deciding differences say: the claim is one of each of them.

        It does not hold where one of them is the other way round.
        """
        found = {one.verdict for one in self._deciding} or {"not measured"}
        against: tuple[Verdict, ...] = ("does not hold", "not measured", "not decided")
        return next((each for each in against if each in found), "holds")

    @property
    def sentence(self) -> str:
        """Return the verdict in words, with what was found."""
        text = f"{self.letter}. {self.verdict}: {self.statement} ({self.source})"
        means = [one.interval.mean for one in self._deciding if one.interval]
        unit = self._deciding[0].unit if self._deciding else ""
        if len(means) == 1:
            text += f"; {self._deciding[0].text}"
        elif means:
            text += f"; {min(means):+.3g} to {max(means):+.3g} {unit}".rstrip()
        counts = Counter(one.verdict for one in self._deciding)
        if len(counts) > 1:
            parts = [
                f"{count} {_PLURAL.get(verdict, verdict) if count > 1 else verdict}"
                for verdict, count in counts.most_common()
            ]
            text += f"; of {len(self._deciding)} differences {', '.join(parts)}"
        others = [one for one in self.differences if not one.decides]
        twice = len({one.metric for one in others}) < len(others)
        beside = [f"{f'{one.what} ' * twice}{one.metric} {one.text}" for one in others]
        return text + f"; beside it {', '.join(beside)}" * bool(beside)

    @property
    def _deciding(self) -> list[Difference]:
        return [one for one in self.differences if one.decides]

    def as_json(self) -> dict[str, Any]:
        """Return the claim as a JSON object."""
        return {
            "letter": self.letter,
            "statement": self.statement,
            "source": self.source,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "differences": [
                {**asdict(one), "verdict": one.verdict} for one in self.differences
            ],
        }


CLAIM_HEADS = ["claim", "first over second", "metric", "better by, 95 %", "verdict"]


def claim_rows(claims: Sequence[Claim]) -> Iterator[list[str]]:
    """Yield the cells of each difference; what decides nothing has no verdict."""
    for claim in claims:
        for one in claim.differences:
            verdict = one.verdict if one.decides else "beside it"
            yield [claim.letter, one.what, one.metric, one.text, verdict]
