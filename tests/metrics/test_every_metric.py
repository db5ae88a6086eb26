"""What holds of every metric in the catalogue."""

from inspect import signature
from typing import Any, get_args

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.errors import UnknownNameError, W2SError
from w2s_cli.metrics import METRICS, Metric
from w2s_cli.metrics.niqe import Pristine

# What is given by place, for all that a metric may need
GIVEN = {
    "reference": ["reference", "image"],
    "exposure": ["reference", "image"],
    "input": ["low", "image"],
    "nothing": ["image"],
    "pristine": ["image", "pristine"],
    "layers": ["reference", "image"],
}
WHITE = 200.0
ROWS = [*METRICS]
PAIRED = [metric for metric in ROWS if metric.needs in ("reference", "layers")]
ON_ONE_GRID = [metric for metric in ROWS if metric.needs in ("reference", "exposure")]
RANGED = [
    metric for metric in PAIRED if "data_range" in signature(metric.load()).parameters
]


def named(metrics: list[Metric]) -> Any:
    return pytest.mark.parametrize("metric", metrics, ids=lambda metric: metric.name)


def image(seed: int = 0, side: int = 256) -> np.ndarray:
    """Return structure of all sizes, from 0 to `WHITE`."""
    rng = np.random.default_rng(seed)
    rough = sum(gaussian_filter(rng.normal(size=(side, side)), s) * s for s in (1, 4))
    return (rough - rough.min()) / np.ptp(rough) * WHITE


def noisy(pixels: np.ndarray, seed: int, sd: float = 8.0) -> np.ndarray:
    return pixels + np.random.default_rng(seed).normal(0, sd, pixels.shape)


def pair(metric: Metric, sd: float) -> tuple[Any, Any]:
    """Return a reference and the same with so much noise, as the metric takes them."""
    truth = image()
    if metric.needs == "layers":
        layers = [np.stack([image(n, 32), image(n + 9, 32)]) for n in range(2)]
        return layers, [noisy(layer, 1, sd) for layer in layers]
    return truth, noisy(truth, 1, sd)


def scored(metric: Metric, reference: Any, other: Any, white: float = WHITE) -> float:
    return metric.load()(
        reference, other, **({"data_range": white} if metric in RANGED else {})
    )


def whatever(metric: Metric) -> tuple[Any, ...]:
    """Return images of the kind that a metric needs."""
    truth = image()
    match metric.needs:
        case "nothing":
            return (noisy(truth, 1),)
        case "pristine":
            return noisy(truth, 1), Pristine.fit([image(n) for n in range(20)])
        case "exposure":
            return noisy(truth, 1), noisy(truth, 2)
        case "input":
            return gaussian_filter(truth, 2), noisy(truth, 1)
        case _:
            return pair(metric, 8)


@named(ROWS)
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


@named(ROWS)
def test_the_score_is_one_number(metric: Metric) -> None:
    required = {"data_range": WHITE} if metric in RANGED else {}
    score = metric.load()(*whatever(metric), **required)
    assert isinstance(score, float)
    assert np.isfinite(score)


@named(PAIRED)
def test_the_image_itself_is_best_and_noise_makes_it_worse(metric: Metric) -> None:
    scores = [scored(metric, *pair(metric, sd)) for sd in (0, 2, 8, 32)]
    order = sorted(scores, reverse=metric.better == "higher")
    assert scores == order
    assert len({*scores}) == 4
    if metric.unit != "dB":
        best = 1 if metric.better == "higher" else 0
        assert scores[0] == pytest.approx(best, abs=1e-6)


@named(ON_ONE_GRID)
def test_images_on_two_grids_are_refused(metric: Metric) -> None:
    with pytest.raises(W2SError, match=r"256 x 256|shape|\(256, 256\)") as error:
        scored(metric, image(), image(side=250))
    assert str(error.value)


@named(RANGED)
def test_a_range_follows_the_unit_of_the_images(metric: Metric) -> None:
    truth, other = pair(metric, 8)
    here = scored(metric, truth, other)
    assert scored(metric, 10 * truth, 10 * other, 10 * WHITE) == pytest.approx(here)
    assert scored(metric, truth, other, 2 * WHITE) != pytest.approx(here, rel=1e-3)
    with pytest.raises(W2SError, match="data range must be above 0"):
        scored(metric, truth, other, 0.0)


def test_unknown_metric_is_guessed() -> None:
    with pytest.raises(UnknownNameError, match="no metric is called 'snr'") as error:
        METRICS["snr"]
    assert error.value.hint == "did you mean 'psnr'?"
