"""An evaluation as JSON, and as rows of a table."""

from math import isfinite
from typing import Any

from w2s_cli.bench.scores.evaluation import Evaluation, ImageScores
from w2s_cli.bench.scores.score_warnings import UNITS, stated
from w2s_cli.metrics import METRICS


def as_json(evaluation: Evaluation, protocol: str) -> dict[str, Any]:
    """Return an evaluation as a JSON object; what is not finite is null.

    Parameters
    ----------
    protocol
        The name that the convention started from.
    """
    question = evaluation.question
    return {
        "images": len(evaluation.images),
        "fields": evaluation.groups,
        "protocol": protocol,
        "convention": question.convention.as_json(),
        "stated": stated(question.convention, question.metrics),
        "level": question.level,
        "resamples": question.resamples,
        "seed": question.seed,
        "metrics": {name: _summary(name, evaluation) for name in question.metrics},
        "scores": [_image(image) for image in evaluation.images],
    }


def rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return a row an image; each says in words what its numbers mean."""
    question = evaluation.question
    facts = stated(question.convention, question.metrics)
    words = "; ".join(f"{subject}: {text}" for subject, text in facts.items())
    return [
        {
            **_files(image),
            **image.scores,
            "warnings": "; ".join(image.warnings),
            "convention": words,
        }
        for image in evaluation.images
    ]


def unit_of(metric: str, evaluation: Evaluation) -> str:
    """Return the unit of a metric's figures; empty where they have none."""
    unit = METRICS[metric].unit
    return UNITS[evaluation.question.convention.unit] if unit == "image" else unit


def _summary(metric: str, evaluation: Evaluation) -> dict[str, Any]:
    mean = evaluation.means[metric]
    return {
        "mean": _number(mean.mean),
        "low": mean.low,
        "high": mean.high,
        "images": evaluation.finite(metric),
        "fields": mean.groups,
        "unit": unit_of(metric, evaluation),
        "better": METRICS[metric].better,
    }


def _image(image: ImageScores) -> dict[str, Any]:
    scores = {name: _number(value) for name, value in image.scores.items()}
    return {**_files(image), "scores": scores, "warnings": [*image.warnings]}


def _files(image: ImageScores) -> dict[str, Any]:
    match = image.match
    return {
        "name": match.name,
        "field": image.group,
        "prediction": str(match.prediction),
        "reference": str(match.reference) if match.reference else None,
        "planes": image.planes,
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
