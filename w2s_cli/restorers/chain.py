"""Restorers in counts, one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import lcm
from typing import Any

from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.restorer import (
    RELATIVE,
    STATISTICAL,
    Domain,
    Fittable,
    NoiseAware,
    Restorer,
    Traits,
)
from w2s_cli.restorers.units import EIGHT_BIT, Levels, affine

_PHOTONS = NoiseModel(1.0)  # counts are photons


@dataclass(frozen=True)
class InCounts:
    """A restorer that takes and gives counts, whatever it works in inside."""

    restorer: Restorer
    noise: NoiseModel
    levels: Levels

    @property
    def traits(self) -> Traits:
        """Return the traits, with counts expected."""
        return _after(Traits(), self.restorer.traits)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored blocks, in counts."""
        traits = self.restorer.traits
        enter, leave = _roads(traits.expects, self.noise, _named(traits, self.levels))
        return leave(self.restorer(enter(blocks)))


_Road = Callable[[NDArray[Any]], FloatArray]


def _named(traits: Traits, levels: Levels) -> Levels:
    """Return `levels` with what the user has named in their place."""
    return Levels(
        levels.black if traits.black is None else traits.black,
        levels.white if traits.white is None else traits.white,
    )


def _roads(domain: Domain, noise: NoiseModel, levels: Levels) -> tuple[_Road, _Road]:
    """Return the ways from counts into a domain and back."""
    match domain:
        case Domain.COUNTS:
            return (lambda counts: counts), (lambda counts: counts)
        case Domain.PHOTONS:
            return noise.photons, noise.counts
        case Domain.STABILISED:
            return noise.stabilise, noise.unstabilise
        case Domain.ROOT:
            return noise.stabilise, noise.square
        case _:
            numbers = affine(domain, levels)
            return numbers.enter, numbers.leave


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
        return any(link.traits.expects in STATISTICAL for link in self.links)

    @property
    def needs_levels(self) -> bool:
        """Return whether a link works in units that black and white define."""
        return any(
            traits.expects in RELATIVE and None in (traits.black, traits.white)
            for traits in (link.traits for link in self.links)
        )

    @property
    def learner(self) -> Fittable | None:
        """Return the link that learns from the images, if there is one."""
        return next((link for link in self.links if isinstance(link, Fittable)), None)

    def bound(
        self,
        noise: NoiseModel = _PHOTONS,
        levels: Levels = EIGHT_BIT,
        lesson: Fittable | None = None,
    ) -> "Chain":
        """Return the chain with every link taking and giving counts.

        Parameters
        ----------
        noise
            Of the channel; needed if `needs_noise`.
        levels
            Black and white of the channel; needed if `needs_levels`.
        lesson
            What the link that learns has become for the channel; needed if there is a
            `learner`.
        """
        links = [
            lesson if lesson and isinstance(link, Fittable) else link
            for link in self.links
        ]
        return Chain([InCounts(_told(link, noise), noise, levels) for link in links])

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the blocks after the last link."""
        return reduce(lambda pixels, link: link(pixels), self.links, blocks)


def _told(link: Restorer, noise: NoiseModel) -> Restorer:
    return link.knowing(noise) if isinstance(link, NoiseAware) else link


def _after(first: Traits, then: Traits) -> Traits:
    return Traits(
        scale=first.scale * then.scale,
        margin=first.margin + -(-then.margin // first.scale),
        multiple_of=lcm(first.multiple_of, then.multiple_of),
        whole=first.whole or then.whole,
    )
