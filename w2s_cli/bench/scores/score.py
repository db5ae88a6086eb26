"""What some metrics need besides a reference and an image."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.scores.convention import PERCENTILES, Convention
from w2s_cli.bench.scores.view import Compared, Float, Image, Mask, View, compared
from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.metrics import METRICS, Metric
from w2s_cli.metrics.niqe import WHITE, Pristine
from w2s_cli.weights.cache import status
from w2s_cli.weights.catalogue import WEIGHTS

Features = Callable[[Float], Sequence[NDArray[Any]]]

WITHOUT_REFERENCE = frozenset({"nothing", "pristine", "input"})
"""What metrics need that can do without a reference."""

_LACKING = {
    "input": "--input names what predictions were made of; border and corners cannot "
    "be cut from it",
    "sets": "it takes features of Inception v3 for hundreds of images, which do not "
    "ship: see w2s_cli.metrics.feature_distances",
    "pristine": "w2s fetch niqe, or name a folder of sharp images with --pristine",
    "layers": "w2s fetch vgg19, or name the file with --vgg",
}


@dataclass(frozen=True, slots=True, eq=False)
class MetricResources:
    """What some metrics need besides two images."""

    # the model of sharp images that NIQE compares with
    pristine: Pristine | None = None
    # gives the features of a (Y, X) image in [0, 1]: an array (C, Y, X) a layer
    features: Features | None = None

    def arguments(self, metric: Metric, view: View) -> tuple[Any, ...]:
        """Return what a metric is called with, by what it needs."""
        match metric.needs:
            case "reference" | "exposure":
                return view.reference, view.image
            case "nothing":
                return (view.image,)
            case "input" if view.low is not None:
                return view.low, view.image
            case "pristine" if self.pristine is not None:
                return view.image, self.pristine
            case "layers" if self.features is not None:
                return tuple(self.features(image) for image in _between(view))
        raise UsageError(
            f"{metric.name} cannot be had here: it needs {metric.needs}",
            hint=_LACKING.get(metric.needs, ""),
        )


NO_RESOURCES: MetricResources = MetricResources()


def resources_for(
    names: Sequence[str],
    convention: Convention,
    pristine: Path | None = None,
    vgg: Path | None = None,
) -> MetricResources:
    """Return what metrics need besides images, from files.

    `pristine` is a model of NIQE or a folder of sharp images to fit one to, `vgg` the
    weights of VGG-16 or VGG-19; None for the published ones, once they are fetched.
    """
    needs = {METRICS[name].needs: name for name in names}
    if "sets" in needs:
        raise UsageError(
            f"{needs['sets']} scores a set of images, not each", hint=_LACKING["sets"]
        )
    model = features = None
    if "pristine" in needs:
        place = pristine or _fetched("niqe", needs["pristine"], "pristine")
        model = (
            Pristine.fit(_sharp(place, convention))
            if place.is_dir()
            else Pristine.read(place)
        )
    if "layers" in needs:
        from w2s_cli.weights.vgg_features import vgg_features

        features = vgg_features(vgg or _fetched("vgg19", needs["layers"], "layers"))
    return MetricResources(model, features)


def _sharp(folder: Path, convention: Convention) -> Iterator[Float]:
    """Yield the planes of a folder as NIQE sees predictions, white at 255."""
    for path in image_files(folder):
        with open_image(path, double=True) as stack:
            for at in stack.indices():
                plane = stack.data[at]
                [view, *_] = compared(plane, plane, convention).views
                if not view.data_range:
                    raise InputError(f"{path} is constant", hint="leave it out")
                yield view.image * (WHITE / view.data_range)


def _fetched(asset: str, metric: str, need: str) -> Path:
    """Return the path of a published file that is in the cache."""
    item = WEIGHTS[asset]
    known = status(item)
    if not known.cached:
        raise WeightsError(
            f"{metric} needs {item.title}, which has not been fetched",
            hint=_LACKING[need],
        )
    return known.path


def _between(view: View) -> list[Float]:
    """Return both images where 0 is a dark pixel of the reference and 1 the range up.

    Networks that were trained on photographs take nothing else.
    """
    if not view.data_range:
        raise InputError("the reference is constant and has no range")
    dark = np.percentile(view.reference, PERCENTILES[0])
    image_files = view.reference, view.image
    return [((image - dark) / view.data_range).clip(0, 1) for image in image_files]


def score(
    reference: Image,
    image: Image,
    names: Sequence[str],
    convention: Convention,
    valid: Mask | None = None,
    *,
    low: Image | None = None,
    resources: MetricResources = NO_RESOURCES,
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
    resources
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
    return scores_of(pair, names, convention, resources)


def scores_of(
    pair: Compared,
    names: Sequence[str],
    convention: Convention,
    resources: MetricResources = NO_RESOURCES,
) -> dict[str, float]:
    """Return the scores of images made comparable."""
    return {
        name: float(
            np.mean(
                [
                    _one(METRICS[name], view, convention, resources)
                    for view in pair.views
                ]
            )
        )
        for name in names
    }


def _one(
    metric: Metric, view: View, convention: Convention, resources: MetricResources
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
        return float(function(*resources.arguments(metric, view), **options))
    except InputError:
        # A flat image has no detail, no peak and no size to go by
        if np.ptp(view.reference) and np.ptp(view.image):
            raise
        return nan
