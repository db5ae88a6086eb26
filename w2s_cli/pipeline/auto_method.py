"""Which denoiser an image asks for, measured on the image itself: the method `auto`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from w2s_cli._typing import FloatArray
from w2s_cli.methods.build import build, parse
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.held_out import Denoiser, HeldOut, held_out_errors
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import restore_plane

NONE = "identity"
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
    """

    method: str
    reason: str
    options: tuple[str, ...] = ()
    errors: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the choice as a JSON object."""
        given = {key: value for key, value in asdict(self).items() if value}
        return given | ({"options": [*self.options]} if self.options else {})

    @property
    def warnings(self) -> list[str]:
        """Return why nothing is denoised, if that is the choice."""
        return [f"not denoised: {self.reason}"] if self.method == NONE else []


def resolve_auto(
    spec: RestoreSpec, chain: Chain, diagnosis: Diagnosis
) -> tuple[str, Chain, Choice | None]:
    """Return the methods and their chain with a denoiser in the place of `auto`.

    The choice is None where none was left open.
    """
    if not chain.links[0].traits.automatic:
        return spec.method, chain, None
    choice = auto_method(diagnosis, spec.device, spec.precision)
    return *chosen(spec, chain, choice), choice


def chosen(spec: RestoreSpec, chain: Chain, choice: Choice | None) -> tuple[str, Chain]:
    """Return the methods and their chain with what was chosen, if anything was."""
    if choice is None:
        return spec.method, chain
    [link] = build(
        choice.method, choice.options, device=spec.device, precision=spec.precision
    ).links
    names = [choice.method, *(entry.name for entry in parse(spec.method)[1:])]
    return "+".join(names), Chain([link, *chain.links[1:]])


def auto_method(
    diagnosis: Diagnosis, device: str = "auto", precision: str = "auto"
) -> Choice:
    """Return the method that predicts held-out light of all channels best.

    It is `identity` where none is better than the image itself in every channel.
    """
    channels = [one for one in diagnosis.channels if one.origin != "blank"]
    for channel in channels:
        if channel.model is None:
            name = f"channel {channel.name}: " if len(diagnosis.channels) > 1 else ""
            return Choice(
                NONE, f"{name}the noise cannot be measured: {channel.failure}"
            )
    if not all(one.squares for one in channels):
        return Choice("denoise", "too little of the image is known to compare methods")
    correlated = any(one.noise.correlation for one in channels)
    candidates = _CORRELATED if correlated else _WHITE
    chains = {
        _label(*one): build(*one, device=device, precision=precision)
        for one in candidates
    }
    found = [_errors(channel, chains) for channel in channels]
    means = {
        label: sum(errors[label].error for errors in found) / len(found)
        for label in chains
    }
    errors = {label: float(f"{error:.3g}") for label, error in means.items()}
    better = [label for label in chains if all(_helps(one[label]) for one in found)]
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
    method, options = next(one for one in candidates if _label(*one) == best)
    return Choice(method, _reason(correlated, best, errors), options, errors)


def _errors(
    channel: ChannelDiagnosis, chains: Mapping[str, Chain]
) -> dict[str, HeldOut]:
    def restored_by(chain: Chain) -> Denoiser:
        def restored(counts: FloatArray, noise: NoiseModel) -> FloatArray:
            side = max(counts.shape)
            return restore_plane(counts, chain.bound(noise=noise), tile=side)

        return restored

    methods = {label: restored_by(chain) for label, chain in chains.items()}
    return held_out_errors(channel.squares, channel.noise, methods)


def _helps(found: HeldOut) -> bool:
    return found.error + _SURE * found.deviation < 1


def _label(method: str, options: Sequence[str]) -> str:
    return f"{method} {', '.join(options)}" if options else method


def _reason(correlated: bool, best: str, errors: Mapping[str, float]) -> str:
    shared = "neighbouring pixels share noise; " if correlated else ""
    method = best.partition(" ")[0]
    others = [label for label in errors if label.partition(" ")[0] != method]
    second = min(others, key=errors.__getitem__)
    return (
        f"{shared}it predicts held-out light with {max(errors[best], 0):.0%} of the "
        f"squared error of the image itself, {second} with {max(errors[second], 0):.0%}"
    )
