from inspect import signature
from typing import get_args

import pytest

from w2s_cli.errors import UnknownNameError
from w2s_cli.metrics import METRICS
from w2s_cli.metrics.metric import Metric

# What is given by place, for all that a metric may need
GIVEN = {
    "reference": ["reference", "image"],
    "exposure": ["reference", "image"],
    "input": ["low", "image"],
    "nothing": ["image"],
    "pristine": ["image", "pristine"],
    "layers": ["reference", "image"],
    "sets": ["reference", "image"],
}


@pytest.mark.parametrize("metric", list(METRICS), ids=lambda metric: metric.name)
def test_metric_takes_what_it_says(metric: Metric) -> None:
    parameters = signature(metric.load()).parameters.values()
    given = [
        each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    assert given == GIVEN[metric.needs]
    assert all(
        each.kind is each.KEYWORD_ONLY for each in parameters if each.name not in given
    )
    assert metric.unit in {"", "dB", "pixel", "image"}
    assert metric.better in get_args(Metric.__annotations__["better"])
    assert metric.summary
    assert metric.load().__doc__


def test_unknown_metric_is_guessed() -> None:
    with pytest.raises(UnknownNameError, match="no metric is called 'snr'") as error:
        METRICS["snr"]
    assert error.value.hint == "did you mean 'psnr'?"
