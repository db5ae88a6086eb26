"""Restorers in counts, one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import lcm
from typing import Any, cast

from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.restorer import Fittable, NoiseAware, Restorer, Traits
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange

_PHOTONS = NoiseModel(1.0)  # counts are photons


@dataclass(frozen=True)
class InCounts:
    """A restorer that takes and gives counts, whatever it works in inside."""

    restorer: Restorer
    noise: NoiseModel
    display_range: DisplayRange

    @property
    def traits(self) -> Traits:
        """Return the traits, with counts expected."""
        return _after(Traits(), self.restorer.traits)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored blocks, in counts."""
        traits, shown = self.restorer.traits, self.display_range
        enter, leave = traits.expects.conversions(
            self.noise,
            DisplayRange(
                shown.black if traits.black is None else traits.black,
                shown.white if traits.white is None else traits.white,
            ),
        )
        return leave(self.restorer(enter(blocks)))


@dataclass(frozen=True)
class Chain:
    """Restorers that take turns: scales multiply, margins add."""

    links: Sequence[Restorer]

    @property
    def traits(self) -> Traits:
        """Return the traits of the whole, seen from its input pixels."""
        return reduce(_after, (link.traits for link in self.links), Traits())

    @property
    def needs_noise(self) -> bool:
        """Return whether a link works in units that a noise model defines."""
        return any(link.traits.needs_noise for link in self.links)

    @property
    def needs_range(self) -> bool:
        """Return whether black and white must be measured for a link."""
        return any(link.traits.needs_range for link in self.links)

    @property
    def shown_by(self) -> Callable[[NDArray[Any]], DisplayRange] | None:
        """Return what measures the range in the place of black and white, if any."""
        ranged = [link.traits for link in self.links if link.traits.needs_range]
        own = next(filter(None, (traits.shown_by for traits in ranged)), None)
        if own and len(ranged) > 1:
            raise UsageError(
                "two networks of a chain are each to have their own black and white",
                hint="restore by one, and what it has written by the other",
            )
        return own

    @property
    def selects(self) -> bool:
        """Return whether each pixel that it gives is one that it took."""
        return all(link.traits.selects for link in self.links)

    @property
    def to_fit(self) -> Fittable | None:
        """Return the link that is fitted to the images, if there is one."""
        links = (link for link in self.links if link.traits.fit)
        return cast("Fittable | None", next(links, None))

    def bound(
        self,
        noise: NoiseModel = _PHOTONS,
        display_range: DisplayRange = EIGHT_BIT,
        fitted: Restorer | None = None,
    ) -> "Chain":
        """Return the chain with every link taking and giving counts."""
        links = []
        for link in self.links:
            own = fitted if fitted and link.traits.fit else link
            if own.traits.knows_noise:
                own = cast("NoiseAware", own).with_noise(noise)
            links.append(InCounts(own, noise, display_range))
        return Chain(links)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the blocks after the last link."""
        return reduce(lambda pixels, link: link(pixels), self.links, blocks)


def _after(first: Traits, then: Traits) -> Traits:
    return Traits(
        scale=first.scale * then.scale,
        margin=first.margin + -(-then.margin // first.scale),
        multiple_of=lcm(first.multiple_of, then.multiple_of),
        whole=first.whole or then.whole,
    )
