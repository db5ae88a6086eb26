"""What some metrics need besides a reference and an image."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.scores.convention import PERCENTILES, Convention
from w2s_cli.bench.scores.view import Float, View, compared
from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.metrics import METRICS
from w2s_cli.metrics.metric import Metric
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
    """What some metrics need besides two images.

    Attributes
    ----------
    pristine
        The model of sharp images that NIQE compares with.
    features
        Gives the features of a (Y, X) image in [0, 1]: an array (C, Y, X) a layer.
    """

    pristine: Pristine | None = None
    features: Features | None = None

    def arguments(self, metric: Metric, view: View) -> tuple[Any, ...]:
        """Return what a metric is called with, by what it needs.

        Raises
        ------
        UsageError
            When it is not there.
        """
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

    Parameters
    ----------
    names
        Of metrics.
    convention
        Says what is black and white in sharp images.
    pristine
        A model of NIQE, or a folder of sharp images to fit one to; None for the
        published one, once it is fetched.
    vgg
        Weights of VGG-16 or VGG-19; None for the published ones, once fetched.

    Raises
    ------
    UnknownNameError
        When there is no such metric.
    UsageError
        When a metric cannot be had.
    WeightsError
        When a file is not there, or is not what it must be.
    InputError
        When sharp images cannot be read, or are too few.
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

    Raises
    ------
    InputError
        When the reference has no range.
    """
    if not view.data_range:
        raise InputError("the reference is constant and has no range")
    dark = np.percentile(view.reference, PERCENTILES[0])
    image_files = view.reference, view.image
    return [((image - dark) / view.data_range).clip(0, 1) for image in image_files]
