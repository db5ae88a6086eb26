"""Why the scores of an image should be looked at twice."""

from math import isinf, isnan

import numpy as np

from w2s_cli.evaluation.scores.convention import Convention
from w2s_cli.evaluation.scores.matching import Match
from w2s_cli.evaluation.scores.view import Compared, Image

_FEWEST_COUNTS = 50  # W2S has an offset near 100; as z-scores its pixels reach 20


def file_doubts(match: Match) -> list[str]:
    """Return what speaks against the files of a match, whatever their pixels are."""
    if match.reference and match.prediction.samefile(match.reference):
        return ["prediction and reference are the same file"]
    return []


def plane_doubts(
    reference: Image, image: Image, pair: Compared, convention: Convention
) -> list[str]:
    """Return what speaks against the scores of a plane.

    Parameters
    ----------
    reference, image
        (Y, X), in counts.
    pair
        What the convention made of them.
    """
    said = []
    if np.ptp(reference) == 0:
        said.append("the reference is constant")
    if convention.fit != "none" and not pair.gain > 0:
        what = (
            "constant" if np.ptp(image) == 0 else "dark where the reference is bright"
        )
        said.append(f"the prediction is {what}: the gain of its fit is not above 0")
    if convention.unit == "z" and reference.dtype == np.uint8:
        said.append(
            "the reference has gray values of 8 bit, and z-scores are of counts: for "
            "W2S in 8 bit, say --protocol w2s-v1"
        )
    elif convention.unit == "z" and reference.max() < _FEWEST_COUNTS:
        said.append(
            f"the reference stays below {_FEWEST_COUNTS} and looks like z-scores "
            "already: for files of z-scores, say --unit counts"
        )
    if convention.fit == "none" and image.max() <= 1 < _FEWEST_COUNTS < reference.max():
        said.append(
            "the prediction stays within 1 and the reference does not: they are in "
            "different units"
        )
    return said


def score_doubts(name: str, value: float) -> list[str]:
    """Return why a score of a plane cannot be averaged with others."""
    if isinf(value):
        return [f"{name} is infinite"]
    return [f"{name} has no value"] if isnan(value) else []
