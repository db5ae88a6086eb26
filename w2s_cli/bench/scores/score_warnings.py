"""Why the scores of an image should be looked at twice."""

from collections.abc import Sequence
from math import isinf, isnan

import numpy as np

from w2s_cli.bench.scores.convention import PERCENTILES, Convention, Range, Unit
from w2s_cli.bench.scores.matching import Match
from w2s_cli.bench.scores.view import Compared, Image

_FEWEST_COUNTS = 50  # W2S has an offset near 100; as z-scores its pixels reach 20


def file_warnings(match: Match) -> list[str]:
    """Return what speaks against the files of a match, whatever their pixels are."""
    if match.reference and match.prediction.samefile(match.reference):
        return ["prediction and reference are the same file"]
    return []


def plane_warnings(
    reference: Image, image: Image, pair: Compared, convention: Convention
) -> list[str]:
    """Return what speaks against the scores of a plane.

    Parameters
    ----------
    reference, image
        (Y, X), in counts.
    """
    warnings = []
    if np.ptp(reference) == 0:
        warnings.append("the reference is constant")
    if convention.fit != "none" and not pair.gain > 0:
        what = (
            "constant" if np.ptp(image) == 0 else "dark where the reference is bright"
        )
        warnings.append(f"the prediction is {what}: the gain of its fit is not above 0")
    if convention.unit == "z" and reference.dtype == np.uint8:
        warnings.append(
            "the reference has gray values of 8 bit, and z-scores are of counts: for "
            "W2S in 8 bit, say --protocol w2s-v1"
        )
    elif convention.unit == "z" and reference.max() < _FEWEST_COUNTS:
        warnings.append(
            f"the reference stays below {_FEWEST_COUNTS} and looks like z-scores "
            "already: for files of z-scores, say --unit counts"
        )
    if convention.fit == "none" and image.max() <= 1 < _FEWEST_COUNTS < reference.max():
        warnings.append(
            "the prediction stays within 1 and the reference does not: they are in "
            "different units"
        )
    return warnings


def score_warnings(name: str, value: float) -> list[str]:
    """Return why a score of a plane cannot be averaged with others."""
    if isinf(value):
        return [f"{name} is infinite"]
    return [f"{name} has no value"] if isnan(value) else []


_PERCENTILES = f"{PERCENTILES[0]:g} and {PERCENTILES[1]:g}"
_RULES = {
    "dtype": "that of the references' integer type",
    "max-min": "from the darkest to the brightest pixel of each reference plane",
    "percentile": f"between the percentiles {_PERCENTILES} of each reference plane",
}
_WINDOWS = {
    "gaussian": "Gaussian window of sd 1.5, population variances",
    "uniform": "7 x 7 uniform window, sample variances",
}
_FITS = {
    "none": "none",
    "affine": "gain and offset of least squares, for each plane",
    "percentile": f"gain and offset that match the percentiles {_PERCENTILES}, "
    "for each plane",
}
_RANGED = frozenset({"psnr", "niqe", "vgg-distance"})
UNITS: dict[Unit, str] = {"counts": "counts", "unit": "[0, 1]", "z": "z"}


_OF_METRICS = {
    "nrmse": ("NRMSE", "over the root of the reference's mean square"),
    "frc": ("FRC", "threshold 1/7"),
    "frc-single": ("FRC", "threshold 1/7"),
    "rse": ("RSE", "after the Gaussian blur that explains the input best"),
    "rsp": ("RSP", "after the Gaussian blur that explains the input best"),
}


def stated(
    convention: Convention, metrics: Sequence[str] | None = None
) -> dict[str, str]:
    """Return a convention in words, by subject.

    With metrics: only what one of them depends on, and what else they take for granted.
    """
    names = ("psnr", "ssim") if metrics is None else metrics
    structural = any("ssim" in name for name in names)
    facts = {"unit": _unit(convention)}
    if structural or not _RANGED.isdisjoint(names):
        facts["range"] = _range(convention.data_range, convention.unit)
    if structural:
        facts["SSIM"] = _ssim(convention)
    facts |= {"fit": _FITS[convention.fit], "pixels": _pixels(convention)}
    return facts | dict(_OF_METRICS[name] for name in names if name in _OF_METRICS)


def too_narrow(fields: int) -> str:
    """Return what a reader must know of intervals over a few fields of view."""
    return (
        f"intervals over {fields} fields of view are too narrow: "
        "no draw goes beyond the fields at hand"
    )


def _ssim(convention: Convention) -> str:
    if convention.ssim_range is None:
        return _WINDOWS[convention.window]
    span = _range(convention.ssim_range, convention.unit)
    return f"{_WINDOWS[convention.window]}, range {span}"


def _unit(convention: Convention) -> str:
    match convention.unit:
        case "counts":
            return "counts: the numbers of the files"
        case "z":
            scale = convention.scale(np.dtype(np.uint8))
            return f"z-scores of W2S: (counts - {scale.zero:.6g}) / {scale.one:.6g}"
        case "unit":
            white = "the largest of the type"
            if convention.white is not None:
                white = f"{convention.white:g} counts"
            clipped = ", clipped" if convention.clip else ""
            return f"[0, 1] from {convention.black:g} counts to {white}{clipped}"


def _range(rule: Range, unit: Unit) -> str:
    if isinstance(rule, str):
        return _RULES[rule]
    return f"{rule:g}" if unit == "unit" else f"{rule:g} {UNITS[unit]}"


def _pixels(convention: Convention) -> str:
    text = "all"
    if convention.border:
        text = f"all but {convention.border} at each edge"
    if convention.corners:
        side = convention.corners
        text += f", in corners of {side} x {side}, each scored on its own"
    return text
