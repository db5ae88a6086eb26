"""Which denoiser an image asks for, by what its noise is like: the method `auto`."""

from dataclasses import asdict, dataclass, replace

from w2s_cli.methods.build import build, parse
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis, light_warnings
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import TrainedRange

TRAINED, CLASSICAL, NONE = "denoise", "pure-let", "identity"
_CAUTION = (TRAINED, CLASSICAL, NONE)  # the last one that a channel asks for is taken


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, and in a line what speaks for it."""

    method: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """Return the choice as a JSON object."""
        return asdict(self)

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
    first, *others = chain.links
    if not first.traits.automatic:
        return spec.method, chain, None
    choice = auto_method(diagnosis, first.traits.trained_range)
    [link] = build(choice.method, device=spec.device, precision=spec.precision).links
    names = [choice.method, *(entry.name for entry in parse(spec.method)[1:])]
    return "+".join(names), Chain([link, *others]), choice


def auto_method(diagnosis: Diagnosis, trained: TrainedRange | None) -> Choice:
    """Return the most cautious method that one of the channels of a stack needs."""
    choices = [_for_channel(channel, trained) for channel in diagnosis.channels]
    at = max(range(len(choices)), key=lambda at: _CAUTION.index(choices[at].method))
    choice = choices[at]
    if len(choices) == 1 or choice.method == TRAINED:
        return choice
    name = diagnosis.channels[at].name
    return replace(choice, reason=f"channel {name}: {choice.reason}")


def _for_channel(channel: ChannelDiagnosis, trained: TrainedRange | None) -> Choice:
    if channel.model is None:
        return Choice(NONE, f"the noise cannot be measured: {channel.failure}")
    if not channel.white:
        likely = "filtered, resized or compressed"
        cause = likely if channel.correlation > 0 else "sharpened"
        return Choice(
            NONE,
            "the noise of neighbouring pixels is correlated "
            f"({channel.correlation:.2f}), as if the image was {cause}: a denoiser "
            "would take it for structure",
        )
    outside = [*light_warnings(trained, channel)] if trained else []
    if outside:
        return Choice(CLASSICAL, "; ".join(outside).replace("the method", TRAINED))
    if channel.photons is None:
        return Choice(TRAINED, "nothing is known that speaks against it")
    return Choice(
        TRAINED,
        f"the brightest parts have {channel.photons:.3g} photons a pixel and the read "
        f"noise is {channel.noise.sigma:.2g}: what the shipped network is meant for",
    )
