from functools import partial

import pytest

from w2s_cli.bench.claims import paired_scores
from w2s_cli.bench.scores.intervals import interval


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer draws than a user gets: what is decided here is far from chance."""
    monkeypatch.setattr(paired_scores, "interval", partial(interval, resamples=400))
