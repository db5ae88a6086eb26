"""Scores of images: `(reference, image, *, ...) -> float`, on (Y, X) arrays.

What each takes is said by `needs`, see `Metric`.
Networks that give features live elsewhere: metrics take the features.
"""

from dataclasses import dataclass
from typing import Literal

from w2s_cli.registry import Entry, Registry


@dataclass(frozen=True, slots=True)
class Metric(Entry):
    """One metric: what its figure means, and what it is computed from.

    `needs`, of every entry, is one of:

    ===========  ==============================================================
    reference    `(reference, image, *, ...)`, two (Y, X) images on one grid
    exposure     `(first, second, *, ...)`, the same seen twice, with noise of its own
    input        `(low, image, *, ...)`, the widefield image and what was made of it
    nothing      `(image, *, ...)`, the image alone
    pristine     `(image, pristine, *, ...)`, the image and a model of sharp ones
    layers       `(reference, image)`, two sequences of (C, Y, X) features
    ===========  ==============================================================
    """

    unit: str = ""  # "dB", "pixel", "image" (that of the images), or none
    better: Literal["higher", "lower"] = "higher"


METRICS = Registry(
    "metric",
    Metric(
        "rmse",
        "w2s_cli.metrics.fidelity:rmse",
        "root of the mean squared difference",
        needs="reference",
        unit="image",
        better="lower",
    ),
    Metric(
        "nrmse",
        "w2s_cli.metrics.fidelity:nrmse",
        "RMSE over the norm, the range or the mean of the reference",
        "scikit-image",
        needs="reference",
        better="lower",
    ),
    Metric(
        "psnr",
        "w2s_cli.metrics.fidelity:psnr",
        "peak signal-to-noise ratio",
        needs="reference",
        unit="dB",
    ),
    Metric(
        "psnr-care",
        "w2s_cli.metrics.fidelity:scale_invariant_psnr",
        "PSNR after a fit of gain and offset, its peak from percentiles",
        "Weigert et al. 2018",
        needs="reference",
        unit="dB",
    ),
    Metric(
        "ssim",
        "w2s_cli.metrics.structural_similarity:ssim",
        "structural similarity",
        "Wang et al. 2004; scikit-image",
        needs="reference",
    ),
    Metric(
        "ms-ssim",
        "w2s_cli.metrics.structural_similarity:ms_ssim",
        "structural similarity on five scales",
        "Wang et al. 2003",
        needs="reference",
    ),
    Metric(
        "vgg-distance",
        "w2s_cli.metrics.feature_distances:feature_distance",
        "distance of network features: LPIPS-like, unweighted",
        "Zhang et al. 2018",
        needs="layers",
        better="lower",
    ),
    Metric(
        "niqe",
        "w2s_cli.metrics.niqe:niqe",
        "how far statistics are from those of sharp images",
        "Mittal et al. 2013",
        needs="pristine",
        better="lower",
    ),
    Metric(
        "frc",
        "w2s_cli.metrics.frc:frc",
        "resolution at which two noisy images cease to agree",
        "Nieuwenhuizen et al. 2013",
        needs="exposure",
        unit="pixel",
        better="lower",
    ),
    Metric(
        "frc-single",
        "w2s_cli.metrics.frc:single_frc",
        "the same of one image, from alternate pixels; 4 pixels at best",
        "after Koho et al. 2019",
        needs="nothing",
        unit="pixel",
        better="lower",
    ),
    Metric(
        "decorrelation",
        "w2s_cli.metrics.decorrelation:decorrelation",
        "the finest detail that stands out of the noise",
        "Descloux et al. 2019",
        needs="nothing",
        unit="pixel",
        better="lower",
    ),
    Metric(
        "rse",
        "w2s_cli.metrics.squirrel:rse",
        "what the image, blurred again, leaves unexplained of its input",
        "Culley et al. 2018",
        needs="input",
        unit="image",
        better="lower",
    ),
    Metric(
        "rsp",
        "w2s_cli.metrics.squirrel:rsp",
        "correlation of the image, blurred again, with its input",
        "Culley et al. 2018",
        needs="input",
    ),
)
