"""What is found out about a stack before it is restored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from w2s_cli.methods.build import provenance
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.auto_method import Choice
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis
from w2s_cli.restorers.display_range import Stretch
from w2s_cli.restorers.restorer import Fittable
from w2s_cli.restorers.units import Levels


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found out about a stack before it was restored.

    Attributes
    ----------
    channels
        The noise of each channel; empty where the method needs none.
    stretches
        Black and white of each channel; empty where the method needs none.
    choice
        Which method was taken, and why, where that was left open.
    lessons
        What a method that learns has become for each channel.
    """

    channels: tuple[ChannelDiagnosis, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    choice: Choice | None = None
    lessons: Mapping[int, Fittable] = field(default_factory=dict)

    @property
    def noise(self) -> dict[int, NoiseModel]:
        """Return the noise by channel."""
        return {number: one.noise for number, one in enumerate(self.channels)}

    @property
    def levels(self) -> dict[int, Levels]:
        """Return black and white by channel."""
        return {number: one.levels for number, one in enumerate(self.stretches)}

    @property
    def warnings(self) -> list[str]:
        """Return why the result should be looked at twice."""
        chosen = self.choice.warnings if self.choice else []
        return chosen + [line for channel in self.channels for line in channel.warnings]

    def as_json(self) -> dict[str, Any]:
        """Return the findings as a part of a JSON object."""
        noise = [{**one.noise.as_json(), "origin": one.origin} for one in self.channels]
        levels = [one.as_json() for one in self.stretches]
        learned = [provenance(lesson) for lesson in self.lessons.values()]
        return {
            **({"auto": self.choice.as_json()} if self.choice else {}),
            "noise": noise,
            **({"levels": levels} if levels else {}),
            **({"learned": learned} if learned else {}),
        }
