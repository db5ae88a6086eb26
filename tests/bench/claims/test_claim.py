"""A claim is decided by the intervals of its differences, and by nothing else."""

import pytest

from w2s_cli.bench.claims.claim import Claim, Difference, claim_rows
from w2s_cli.bench.scores.intervals import Interval


def difference(
    low: float | None, high: float | None, *, groups: int = 12, decides: bool = True
) -> Difference:
    known = low is not None and high is not None
    mean = (low + high) / 2 if known else 1.0
    one = Interval(mean, low, high, groups)
    return Difference("one over other", "psnr", "dB", one, decides)


UNMEASURED = Difference("one over other", "psnr", "dB", None)
YES, NO, OPEN = difference(1, 3), difference(-3, -1), difference(-1, 2)


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (YES, "holds"),
        (NO, "does not hold"),
        (OPEN, "not decided"),
        (difference(0, 3), "not decided"),
        (difference(-3, 0), "not decided"),
        (difference(1, 3, groups=5), "not decided"),
        (difference(None, None, groups=1), "not decided"),
        (UNMEASURED, "not measured"),
    ],
)
def test_an_interval_decides(one: Difference, verdict: str) -> None:
    assert one.verdict == verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([YES, YES], "holds"),
        ([YES, NO], "does not hold"),
        ([YES, NO, UNMEASURED, OPEN], "does not hold"),
        ([YES, OPEN], "not decided"),
        ([YES, OPEN, UNMEASURED], "not measured"),
        ([YES, difference(-3, -1, decides=False)], "holds"),
        ([difference(1, 3, decides=False)], "not measured"),
        ([], "not measured"),
    ],
)
def test_a_claim_is_one_of_every_difference(found, verdict) -> None:
    assert Claim("a", "it is so", "a paper", found).verdict == verdict


def test_a_sentence_says_what_was_found() -> None:
    def said(*found: Difference) -> str:
        return Claim("a", "it is so", "Table 2", found).sentence

    assert said(YES) == "a. holds: it is so (Table 2); +2 dB [+1 to +3]"
    assert said(YES, difference(4, 6)) == "a. holds: it is so (Table 2); +2 to +5 dB"
    assert said(YES, NO, NO, OPEN) == (
        "a. does not hold: it is so (Table 2); -2 to +2 dB; of 4 differences 2 do not "
        "hold, 1 holds, 1 not decided"
    )
    assert said(YES, difference(-3, -1, decides=False)) == (
        "a. holds: it is so (Table 2); +2 dB [+1 to +3]; beside it psnr -2 dB [-3 to "
        "-1]"
    )
    beside = difference(1, 3, decides=False)
    assert said(YES, beside, beside).endswith(
        "; beside it one over other psnr +2 dB [+1 to +3], one over other psnr +2 dB "
        "[+1 to +3]"
    )
    assert said(UNMEASURED) == "a. not measured: it is so (Table 2)"


def test_rows_of_the_table() -> None:
    beside = difference(-3, -1, decides=False)
    rows = [*claim_rows([Claim("a", "it is so", "Table 2", [YES, UNMEASURED, beside])])]
    assert rows == [
        ["a", "one over other", "psnr", "+2 dB [+1 to +3]", "holds"],
        ["a", "one over other", "psnr", "-", "not measured"],
        ["a", "one over other", "psnr", "-2 dB [-3 to -1]", "beside it"],
    ]
