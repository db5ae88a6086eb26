"""What a bench of invention found: its table, its claims, and what they rest on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from w2s_cli import __version__
from w2s_cli.bench.claims.claim import Claim, Difference
from w2s_cli.bench.invention.run_invention import FOUND, JOINED, Example, Invented
from w2s_cli.bench.invention.scenes import SCENES
from w2s_cli.bench.scores.intervals import FEWEST, Interval, interval, too_narrow

OURS, RIVAL = "jdsr", "denoise+bicubic"
ENOUGH = 20  # photons, from which the claim is made
NEAR, NEAR_SHARE = 30.0, 0.05
"""Objects a megapixel, and share of probes, that count as no more."""
COVERED = 0.9  # of what is false, that a map of errors should cover
HEADS = [
    *("scene", "photons", "method", "filaments", "95 %", "puncta", "95 %", "worms"),
    *("95 %", "filled"),
    *("95 %", "joined", "95 %", "drawn filaments", "drawn puncta", "drawn worms"),
    *("psnr", "covered"),
]
Key = tuple[str, float, str]  # scene, light, method


@dataclass(frozen=True, eq=False)
class InventionResult:
    """The numbers of all fields, and examples."""

    found: Sequence[Invented]
    examples: Sequence[Example]
    seconds: float

    @property
    def keys(self) -> list[Key]:
        """Return the rows of the table."""
        return list(
            dict.fromkeys((one.scene, one.light, one.method) for one in self.found)
        )

    def of(self, key: Key) -> list[Invented]:
        """Return the fields of a row."""
        return [one for one in self.found if (one.scene, one.light, one.method) == key]

    def mean(self, key: Key, number: str) -> Interval | None:
        """Return the mean of a number over the fields that have it."""
        fields = [one for one in self.of(key) if getattr(one, number) is not None]
        if not fields:
            return None
        names = [str(one.field) for one in fields]
        return interval([getattr(one, number) for one in fields], names)

    @property
    def stated(self) -> dict[str, str]:
        """Return what the numbers are, by what they are about."""
        return {
            "filaments, puncta": "objects a megapixel of twice the camera's pixels "
            "that the truth does not have within the blur, at the height that "
            f"{FOUND:.0%} of the true structure reaches after the same method",
            "worms": "lines as long as filaments that run across true structure: along "
            "them the truth has less than half of their height",
            "filled": "; ".join(
                f"{scene.title}: {scene.probed}"
                for scene in SCENES.values()
                if scene.probed
            )
            + f"; share at the light that {FOUND:.0%} of the true ones show",
            "joined": "share of these places where no dip is seen: light, above what "
            f"is dark, of more than {JOINED:.1%} of that beside",
            "drawn": "these objects at half the height of the true structure without "
            "noise, one for all methods",
            "covered": "share of false objects whose light above the truth is within "
            "1.645 standard errors of --uncertainty",
            "truth, noise-free": "no methods: what the detector finds in the truth, "
            "and in the widefield image without noise",
        }

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of the table."""
        for key in self.keys:
            cells = [key[0], f"{key[1]:g}", key[2]]
            for number in ("filaments", "puncta", "worms", "filled", "joined"):
                share = number in ("filled", "joined")
                cells += _cells(self.mean(key, number), share=share)
            for number in ("drawn_filaments", "drawn_puncta", "drawn_worms", "psnr"):
                cells.append(_cells(self.mean(key, number), share=False)[0])
            yield [*cells, self._covered(key)]

    def _covered(self, key: Key) -> str:
        fields = [one for one in self.of(key) if one.covered is not None]
        false = sum(one.false for one in fields)
        covered = sum(one.covered or 0 for one in fields)
        return f"{covered} of {false}" if false else "-"

    @property
    def claims(self) -> list[Claim]:
        """Return what is claimed of the networks that ship; none where they lack."""
        methods = {key[2] for key in self.keys}
        if not {OURS, RIVAL} <= methods:
            return []
        start = f"{OURS} invents no more than {RIVAL} from {ENOUGH} photons up: "
        said = {
            "a1": f"false filaments, puncta and worms, {NEAR:g} a megapixel allowed",
            "a2": f"structure where it was left out, {NEAR_SHARE:.0%} allowed",
        }
        over = {
            "a1": self._no_more(("filaments", "puncta", "worms"), NEAR, "a megapixel"),
            "a2": self._no_more(("filled", "joined"), NEAR_SHARE, ""),
        }
        found = [Claim(key, start + said[key], "w2s", [*over[key]]) for key in over]
        more = {
            one.what.partition(",")[0]
            for one in found[0].differences
            if one.verdict == "does not hold"
        }
        return [*found, *self._errors_cover(more)]

    def _no_more(
        self, numbers: Sequence[str], near: float, unit: str
    ) -> Iterator[Difference]:
        """Yield by how much less there is of each number than after the rival."""
        for scene, light, method in self.keys:
            if method != OURS or light < ENOUGH:
                continue
            rivals, ours = (self.of((scene, light, name)) for name in (RIVAL, OURS))
            names = [str(one.field) for one in ours]
            for number in numbers:
                if getattr(ours[0], number) is None:
                    continue
                over = [
                    getattr(rival, number) - getattr(own, number) + near
                    for rival, own in zip(rivals, ours, strict=True)
                ]
                what = f"{_place(scene, light)}, with {near:g} allowed"
                yield Difference(what, number, unit, interval(over, names))

    def _errors_cover(self, more: set[str]) -> Iterator[Claim]:
        """Yield what the map of errors covers of what is invented.

        `more` has the places where that is more than allowed, as `_place` calls them.
        """
        asked = [one for one in self.found if one.covered is not None]
        places = {"b1": [one for one in asked if _place(one.scene, one.light) in more]}
        places["b2"] = asked
        said = {"b1": "where it does not", "b2": f"of what {OURS} invents at any light"}
        for letter, fields in places.items():
            if not fields:
                continue
            false, covered = Counter[str](), Counter[str]()
            for one in fields:
                false[str(one.field)] += one.false
                covered[str(one.field)] += one.covered or 0
            names = [name for name, count in false.items() if count]
            shares = [covered[name] / false[name] - COVERED for name in names]
            what = f"{covered.total()} of {false.total()} objects, over {COVERED:.0%}"
            found = interval(shares, names) if names else None
            statement = (
                f"{said[letter]}, the errors of --uncertainty cover {COVERED:.0%}"
            )
            one_ = Difference(what, "covered", "", found)
            yield Claim(letter, statement, "w2s", [one_])

    @property
    def remarks(self) -> list[str]:
        """Return what a reader must know."""
        fields = len({one.field for one in self.found})
        return [too_narrow(fields)] if fields < FEWEST else []

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {
            "version": __version__,
            "what": self.stated,
            "rows": [
                {
                    **dict(zip(("scene", "photons", "method"), key, strict=True)),
                    **{
                        number: asdict(mean) if mean else None
                        for number in _NUMBERS
                        for mean in [self.mean(key, number)]
                    },
                }
                for key in self.keys
            ],
            "fields": [asdict(one) for one in self.found],
            "claims": [claim.as_json() for claim in self.claims],
            "seconds": self.seconds,
        }


_NUMBERS = (
    *("filaments", "puncta", "worms", "filled", "drawn_filaments", "drawn_puncta"),
    *("drawn_worms", "joined", "psnr", "errors"),
)


def _place(scene: str, light: float) -> str:
    return f"{scene} at {light:g} photons"


def _cells(one: Interval | None, *, share: bool) -> list[str]:
    """Return a mean and the ends of its interval."""
    if one is None:
        return ["-", "-"]
    form = "{:.0%}" if share else "{:.3g}"
    if one.low is None or one.high is None:
        return [form.format(one.mean), "-"]
    ends = (max(one.low, 0.0), min(one.high, 1.0) if share else one.high)
    return [form.format(one.mean), " to ".join(form.format(end) for end in ends)]
