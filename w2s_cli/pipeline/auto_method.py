"""Which method an image asks for, measured on the image itself: `auto` and `auto-x2`.

How far to sharpen cannot be measured so: an image with another blur may hide the same
light. What can is whether some blur takes a sharpened image back to the one that it was
made of, and how much of what was sharpened none does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from w2s_cli._typing import FloatArray
from w2s_cli.methods.auto_x2 import AutoX2
from w2s_cli.methods.build import build, parse
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.held_out import HeldOut, Method, held_out_errors
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import restore_plane

NONE = "identity"
ENLARGER = "jdsr"
INTERPOLATION = "bicubic"
_Candidate = tuple[str, tuple[str, ...]]  # a method and its options
_WHITE: tuple[_Candidate, ...] = (
    ("denoise", ()),
    ("pure-let", ()),
    ("gaussian", ("sigma=1",)),
    ("gaussian", ("sigma=2",)),
)
_CORRELATED: tuple[_Candidate, ...] = (
    ("denoise", ()),
    ("pd-denoise", ("stride=2", "sigma=0")),
    ("pd-denoise", ("stride=2", "sigma=0.7")),
    ("pd-denoise", ("stride=3", "sigma=0.7")),
    ("pure-let", ()),
    ("gaussian", ("sigma=1",)),
    ("gaussian", ("sigma=1.5",)),
    ("gaussian", ("sigma=2.5",)),
)
_CLOSE = 0.02  # of the noise: as good as the best; the first of those is taken
# Where neighbours share noise, its variance is known less well, and too large where
# structure passes for noise: of methods that come so near to the best, in shares of its
# error, the one is taken that changes the image least.
_UNSURE = 0.2
_SURE = 2.0  # standard errors that a method must be better than nothing by
# Of the noise: a sharpened image may be so much worse than one that is only denoised.
# Real SIM images made dim were nearer to the truth up to there (tests/quality).
_ALLOWED = 0.05
# Where the error of a sharpened image is more than half of what was added, it may lie
# further from the truth than before: that is a quarter of the square.
_CONTRADICTED = 0.25


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, and what speaks for it.

    Attributes
    ----------
    method, options
        As for `w2s_cli.methods.build.build`.
    reason
        What was measured, in a line.
    errors
        Of each candidate: its squared error in predicting held-out light over the
        variance of the noise, the mean over the channels. 1 is the image as it is.
    sharpening
        What `jdsr` adds to an image as blurred as the input, "added", and how much of
        that no blur explains, "contradicted", with its "standard error"; as `errors`.
    """

    method: str
    reason: str
    options: tuple[str, ...] = ()
    errors: dict[str, float] = field(default_factory=dict)
    sharpening: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the choice as a JSON object."""
        given = {key: value for key, value in asdict(self).items() if value}
        return given | ({"options": [*self.options]} if self.options else {})

    @property
    def warnings(self) -> list[str]:
        """Return why nothing is denoised, if that is the choice."""
        return [f"not denoised: {self.reason}"] if self._nothing else []

    @property
    def _nothing(self) -> bool:
        return self.method.partition("+")[0] == NONE


def resolve_auto(
    spec: RestoreSpec, chain: Chain, diagnosis: Diagnosis
) -> tuple[str, Chain, Choice | None]:
    """Return the methods and their chain with a denoiser in the place of `auto`.

    The choice is None where none was left open.
    """
    link = chain.links[0]
    if not link.traits.automatic:
        return spec.method, chain, None
    how = spec.device, spec.precision
    if isinstance(link, AutoX2):
        choice = auto_x2(diagnosis, *how, told=link.told)
    else:
        choice = auto_method(diagnosis, *how)
    return *chosen(spec, chain, choice), choice


def chosen(spec: RestoreSpec, chain: Chain, choice: Choice | None) -> tuple[str, Chain]:
    """Return the methods and their chain with what was chosen, if anything was."""
    if choice is None:
        return spec.method, chain
    links = build(
        choice.method, choice.options, device=spec.device, precision=spec.precision
    ).links
    names = [choice.method, *(entry.name for entry in parse(spec.method)[1:])]
    return "+".join(names), Chain([*links, *chain.links[1:]])


def auto_method(
    diagnosis: Diagnosis, device: str = "auto", precision: str = "auto"
) -> Choice:
    """Return the method that predicts held-out light of all channels best.

    It is `identity` where none is better than the image itself in every channel.
    """
    return _measured(diagnosis, device, precision)[0]


def auto_x2(
    diagnosis: Diagnosis,
    device: str = "auto",
    precision: str = "auto",
    *,
    told: tuple[str, ...] = (),
) -> Choice:
    """Return `jdsr`, or what `auto` takes and `bicubic` where `jdsr` is contradicted.

    It is where its image, blurred as fits best what it has seen, is no better than the
    image itself, or where held-out light is further from that than from the denoised
    image by more than a share of what `jdsr` adds; in one of the channels. `told` are
    its options.
    """
    enlarger = build(ENLARGER, told, device=device, precision=precision)
    choice, found = _measured(diagnosis, device, precision, {ENLARGER: enlarger})
    if found:
        choice = _enlarger(choice, found)
    elif choice.method == NONE:
        choice = replace(choice, method=f"{NONE}+{INTERPOLATION}")
    else:
        choice = replace(choice, method=ENLARGER)
    return replace(choice, options=told) if choice.method == ENLARGER else choice


def _measured(
    diagnosis: Diagnosis,
    device: str,
    precision: str,
    others: Mapping[str, Chain] | None = None,
) -> tuple[Choice, list[dict[str, HeldOut]]]:
    """Return the denoiser to take, and how each and others predict, by channel."""
    channels = [one for one in diagnosis.channels if one.origin != "blank"]
    for channel in channels:
        if channel.model is None:
            name = f"channel {channel.name}: " if len(diagnosis.channels) > 1 else ""
            reason = f"{name}the noise cannot be measured: {channel.failure}"
            return Choice(NONE, reason), []
    if not all(one.squares for one in channels):
        reason = "too little of the image is known to compare methods"
        return Choice("denoise", reason), []
    correlated = any(one.noise.correlation for one in channels)
    candidates = _CORRELATED if correlated else _WHITE
    chains = {
        _label(*one): build(*one, device=device, precision=precision)
        for one in candidates
    } | {**(others or {})}
    found = [_errors(channel, chains) for channel in channels]
    return _denoiser(candidates, found, correlated=correlated), found


def _denoiser(
    candidates: Sequence[_Candidate],
    found: Sequence[Mapping[str, HeldOut]],
    *,
    correlated: bool,
) -> Choice:
    """Return the one of several that predicts held-out light best, if any does."""
    labels = [_label(*one) for one in candidates]
    means = {label: _mean([one[label].error for one in found]) for label in labels}
    errors = {label: _rounded(error) for label, error in means.items()}
    better = [label for label in labels if all(_helps(one[label]) for one in found)]
    if not better:
        return Choice(
            NONE,
            "no method predicts held-out light better than the image itself",
            errors=errors,
        )
    best = min(better, key=means.__getitem__)
    if not correlated:
        best = next(one for one in better if means[one] <= means[best] + _CLOSE)
    elif not best.startswith("gaussian"):
        most = _CLOSE + (1 + _UNSURE) * max(means[best], 0)
        near = [one for one in better if means[one] <= most and "gaussian" not in one]
        best = min(near, key=lambda label: sum(one[label].change for one in found))
    method, options = candidates[labels.index(best)]
    return Choice(method, _reason(correlated, best, errors), options, errors)


def _enlarger(choice: Choice, found: Sequence[Mapping[str, HeldOut]]) -> Choice:
    """Return `jdsr`, or a denoiser and `bicubic` where the image contradicts it."""
    denoiser = _label(choice.method, choice.options)
    sharp = [one[ENLARGER] for one in found]
    more = [one[ENLARGER].excess_over(one.get(denoiser)) for one in found]
    facts = {
        "added": _mean([one.sharpened for one in sharp]),
        "contradicted": _mean([value for value, _ in more]),
        "standard error": _mean([deviation for _, deviation in more]),
    }
    error = _rounded(_mean([one.error for one in sharp]))
    choice = replace(
        choice,
        errors=choice.errors | {ENLARGER: error},
        sharpening={name: _rounded(value) for name, value in facts.items()},
    )
    measured = (
        f"as blurred as the image, {ENLARGER} predicts held-out light with "
        f"{_percent(error)} of the squared error of the image itself"
    )
    if choice.method == NONE:
        if not all(map(_helps, sharp)):
            return replace(choice, method=f"{NONE}+{INTERPOLATION}")
    else:
        measured += f", {choice.method} with {_percent(choice.errors[denoiser])}"
        if any(
            one.error >= 1
            or value - _SURE * deviation > _ALLOWED + _CONTRADICTED * one.sharpened
            for one, (value, deviation) in zip(sharp, more, strict=True)
        ):
            method = f"{choice.method}+{INTERPOLATION}"
            reason = f"the image contradicts what {ENLARGER} adds: {measured}"
            return replace(choice, method=method, reason=reason)
    return replace(choice, method=ENLARGER, reason=measured)


def _errors(
    channel: ChannelDiagnosis, chains: Mapping[str, Chain]
) -> dict[str, HeldOut]:
    def restored_by(chain: Chain) -> Method:
        def restored(counts: FloatArray, noise: NoiseModel) -> FloatArray:
            side = max(counts.shape)
            return restore_plane(counts, chain.bound(noise=noise), tile=side)

        return restored

    methods = {label: restored_by(chain) for label, chain in chains.items()}
    return held_out_errors(channel.squares, channel.noise, methods)


def _helps(found: HeldOut) -> bool:
    return found.error + _SURE * found.deviation < 1


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _percent(error: float) -> str:
    return f"{max(error, 0):.0%}"


def _label(method: str, options: Sequence[str]) -> str:
    return f"{method} {', '.join(options)}" if options else method


def _reason(correlated: bool, best: str, errors: Mapping[str, float]) -> str:
    shared = "neighbouring pixels share noise; " if correlated else ""
    method = best.partition(" ")[0]
    others = [label for label in errors if label.partition(" ")[0] != method]
    second = min(others, key=errors.__getitem__)
    return (
        f"{shared}it predicts held-out light with {_percent(errors[best])} of the "
        f"squared error of the image itself, {second} with {_percent(errors[second])}"
    )
