"""Whether an image has too little light for a method, and what it may draw then.

Of the networks that ship it was measured what they draw that is not there, by light and
by what the image shows; of others it is only known what they are meant for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from w2s_cli.microscope.fine_contrast import FineContrast
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.invention_rates import InventionRates, nearest
from w2s_cli.pipeline.plane_warnings import PlaneFacts, names_of
from w2s_cli.restorers.restorer import TrainedRange

TEXTURE = (0.04, 0.2)
"""Fine structure over the light of bright parts: less is even, more lines and dots."""
_EVEN = 0.125  # less is no line or dot, whatever even light lies under it
_NEAR = 1.75  # times the light that something was measured at


@dataclass(frozen=True, slots=True)
class ChannelLight:
    """How much light a channel has, and how it is spread.

    Attributes
    ----------
    noise
        Of the channel.
    planes
        That were looked at.
    fine
        What `fine_contrast` found, if it could be told.
    """

    noise: NoiseModel
    planes: Sequence[PlaneFacts]
    fine: FineContrast | None = None

    @property
    def photons(self) -> dict[PlaneFacts, float]:
        """Return the photons in the brightest parts of the planes that show any."""
        shown = [one for one in self.planes if not one.blank]
        seen = [one for one in shown if not one.empty] or shown
        offset, gain = self.noise.offset, self.noise.gain
        return {one: (one.brightest - offset) / gain for one in seen}

    def texture(self, photons: float) -> float:
        """Return how much texture there is in evenly lit bright parts; 0 for none.

        Below these photons no offset is known well enough to part even light from dark;
        above them only what is surely texture counts.
        """
        if self.fine is None:
            return 0.0
        (least, most), of_light = TEXTURE, self.fine.of_light
        if min(self.photons.values(), default=0.0) >= photons:
            most = _EVEN
        elif self.fine.over_dark >= most:
            return 0.0
        return of_light if least <= of_light < most else 0.0

    def says(self, some: Sequence[PlaneFacts]) -> str:
        """Say how much light some of the planes have."""
        light = self.photons
        ends = sorted({f"{light[one]:.3g}" for one in some}, key=float)
        if len(some) == len(self.planes) == 1:
            return f"the brightest parts have {ends[0]} photons a pixel"
        have = "has" if len(some) == 1 else "have"
        span = " to ".join(dict.fromkeys((ends[0], ends[-1])))
        return (
            f"{names_of(some, self.planes)} {have} {span} photons a pixel in the "
            "brightest parts"
        )


def light_warnings(
    trained: TrainedRange,
    channel: ChannelLight,
    *,
    rates: InventionRates | None = None,
    enlarges: bool = False,
) -> Iterator[str]:
    """Yield why a channel has too little light for a method, or is too noisy."""
    least, most = trained.photons
    meant = f"the method is meant for {least:g} to {most:g}"
    light = channel.photons
    dim = [one for one in light if light[one] < least]
    bright = [one for one in light if light[one] > most]
    if found := expected(trained, channel, rates):
        some = [one for one in light if light[one] <= found["up_to"]]
        yield (
            f"{channel.says(some)}, and texture of {found['texture']:.0%} of their "
            f"light: in simulated nuclei with {found['photons']:g} photons "
            f"{found['method']} draws {found['false_lines']:.0f} false lines a "
            f"megapixel, {found['rival']} {found['rival_false_lines']:.0f}. Believe no "
            f"line that --method {found['rival']} does not show; --uncertainty says "
            "how far to trust each pixel"
        )
    elif dim:
        instead = "denoise+bicubic" if enlarges else "pure-let"
        yield (
            f"{channel.says(dim)}, {meant}; check fine structure against --method "
            f"{instead}"
        )
    auto = "auto-x2" if enlarges else "auto"
    better = f"--method {auto} measures whether another is better"
    if bright:
        yield f"{channel.says(bright)}, {meant}; {better}"
    if channel.noise.sigma > trained.sigma:
        yield (
            f"the read noise is {channel.noise.sigma:.3g} photons, the method is meant "
            f"for at most {trained.sigma:g}; {better}"
        )


def expected(
    trained: TrainedRange | None, channel: ChannelLight, rates: InventionRates | None
) -> dict[str, Any]:
    """Return what a method is expected to draw that is not there, for the record.

    Nothing where that is not known, or no more than its rival does.
    """
    dimmest = min(channel.photons.values(), default=0.0)
    if not trained or not rates or dimmest > _NEAR * rates.brightest:
        return {}
    if not (texture := channel.texture(trained.photons[0])):
        return {}
    rate = nearest(rates.texture, dimmest)
    return {
        "texture": round(texture, 3),
        "up_to": _NEAR * rates.brightest,
        "photons": rate.photons,
        "method": rates.method,
        "false_lines": rate.own,
        "rival": rates.rival,
        "rival_false_lines": rate.rival,
    }
