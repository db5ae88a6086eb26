"""What Noise2SR claims of learning from noisy images alone.

Each network learns from the same noisy images, of other fields than those restored, as
in the paper [1]_. Noise2Noise alone learns which of them show the same.

References
----------
.. [1] X. Tian et al., "Noise2SR: learning to denoise from super-resolved single noisy
   fluorescence image", MICCAI 2022.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from w2s_cli.bench.claims.claim import Claim
from w2s_cli.bench.claims.paired_scores import PairedScores
from w2s_cli.bench.claims.suite import Suite, Training
from w2s_cli.bench.config import BenchConfig
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.methods.build import build
from w2s_cli.methods.self_supervised import fit_weights
from w2s_cli.restorers.restorer import FitProgress
from w2s_cli.training.patches.noisy_patches import MOST_IMAGES, series_of_set
from w2s_cli.training.patches.real_pairs import select_pairs
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Pairs

LEARNED = ("n2sr", "n2v", "n2s", "n2n")
RIVAL = "vst+bm3d"
NEAR = 0.5  # dB; in the paper N2SR is .13 better to .76 worse than N2N
_STEP = 0.1  # seconds, on one core


def trainings(data: DataSet) -> list[Training]:
    """Return the trainings, on the training split at the noisiest level.

    Noise2Noise is left out where no image is captured twice.
    """
    level = data.levels[0]
    pairs = Pairs(kind=data.name, levels=(level,))
    found = []
    for name in LEARNED:
        own = build(name, ["quality=fast"]).links[0].recipe  # type: ignore[attr-defined]
        recipe: Recipe = replace(own, pairs=pairs)
        images = select_pairs(data, recipe, "training", 1)[level]
        if len(images) > MOST_IMAGES:
            recipe = replace(recipe, pairs=replace(pairs, few=MOST_IMAGES))
        seen = Counter(data.truths[1][image] for image in images)
        if name == "n2n" and max(seen.values()) == 1:
            continue
        run = partial(_run, data, recipe)
        found.append(Training(name, recipe.steps * _STEP, run))
    return found


def _run(data: DataSet, recipe: Recipe, progress: FitProgress) -> Path:
    return fit_weights(recipe, series_of_set(data, recipe, "training"), progress)


def comparisons(levels: Sequence[int], files: Mapping[str, str]) -> list[BenchConfig]:
    """Return one row for each method at the noisiest level."""
    learned = [name for name in LEARNED if name in files] or LEARNED
    own = {name: files[name] for name in LEARNED if name in files}
    # The paper restores the image alone, without the mean over thinned copies
    options = ["n2sr.mosaics=0"]
    return [BenchConfig((*learned, RIVAL), (), (), levels[:1], own, options)]


def decide(scores: PairedScores) -> list[Claim]:
    """Return the claims, with what the scores say of them."""
    return [
        _better(scores, "a", "n2v", "Noise2SR is better than Noise2Void"),
        _better(scores, "b", "n2s", "Noise2SR is better than Noise2Self"),
        _better(
            scores,
            "c",
            "n2n",
            f"Noise2SR comes within {NEAR} dB of Noise2Noise, which learns from pairs "
            "of captures",
            NEAR,
        ),
        _better(
            scores,
            "d",
            RIVAL,
            "Noise2SR is better than BM3D, here after the noise was stabilised",
        ),
    ]


def _better(
    scores: PairedScores, letter: str, rival: str, statement: str, allowed: float = 0.0
) -> Claim:
    first, second = [("n2sr", scores.levels[0])], [(rival, scores.levels[0])]
    what = f"n2sr {f'and {allowed} dB ' * bool(allowed)}over {rival}"
    differences = [scores.gain(what, "psnr", first, second, allowed=allowed)]
    what = f"n2sr over {rival}"
    differences.append(scores.gain(what, "ssim", first, second, decides=False))
    return Claim(letter, statement, "Noise2SR, Tables 1 and 2", differences)


SUITE = Suite(
    data="simulated-averages",
    protocol="noise2sr",
    metrics=("psnr", "ssim", "rmse"),
    seconds=0.5,
    comparisons=comparisons,
    decide=decide,
    trainings=trainings,
)
