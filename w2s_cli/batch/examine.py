"""Look at a few planes of a stack before it is restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from w2s_cli.batch.trust import concerns
from w2s_cli.errors import InputError, UsageError
from w2s_cli.estimate.noise import fit_noise
from w2s_cli.estimate.noise_fit import NoiseFit
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.restore import Chain
from w2s_cli.restore.sampling import sampled, spread
from w2s_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of one channel.

    Attributes
    ----------
    noise
        Its noise model.
    origin
        Where the noise model is from.
    warnings
        Why a result should be looked at twice, one line a reason.
    correlation
        Of the noise of neighbouring pixels; 0 where it cannot be measured.
    """

    noise: NoiseModel
    origin: Literal["given", "estimated"]
    warnings: tuple[str, ...] = ()
    correlation: float = 0.0


def examine(
    stack: Stack, chain: Chain, given: Sequence[NoiseModel] = ()
) -> list[Examined]:
    """Return the noise of each channel, and what speaks against trusting the result.

    Nothing is read for a chain that needs no noise model; the list is then empty.

    Parameters
    ----------
    stack
        The image in camera counts.
    chain
        The methods.
    given
        The noise model of each channel, one for all, or none: estimated then.

    Raises
    ------
    UsageError
        When the number of noise models is not the number of channels.
    InputError
        When a plane has pixels that are no numbers, or no noise that can be measured.
    """
    if not chain.needs_noise:
        return []
    models = models_of(stack, given)
    return [
        _examined(stack, channel, chain, models[channel])
        for channel in range(stack.channel_count)
    ]


def models_of(stack: Stack, given: Sequence[NoiseModel]) -> Sequence[NoiseModel | None]:
    """Return the noise model that each channel is given, None for none.

    Parameters
    ----------
    stack
        The image.
    given
        One for each channel, one for all, or none.

    Raises
    ------
    UsageError
        When there is another number of them.
    """
    count = stack.channel_count
    number = stack.extra.get("channel", count)  # the one taken out of several
    if count == 1 < len(given) and number < len(given):
        given = given[number : number + 1]
    if len(given) not in (0, 1, count):
        raise UsageError(
            f"{len(given)} noise models for an image of {count} channels",
            hint="give one for all channels, or one for each",
        )
    if len(given) == count:
        return given
    return [given[0] if given else None] * count


def _examined(
    stack: Stack, channel: int, chain: Chain, given: NoiseModel | None
) -> Examined:
    planes = sampled(stack, channel)
    noise, fit = _noise(planes, given)
    seen = next((s for link in chain.links if (s := link.traits.seen)), None)
    reasons = concerns(
        seen,
        planes[len(planes) // 2],
        noise,
        stack.pixel_size,
        fit.correlation if fit else 0.0,
        fit.model if fit and given else None,
        chain.learner,
    )
    prefix = f"channel {channel}: " if stack.channel_count > 1 else ""
    return Examined(
        noise,
        "given" if given else "estimated",
        tuple(prefix + reason for reason in reasons),
        fit.correlation if fit else 0.0,
    )


def _noise(
    planes: Sequence[NDArray[Any]], given: NoiseModel | None
) -> tuple[NoiseModel, NoiseFit | None]:
    """Return the noise model to use, and what the planes themselves tell."""
    try:
        fit = fit_noise(spread(planes))
    except InputError:
        if given:
            return given, None
        raise
    return given or fit.model, fit
