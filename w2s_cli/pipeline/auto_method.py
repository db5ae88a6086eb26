"""Which denoiser an image asks for, by what its noise is like: the method `auto`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from w2s_cli.errors import InputError
from w2s_cli.methods.auto import Auto
from w2s_cli.methods.build import build, parse
from w2s_cli.microscope.brightness import brightest
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import sampled, spread
from w2s_cli.pipeline.diagnosis import models_of, of_light, white
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import TrainedRange
from w2s_cli.stack import Stack

TRAINED, CLASSICAL, NONE = "denoise", "pure-let", "identity"
_CAUTION = (TRAINED, CLASSICAL, NONE)  # the last one that a channel asks for is taken


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, and why it was taken.

    Attributes
    ----------
    method
        Its name.
    reason
        What speaks for it, in a line.
    """

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
    job: RestoreSpec, chain: Chain, stack: Stack, given: Sequence[NoiseModel]
) -> tuple[RestoreSpec, Chain, Choice | None]:
    """Return the job and the chain with a denoiser in the place of `auto`.

    The choice is None, and nothing is read, where a job does not ask for one.

    Parameters
    ----------
    job, chain
        What was asked for.
    stack
        The image in camera counts.
    given
        What is known of its noise: see `w2s_cli.pipeline.diagnosis.diagnose_channels`.

    Raises
    ------
    UsageError
        When the number of noise models is not the number of channels.
    InputError
        When a plane has pixels that are no numbers.
    """
    first, *others = chain.links
    if not isinstance(first, Auto):
        return job, chain, None
    choice = auto_method(stack, first.traits.seen, models_of(stack, given))
    [link] = build(choice.method, device=job.device, precision=job.precision).links
    names = [choice.method, *(entry.name for entry in parse(job.method)[1:])]
    return replace(job, method="+".join(names)), Chain([link, *others]), choice


def auto_method(
    stack: Stack, seen: TrainedRange | None, models: Sequence[NoiseModel | None]
) -> Choice:
    """Return the method for a stack: the most cautious that one of its channels needs.

    Parameters
    ----------
    stack
        The image in camera counts.
    seen
        What the shipped denoiser is meant for.
    models
        The noise of each channel, None where it is to be estimated.
    """
    choices = [
        _of_channel(stack, channel, seen, model) for channel, model in enumerate(models)
    ]
    channel = max(
        range(len(choices)), key=lambda at: _CAUTION.index(choices[at].method)
    )
    choice = choices[channel]
    if len(choices) == 1 or choice.method == TRAINED:
        return choice
    return replace(choice, reason=f"channel {channel}: {choice.reason}")


def _of_channel(
    stack: Stack, channel: int, seen: TrainedRange | None, given: NoiseModel | None
) -> Choice:
    planes = sampled(stack, channel)
    plane = planes[len(planes) // 2]
    noise = given
    try:
        fit = fit_noise(spread(planes))
    except InputError as error:
        if noise is None:
            return Choice(NONE, f"the noise cannot be measured: {error}")
    else:
        if not white(fit.correlation, plane.size):
            return Choice(NONE, _correlated(fit.correlation))
        noise = noise or fit.model
    if seen and (outside := [*of_light(seen, plane, noise)]):
        return Choice(CLASSICAL, "; ".join(outside).replace("the method", TRAINED))
    light = (brightest(plane) - noise.offset) / noise.gain
    return Choice(
        TRAINED,
        f"the brightest parts have {light:.3g} photons a pixel and the read noise is "
        f"{noise.sigma:.2g}: what the shipped network is meant for",
    )


def _correlated(correlation: float) -> str:
    cause = "filtered, resized or compressed" if correlation > 0 else "sharpened"
    return (
        f"the noise of neighbouring pixels is correlated ({correlation:.2f}), as if "
        f"the image was {cause}: a denoiser would take it for structure"
    )
