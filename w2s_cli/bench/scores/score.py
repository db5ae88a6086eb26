"""The scores of one plane, under a convention."""

from collections.abc import Sequence
from inspect import signature
from math import nan

import numpy as np

from w2s_cli.bench.scores.convention import Convention
from w2s_cli.bench.scores.metric_resources import NO_RESOURCES, MetricResources
from w2s_cli.bench.scores.view import Compared, Image, Mask, View, compared
from w2s_cli.errors import InputError
from w2s_cli.metrics import METRICS
from w2s_cli.metrics.metric import Metric


def score(
    reference: Image,
    image: Image,
    names: Sequence[str],
    convention: Convention,
    valid: Mask | None = None,
    *,
    low: Image | None = None,
    aids: MetricResources = NO_RESOURCES,
) -> dict[str, float]:
    """Return the scores of an image against a reference.

    Parameters
    ----------
    reference, image
        (Y, X), in counts.
    names
        Of metrics in `w2s_cli.metrics.METRICS`.
    convention
        Units, range, window, border and fit.
    valid
        (Y, X), false where pixels are left out, such as clipped ones; None for none.
        Metrics that take no mask see all pixels.
    low
        (Y / scale, X / scale), in counts: the widefield image that `image` was made of,
        for metrics that need it.
    aids
        What some metrics need besides.

    Returns
    -------
    dict
        The score by name; where corners are scored one by one, their mean. A score that
        finds nothing to measure in a constant image is NaN.

    Raises
    ------
    UnknownNameError
        When there is no such metric.
    UsageError
        When a metric lacks what it needs.
    InputError
        When the two cannot be compared: see `w2s_cli.bench.scores.view.compared`.
    """
    pair = compared(reference, image, convention, valid, low=low)
    return scores_of(pair, names, convention, aids)


def scores_of(
    pair: Compared,
    names: Sequence[str],
    convention: Convention,
    aids: MetricResources = NO_RESOURCES,
) -> dict[str, float]:
    """Return the scores of images made comparable.

    Parameters
    ----------
    aids
        What some metrics need besides.

    Raises
    ------
    UsageError
        When a metric lacks what it needs.
    """
    return {
        name: float(
            np.mean(
                [_one(METRICS[name], view, convention, aids) for view in pair.views]
            )
        )
        for name in names
    }


def _one(
    metric: Metric, view: View, convention: Convention, aids: MetricResources
) -> float:
    """Return one score of one view."""
    function = metric.load()
    taken = signature(function).parameters
    structural = "ssim" in metric.name
    offered = {
        "data_range": view.ssim_range if structural else view.data_range,
        "window": convention.window,
        "valid": view.valid,
    }
    options = {key: value for key, value in offered.items() if key in taken}
    if options.get("data_range") == 0:
        return nan
    try:
        return float(function(*aids.arguments(metric, view), **options))
    except InputError:
        # A flat image has no detail, no peak and no size to go by
        if np.ptp(view.reference) and np.ptp(view.image):
            raise
        return nan
