"""What video-rate Real-ESRGAN claims: of few pairs, and of synthetic degradation.

The same network is trained on 200, 400 and 800 real pairs, and on the truths of all of
them, degraded as Real-ESRGAN does ([1]_, sections IV.C and V.B). It is small, begins
with random weights, and lessens errors of pixels alone in steps of 4 patches: the
paper's began with those of photographs, had a discriminator and features of VGG as
well, and was trained far longer.

References
----------
.. [1] J. Cooper et al., "Providing real-world benchmarks for super-resolving
   fluorescence microscope imagery using generative adversarial networks".
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from json import dumps
from pathlib import Path

from w2s_cli import __version__
from w2s_cli.bench.claims.claim import Claim, Difference
from w2s_cli.bench.claims.paired_scores import PairedScores
from w2s_cli.bench.claims.suite import Suite, Training
from w2s_cli.bench.config import BenchConfig
from w2s_cli.datasets.data_set import DataSet, Image
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import FitProgress
from w2s_cli.training.kept_weights import trained_once
from w2s_cli.training.loop import train
from w2s_cli.training.patches import Part, PatchSampler
from w2s_cli.training.patches.real_esrgan_patches import (
    DegradedPatchSampler,
    sharp_images_of,
)
from w2s_cli.training.patches.real_pairs import pairs_of, select_pairs
from w2s_cli.training.progress import fit_progress
from w2s_cli.training.recipe import Recipe, load

SHOTS = (200, 400, 800)
SYNTHETIC = "synthetic"
NEAR = 0.1  # dB; in the paper 800 pairs are .08 better than 400 to .75 worse
SCALE = 2
STEPS = 600
_STEP = 0.15  # seconds, on one core
_SETTINGS = (
    *("start=", "patience=0", f"steps={STEPS}", f"validate_every={STEPS}"),
    *("loss={l1=1.0}", "discriminator.network=", "validation_batches=1"),
    "network.options={blocks=2,width=32,growth=16,channels=1}",
    *("patches.side=48", "patches.batch=4", "average=0.99", "optimiser.rate=1e-3"),
    "summary=a small network for claims, not for use",
)


def trainings(data: DataSet) -> list[Training]:
    """Return the trainings, at the noisiest level; of the pairs as many as there are.

    Raises UsageError where the set is not of 8-bit pairs x2.
    """
    if data.unit != "1/255" or SCALE not in data.scales:
        raise UsageError(
            f"{data.place} has no 8-bit images with truths of twice their size, which "
            "Real-ESRGAN is trained on",
            hint="name such pairs with --data, in folders lr/ and hr/, or none",
        )
    level = data.levels[0]
    every = _recipe("synthetic", data.name, level, "real-esrgan")
    names = select_pairs(data, every, "training", SCALE)[level]
    found = [_training(SYNTHETIC, every, data, names)]
    for few in [n for n in SHOTS if n <= len(names)] or [len(names)]:
        recipe = _recipe(f"pairs-{few}", data.name, level, "pairs", few)
        chosen = select_pairs(data, recipe, "training", SCALE)[level]
        found.append(_training(recipe.name, recipe, data, chosen))
    return found


def _recipe(name: str, kind: str, level: int, examples: str, few: int = 0) -> Recipe:
    pairs = f"pairs={{kind='{kind}',levels=[{level}],few={few}}}"
    settings = (f"name={name}", f"examples={examples}", pairs, *_SETTINGS)
    return load("real-esrgan-base", settings)


def _training(
    label: str, recipe: Recipe, data: DataSet, names: Sequence[str]
) -> Training:
    run = partial(_run, recipe, data, names)
    return Training(label, recipe.steps * _STEP, run)


def _run(
    recipe: Recipe, data: DataSet, names: Sequence[str], progress: FitProgress
) -> Path:
    [level] = recipe.pairs.levels
    seen = [
        _identity(images[name])
        for name in names
        for images in (data.inputs[level], data.truths[SCALE])
    ]
    decides = dumps([__version__, recipe.as_dict(), data.name, seen])

    def sampler(recipe: Recipe, part: Part) -> PatchSampler:
        if recipe.examples == "pairs":
            return pairs_of(data, recipe, part)
        sharp = sharp_images_of(data, recipe, part)
        return DegradedPatchSampler(recipe, part, SCALE, sharp)

    def training(folder: Path) -> Path:
        return train(replace(recipe, runs=folder), fit_progress(progress), sampler)

    digest = sha256(decides.encode()).hexdigest()
    return trained_once(recipe.name, digest, training)


def _identity(image: Image) -> str:
    """Return what tells an image from others, and its file from older ones."""
    path = getattr(image, "path", None)
    known = path.stat() if path else None
    return repr(image) + (f" {known.st_size} {known.st_mtime_ns}" if known else "")


def comparisons(levels: Sequence[int], files: Mapping[str, str]) -> list[BenchConfig]:
    """Return one row for each network, and one for interpolation."""
    trained = [f"{name}={file}" for name, file in files.items()]
    return [BenchConfig(joint=("bicubic", *trained), levels=levels[:1])]


def decide(scores: PairedScores) -> list[Claim]:
    """Return the claims, with what the scores say of them."""
    few, more, most = (f"pairs-{count}" for count in SHOTS)
    known = [one.row.name for one in scores.bench.rows]
    best = next((n for n in reversed(known) if n.startswith("pairs-")), most)
    tables = "video-rate Real-ESRGAN, Tables II to V"
    pairs = Claim(
        "b",
        "a network trained on pairs that were captured is better on captures than one "
        "trained on truths that were degraded by computation",
        "video-rate Real-ESRGAN, Table VI",
        _better(scores, best, SYNTHETIC),
    )
    return [
        Claim(
            "a1",
            "400 pairs make a better network than 200",
            tables,
            _better(scores, more, few),
        ),
        Claim(
            "a2",
            f"800 pairs make none that is better than that of 400 by {NEAR} dB",
            tables,
            [
                _gain(scores, more, most, "psnr", allowed=NEAR),
                _gain(scores, most, more, "psnr", decides=False),
                _gain(scores, most, few, "psnr", decides=False),
            ],
        ),
        pairs,
    ]


def _better(scores: PairedScores, first: str, second: str) -> list[Difference]:
    return [
        _gain(scores, first, second, "psnr"),
        _gain(scores, first, second, "ssim", decides=False),
    ]


def _gain(
    scores: PairedScores,
    first: str,
    second: str,
    metric: str,
    *,
    decides: bool = True,
    allowed: float = 0.0,
) -> Difference:
    what = f"{first} {f'and {allowed} dB ' * bool(allowed)}over {second}"
    rows = [[(name, scores.levels[0])] for name in (first, second)]
    return scores.gain(what, metric, *rows, decides=decides, allowed=allowed)


SUITE = Suite(
    data="simulated-video-rate",
    protocol="",
    metrics=("psnr", "ssim", "rmse"),
    seconds=0.2,
    comparisons=comparisons,
    decide=decide,
    trainings=trainings,
    labels=(SYNTHETIC, *(f"pairs-{count}" for count in SHOTS)),
)
