"""What the networks that ship draw that is not there, as `w2s bench --invention` found.

`python .ci/invention_rates.py INVENTION.json` writes the figures, each beside the hash
of the weights that it is of: of other weights, nothing is known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import log
from pathlib import Path

from w2s_cli.restorers.restorer import Traits

FIGURES = Path(__file__).with_suffix(".json")
NEAR = 30.0
"""Objects a megapixel that count as no more."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What a method and its rival drew at one level of light."""

    photons: float
    own: float
    rival: float


@dataclass(frozen=True, slots=True)
class InventionRates:
    """What a method draws that is not there, in simulated fields.

    Attributes
    ----------
    method, rival
        Their names.
    texture
        False lines a megapixel, worms, in textured nuclei.
    """

    method: str
    rival: str
    texture: tuple[Rate, ...]

    @property
    def brightest(self) -> float:
        """Return the light up to which more is drawn in texture than by the rival."""
        more = [one.photons for one in self.texture if one.own > one.rival + NEAR]
        return max(more, default=0.0)


def nearest(rates: tuple[Rate, ...], photons: float) -> Rate:
    """Return the rate at the light that is nearest to some."""
    return min(rates, key=lambda one: abs(log(one.photons / max(photons, 0.1))))


def rates_of(traits: Traits) -> InventionRates | None:
    """Return what is known of a method with its weights, or None."""
    return _known().get(traits.provenance.get("weights_sha256", ""))


@cache
def _known() -> Mapping[str, InventionRates]:
    figures = json.loads(FIGURES.read_text("utf-8"))
    return {
        one["weights_sha256"]: InventionRates(
            one["method"],
            figures["rival"],
            tuple(Rate(**row) for row in one["texture"]),
        )
        for one in figures["methods"]
    }
