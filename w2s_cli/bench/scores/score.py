"""A reference and an image made comparable, and their scores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.scores.convention import PERCENTILES, Convention, Fit, Range, limits
from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.metrics import METRICS, Metric
from w2s_cli.metrics.fidelity import fit_gain_offset
from w2s_cli.metrics.input_checks import scored_pixels, size
from w2s_cli.metrics.niqe import WHITE, Pristine
from w2s_cli.restorers.units import Linear
from w2s_cli.weights.cache import status
from w2s_cli.weights.catalogue import WEIGHTS

Image = NDArray[Any]  # (Y, X), any real dtype
Mask = NDArray[np.bool_]
Float = NDArray[np.float64]
Features = Callable[[Float], Sequence[NDArray[Any]]]

WITHOUT_REFERENCE = frozenset({"nothing", "pristine", "input"})
"""What metrics need that can do without a reference."""

_LACKING = {
    "input": "--input names what predictions were made of; border and corners cannot "
    "be cut from it",
    "pristine": "w2s fetch niqe, or name a folder of sharp images with --pristine",
    "layers": "w2s fetch vgg19, or name the file with --vgg",
}


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is scored at once: an image, or a corner of it."""

    # reference, image: (Y, X) in the unit of the convention
    reference: Float
    image: Float
    valid: Mask | None  # (Y, X), where pixels count; None where all do
    # data_range, ssim_range: in the unit; 0 where a constant reference has none
    data_range: float
    ssim_range: float
    # the widefield image that the image was made of, in the unit, where it is known and
    # the image is whole
    low: Float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A reference and an image made comparable."""

    views: tuple[View, ...]  # one, or one a corner
    gain: float  # what the fit multiplied the image by; 1 without a fit


def fit(reference: Float, image: Float, rule: Fit) -> tuple[float, float]:
    """Return the gain (0 for a constant image) and the offset that fit an image."""
    if rule == "none":
        return 1.0, 0.0
    if rule == "percentile":
        low, high = np.percentile(reference, PERCENTILES)
        dark, bright = np.percentile(image, PERCENTILES)
        gain = (high - low) / (bright - dark) if bright > dark else 0.0
        return float(gain), float(low - gain * dark)
    return fit_gain_offset(reference, image)


def compared(
    reference: Image,
    image: Image,
    convention: Convention,
    valid: Mask | None = None,
    *,
    low: Image | None = None,
) -> Compared:
    """Return a reference and an image, in counts, as a convention has them.

    The image is fitted, both are put into the unit, the range is found, and then border
    and corners are cut. Fit and range go by all pixels that are valid. A corner without
    a valid pixel is left out.
    """
    gain, offset = fit(*scored_pixels(reference, image, valid), convention.fit)
    unit = convention.scale(reference.dtype)
    fitted = gain * np.asarray(image, np.float64) + offset
    target, pixels = (_in_unit(one, unit, convention) for one in (reference, fitted))
    counted = target if valid is None else target[valid]
    data_range, ssim_range = (
        _range(rule, counted, reference.dtype, unit.one) for rule in convention.ranges
    )
    under = None if low is None else _in_unit(low, unit, convention)
    whole = View(target, pixels, valid, data_range, ssim_range, under)
    return Compared(tuple(_parts(whole, convention)), gain)


def _in_unit(counts: Image, unit: Linear, convention: Convention) -> Float:
    numbers = (np.asarray(counts, np.float64) - unit.zero) / unit.one
    return numbers.clip(0, 1) if convention.clip else numbers


def _range(
    rule: Range, reference: Float, dtype: np.dtype[Any], counts_per_unit: float
) -> float:
    match rule:
        case "dtype":
            least, largest = limits(dtype)
            return (largest - least) / counts_per_unit
        case "max-min":
            return float(np.ptp(reference))
        case "percentile":
            low, high = np.percentile(reference, PERCENTILES)
            return float(high - low)
        case _:
            return float(rule)


def _parts(whole: View, convention: Convention) -> Iterator[View]:
    """Yield the parts of an image that are scored one by one."""
    border, side = convention.border, convention.corners
    if not border and not side:
        yield whole
        return
    height, width = (length - 2 * border for length in whole.reference.shape)
    if min(height, width) < max(side, 1):
        what = f"{side} x {side} corners" if side else "pixels left"
        raise InputError(
            f"an image of {size(whole.reference)} pixels has no {what} inside a border "
            f"of {border}",
            hint="choose a smaller --border or --corners",
        )
    tops, lefts = [border], [border]
    if side:
        tops.append(border + height - side)
        lefts.append(border + width - side)
        height = width = side
    for top in tops:
        for left in lefts:
            part = np.s_[top : top + height, left : left + width]
            valid = None if whole.valid is None else whole.valid[part]
            if side and valid is not None and not valid.any():
                continue
            yield View(
                *(whole.reference[part], whole.image[part], valid),
                *(whole.data_range, whole.ssim_range),
            )


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
                if not view.data_range:
                    raise InputError("the reference is constant and has no range")
                # Networks that were trained on photographs take [0, 1] and nothing else
                dark = np.percentile(view.reference, PERCENTILES[0])
                return tuple(
                    self.features(((image - dark) / view.data_range).clip(0, 1))
                    for image in (view.reference, view.image)
                )
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
    model = features = None
    if "pristine" in needs:
        place = pristine or _fetched("niqe", needs["pristine"], "pristine")
        model = (
            Pristine.fit(_sharp(place, convention))
            if place.is_dir()
            else Pristine.read(place)
        )
    if "layers" in needs:
        from w2s_cli.networks.vgg import VGG
        from w2s_cli.weights import checkpoint

        place = vgg or _fetched("vgg19", needs["layers"], "layers")
        features = VGG.from_state_dict(checkpoint.load(place).state).rectified
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
    """Return the scores of an image against a reference, both (Y, X) in counts.

    `valid` is false where pixels are left out; metrics that take no mask see all of
    them. `low` is the widefield image that `image` was made of.
    """
    pair = compared(reference, image, convention, valid, low=low)
    return scores_of(pair, names, convention, resources)


def scores_of(
    pair: Compared,
    names: Sequence[str],
    convention: Convention,
    resources: MetricResources = NO_RESOURCES,
) -> dict[str, float]:
    """Return scores by name: means over corners, NaN where nothing is to measure."""
    found = {}
    for name in names:
        metric = METRICS[name]
        each = [_one(metric, view, convention, resources) for view in pair.views]
        found[name] = float(np.mean(each))
    return found


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
