"""What W2S claims of denoising and super-resolution, one after the other and at once.

Its tables say it for networks of millions of parameters that were trained on recorded
images [1]_; here the same is asked of whatever weights the methods have.

References
----------
.. [1] R. Zhou et al., "W2S: microscopy data with joint denoising and super-resolution
   for widefield to SIM mapping", ECCV Workshops 2020.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product

from w2s_cli.bench.claims.claim import Claim
from w2s_cli.bench.claims.paired_scores import Key, PairedScores
from w2s_cli.bench.claims.suite import Suite
from w2s_cli.bench.config import CLEAN, NOISY, BenchConfig

CLASSICAL = ("pure-let", "vst+epll", "vst+bm3d")
LEARNED = ("memnet", "dncnn", "ridnet")
DENOISERS = (*CLASSICAL, *LEARNED)
ENLARGING = ("rcan", "rdn", "san", "srfbn", "epsr", "esrgan")
JOINT = ("jdsr-rcan", "jdsr-esrgan", "jdsr-texture")
# One network, before texture loss and after
PIXEL_LOSS, TEXTURE_LOSS = "jdsr-pixels", "jdsr-texture"
SEQUENCES = ("dncnn+rcan", "dncnn+esrgan")  # at all levels, as in Table 3
BEST_LEARNED = ("dncnn", "ridnet")  # those that Table 1 has above all others


def comparisons(levels: Sequence[int], _: Mapping[str, str]) -> list[BenchConfig]:
    """Return the rows of Tables 1, 2 and 3."""
    noisiest, *others = levels
    found = [
        BenchConfig(DENOISERS, levels=levels),
        BenchConfig(DENOISERS, ENLARGING, [*JOINT, PIXEL_LOSS], [noisiest]),
    ]
    if others:
        found.append(BenchConfig(joint=(*SEQUENCES, *JOINT), levels=others))
    return found


def decide(scores: PairedScores) -> list[Claim]:
    """Return the claims, with what the scores say of them."""
    found = [
        _noise_is_fatal(scores),
        *_denoising_mends(scores),
        _best_denoiser_is_not_best_input(scores),
        _joint_is_best(scores),
        _texture_is_sharper(scores),
    ]
    return [*found, *_over_averages(scores)]


def _noise_is_fatal(scores: PairedScores) -> Claim:
    noisiest = scores.levels[0]
    losses = [
        scores.gain(
            f"{sr}: noise-free over noisy",
            "psnr",
            [(f"{CLEAN}+{sr}", scores.clean)],
            [(f"{NOISY}+{sr}", noisiest)],
        )
        for sr in ENLARGING
    ]
    return Claim(
        "a",
        "networks for super-resolution that were trained without noise fail on noisy "
        "images",
        "W2S, Table 2",
        losses,
    )


def _denoising_mends(scores: PairedScores) -> Iterator[Claim]:
    level = scores.levels[0]
    noisy, clean = (
        [(f"{first}+{sr}", at) for sr in ENLARGING]
        for first, at in ((NOISY, level), (CLEAN, scores.clean))
    )
    pairs = {
        denoiser: [(f"{denoiser}+{sr}", level) for sr in ENLARGING]
        for denoiser in DENOISERS
    }
    yield Claim(
        "b1",
        "a denoiser before them mends it",
        "W2S, Table 2; means over the networks",
        [
            scores.gain(f"{denoiser} over none", "psnr", rows, noisy)
            for denoiser, rows in pairs.items()
        ],
    )
    yield Claim(
        "b2",
        "but only in part: noise-free images remain better",
        "W2S, Table 2; means over the networks",
        [
            scores.gain(f"noise-free over {denoiser}", "psnr", clean, rows)
            for denoiser, rows in pairs.items()
        ],
    )


def _best_denoiser_is_not_best_input(scores: PairedScores) -> Claim:
    level = scores.levels[0]
    alone: list[Key] = [(denoiser, level) for denoiser in DENOISERS]
    best = scores.best("rmse", alone)
    own, others = None, None
    if best:
        groups: dict[bool, list[Key]] = {True: [], False: []}
        for denoiser, sr in product(DENOISERS, ENLARGING):
            groups[denoiser == best[0]].append((f"{denoiser}+{sr}", level))
        own, others = (
            scores.best("rmse", groups[is_best]) for is_best in (True, False)
        )
    rival = (others[0].rpartition("+")[0], level) if others else None
    names = [key[0] if key else "?" for key in (best, rival, others, own)]
    return Claim(
        "b3",
        "the best denoiser does not give the best pair",
        "W2S, Tables 1 and 2",
        [
            scores.gain(f"{names[0]} over {names[1]}, alone", "rmse", [best], [rival]),
            scores.gain(f"{names[2]} over {names[3]}", "rmse", [others], [own]),
        ],
    )


def _joint_is_best(scores: PairedScores) -> Claim:
    level = scores.levels[0]
    pairs: list[Key] = [
        (f"{denoiser}+{sr}", level) for denoiser, sr in product(DENOISERS, ENLARGING)
    ]
    best = scores.best("rmse", pairs)
    return Claim(
        "c",
        "networks trained to do both at once beat the best sequence",
        "W2S, Tables 2 and 3",
        [
            scores.gain(
                f"{joint} over {best[0] if best else '?'}",
                "rmse",
                [(joint, level)],
                [best],
            )
            for joint in JOINT
        ],
    )


def _texture_is_sharper(scores: PairedScores) -> Claim:
    level = scores.levels[0]
    first, second = [(TEXTURE_LOSS, level)], [(PIXEL_LOSS, level)]
    what = f"{TEXTURE_LOSS} over {PIXEL_LOSS}"
    price = [
        scores.gain(what, metric, first, second, decides=False)
        for metric in scores.bench.metrics
        if metric != "decorrelation"
    ]
    return Claim(
        "d",
        "a network trained with texture loss gives sharper images, finer by the "
        "decorrelation of pixels",
        "W2S, Table 3 and Fig. 4",
        [scores.gain(what, "decorrelation", first, second), *price],
    )


def _over_averages(scores: PairedScores) -> Iterator[Claim]:
    """Yield what is claimed of all levels."""
    levels = scores.levels
    learned, joint = [], []
    for level in levels:
        best = scores.best("rmse", [(name, level) for name in CLASSICAL])
        beaten = f"{best[0] if best else '?'} at level {level}"
        learned += [
            scores.gain(f"{name} over {beaten}", "rmse", [(name, level)], [best])
            for name in BEST_LEARNED
        ]
        best = scores.best("rmse", [(name, level) for name in SEQUENCES])
        beaten = f"{best[0] if best else '?'} at level {level}"
        joint += [
            scores.gain(f"{name} over {beaten}", "rmse", [(name, level)], [best])
            for name in JOINT
        ]
    yield Claim(
        "e1",
        "at every number of captures, networks denoise better than classical methods",
        "W2S, Table 1",
        learned,
    )
    yield Claim(
        "e2",
        "and networks that do both at once beat DnCNN before RCAN or ESRGAN",
        "W2S, Table 3",
        joint,
    )
    yield Claim(
        "e3",
        "more captures to average make all of them better",
        "W2S, Tables 1 and 3; means over the methods",
        [
            scores.gain(
                f"{kind} at level {more} over {fewer}",
                "psnr",
                [(name, more) for name in names],
                [(name, fewer) for name in names],
            )
            for fewer, more in pairwise(levels)
            for kind, names in (("denoisers", DENOISERS), ("both at once", JOINT))
        ],
    )


SUITE = Suite(
    data="simulated-averages",
    protocol="",
    metrics=("rmse", "psnr", "ssim", "decorrelation", "frc"),
    seconds=0.5,
    comparisons=comparisons,
    decide=decide,
)
