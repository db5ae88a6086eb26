"""What is known of an image before it is restored, and what is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import log10
from typing import Any, Literal

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.defects import Defects
from w2s_cli.microscope.fine_contrast import FineContrast
from w2s_cli.microscope.noise_estimation import NoiseFit
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.noise_over_planes import white
from w2s_cli.pipeline.invention_rates import rates_of
from w2s_cli.pipeline.light_warnings import ChannelLight, expected, light_warnings
from w2s_cli.pipeline.noise_warnings import MOST_MISFIT, correlated_planes
from w2s_cli.pipeline.plane_warnings import PlaneFacts
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import DisplayRange

# Counts. A restored image has a part of the noise, and rounding adds 0.3 counts of it.
LEAST_GRAIN = 2.0
LEAST_CONTRAST = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class ChannelDiagnosis:
    """What a few planes of one channel show."""

    name: str = "1"  # what the file calls it, or its number, counted from 1
    model: NoiseModel | None = None  # None where it is neither given nor measured
    origin: Literal["given", "estimated", "blank"] = "given"
    fit: NoiseFit | None = None  # the noise that the planes show
    failure: InputError | None = None  # why that could not be measured
    pixels: int = 0  # of a plane, those that are known
    darkest: float | None = None  # counts, the noise averaged out
    brightest: float | None = None
    grain: float | None = None  # counts, sd of what changes from pixel to pixel
    fine: FineContrast | None = None  # of the bright parts
    saturated: float = 0.0  # share of the pixels at the full range of the camera
    dark_known: bool = False  # whether offset and read noise are from dark frames
    noise_warnings: tuple[str, ...] = ()  # why not to rely on the estimated noise
    other_warnings: tuple[str, ...] = ()  # what else is wrong
    display_range: DisplayRange | None = None  # None where no network needs it
    range_origin: Literal["8 bit", "measured", "given"] = "given"
    defects: Defects | None = None  # of a plane; None where none were found
    planes: tuple[PlaneFacts, ...] = ()  # that were looked at
    squares: tuple[FloatArray, ...] = ()  # a few, from bright to dark, in counts

    @property
    def without_pixels(self) -> "ChannelDiagnosis":
        """Return it without what takes room: of many files, all are kept to the end."""
        return replace(self, squares=(), defects=None)

    @property
    def noise_fits(self) -> bool:
        """Return whether the noise that is used is about what the channel shows."""
        if self.origin != "given" or not (self.fit and self.model):
            return True
        at = np.array([self.darkest, self.brightest], np.float32)
        given, shown = self.model.variance(at), self.fit.model.variance(at)
        ratios = np.maximum(given, 1e-6) / np.maximum(shown, 1e-6)
        return bool((np.abs(np.log(ratios)) < 2 * np.log(MOST_MISFIT)).all())

    @property
    def blank(self) -> bool:
        """Return whether all pixels of all its planes have one value."""
        return bool(self.planes) and all(one.blank for one in self.planes)

    @property
    def faint(self) -> str:
        """Return why whole counts would round its light away; "" where they do not."""
        if self.grain is None or self.brightest is None or self.darkest is None:
            return ""
        if self.grain < LEAST_GRAIN:
            return f"noise of {self.grain:.2g} counts in the darker half"
        contrast = self.brightest - self.darkest
        if contrast < LEAST_CONTRAST:
            return f"bright and dark parts {contrast:.2g} counts apart"
        return ""

    @property
    def noise(self) -> NoiseModel:
        """Return the noise model, or raise the InputError why there is none."""
        if self.model is None:
            raise self.failure or InputError("the noise was not measured")
        return self.model

    @property
    def correlation(self) -> float:
        """Return that of neighbouring pixels in the worst plane; 0 where unknown."""
        some = self._correlated
        if some:
            return max((one.correlation or 0.0 for one in some), key=abs)
        return self.fit.correlation if self.fit else 0.0

    @property
    def white(self) -> bool:
        """Return whether the noise of neighbouring pixels may be independent."""
        if not self.fit:
            return True
        return not self._correlated and white(self.correlation, self.pixels)

    @property
    def _correlated(self) -> list[PlaneFacts]:
        several = len(self.planes) > 1
        return correlated_planes(self.planes, self.pixels) if several else []

    @property
    def photons(self) -> float | None:
        """Return the light of the brightest parts, in photons a pixel."""
        if self.brightest is None:
            return None
        return (self.brightest - self.noise.offset) / self.noise.gain

    @property
    def light(self) -> ChannelLight:
        """Return how much light there is, and how it is spread."""
        return ChannelLight(self.noise, self.planes, self.fine)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a user should know of the channel, one line a reason."""
        return (*self.noise_warnings, *self.other_warnings)

    @property
    def trusted(self) -> bool:
        """Return whether nothing speaks against the noise that was measured."""
        return not self.noise_warnings

    @property
    def gain_doubtful(self) -> bool:
        """Return whether the gain was estimated, and might as well be twice as much."""
        if self.origin != "estimated" or not self.fit:
            return False
        return self.fit.slope < 2 * self.fit.line.slope_error

    def as_json(self) -> dict[str, Any]:
        """Return what `estimate-noise` prints; `io.noise_file` reads it again."""
        model, fit = self.noise, self.fit
        assert fit
        assert self.brightest is not None
        assert self.darkest is not None
        variance = max(float(fit.line.variance(np.array(self.brightest))), 1e-30)
        contrast = (self.brightest - self.darkest) ** 2 / variance
        numbers = {
            "gain": model.gain,
            "offset": model.offset,
            "read_noise": model.read_noise,
            "a": fit.line.slope,
            "a_error": fit.line.slope_error,
            "b": fit.line.intercept,
            "b_error": fit.line.intercept_error,
            "peak_snr": 10 * log10(max(contrast, 1e-30)),
            "photons": self.photons,
            "saturated": self.saturated,
            "correlation": fit.correlation,
        }
        return {
            "name": self.name,
            **{key: float(f"{value:.6g}") for key, value in numbers.items()},
            "dark_known": self.dark_known,
            "trusted": self.trusted,
            "warnings": [*self.warnings],
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of a stack before it is restored, channel by channel."""

    channels: tuple[ChannelDiagnosis, ...] = ()
    pixel_size: Mapping[str, float] = field(default_factory=dict)

    @property
    def noise(self) -> dict[int, NoiseModel]:
        """Return the noise by channel, of those that were asked for it."""
        return {
            number: one.noise
            for number, one in enumerate(self.channels)
            if one.model or one.failure
        }

    @property
    def display_ranges(self) -> dict[int, DisplayRange]:
        """Return black and white by channel, of those that were asked for it."""
        return {
            number: one.display_range
            for number, one in enumerate(self.channels)
            if one.display_range
        }

    @property
    def faint(self) -> str:
        """Return why whole counts would round light of a channel away, or ""."""
        return next(
            self._named((one, filter(None, [one.faint])) for one in self.channels), ""
        )

    @property
    def blank_channels(self) -> frozenset[int]:
        """Return the channels that show nothing in the planes that were looked at."""
        return frozenset(
            number for number, one in enumerate(self.channels) if one.origin == "blank"
        )

    def without_noise(self) -> "Diagnosis":
        """Return the diagnosis for methods that do not need the noise."""
        return replace(
            self,
            channels=tuple(
                replace(one, model=None, failure=None, fit=None, defects=None)
                for one in self.channels
            ),
        )

    @property
    def warnings(self) -> list[str]:
        """Return what is wrong with the image, whatever the method."""
        return [*self._named((one, one.warnings) for one in self.channels)]

    def warnings_for(self, methods: Sequence[Traits]) -> list[str]:
        """Return those, and why these methods are not made for the image."""
        return [
            *self._named(
                (one, (*one.warnings, *method_warnings(methods, one, self.pixel_size)))
                for one in self.channels
                if one.model
            )
        ]

    def inventions_by(self, methods: Sequence[Traits]) -> list[dict[str, Any]]:
        """Return what methods are expected to draw that is not there, by channel."""
        return [
            {"channel": number, **found}
            for number, one in enumerate(self.channels, 1)
            if one.model
            for traits in methods
            if (found := expected(traits.trained_range, one.light, rates_of(traits)))
        ]

    def _named(
        self, reasons: Iterable[tuple[ChannelDiagnosis, Iterable[str]]]
    ) -> Iterator[str]:
        several = len(self.channels) > 1
        for one, lines in reasons:
            prefix = f"channel {one.name}: " if several else ""
            yield from (prefix + line for line in lines)

    def as_json(self) -> dict[str, Any]:
        """Return the record's part: the noise and the range that were used."""
        noise = [
            {
                **one.model.as_json(),
                "origin": one.origin,
                **({} if one.trusted else {"trusted": False}),
            }
            for one in self.channels
            if one.model
        ]
        levels = [
            {**asdict(one.display_range), "origin": one.range_origin}
            for one in self.channels
            if one.display_range
        ]
        return {"noise": noise, **({"levels": levels} if levels else {})}


def method_warnings(
    methods: Sequence[Traits],
    channel: ChannelDiagnosis,
    pixel_size: Mapping[str, float],
) -> Iterator[str]:
    """Yield why a channel is not what methods are meant for, one line a reason."""
    masking = any(one.fit and one.fit.needs_white_noise for one in methods)
    if masking and not channel.white:
        yield (
            "a method that learns from hidden pixels takes correlated noise for "
            "structure; --method n2v with -O rows=N or -O columns=N hides N "
            "neighbours on both sides as well"
        )
    trained = next((r for one in methods if (r := one.trained_range)), None)
    if trained:
        enlarges = any(one.scale > 1 for one in methods)
        known = next((rates for one in methods if (rates := rates_of(one))), None)
        yield from light_warnings(
            trained, channel.light, rates=known, enlarges=enlarges
        )
    if trained and trained.pixel_size:
        least, most = trained.pixel_size
        for axis in "YX":
            if axis in pixel_size and not least <= pixel_size[axis] <= most:
                yield (
                    f"a pixel is {pixel_size[axis]:.3g} um wide along {axis}, the "
                    f"method is meant for {least:g} to {most:g} um"
                )
