"""Whether an output agrees with the data that it was made from: the whole stack.

Planes are compared one at a time. Numbers are kept of each, pixels only of the worst
one of each channel.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.metrics.decorrelation import LEAST as LEAST_SIDE
from w2s_cli.metrics.decorrelation import decorrelation
from w2s_cli.metrics.frc import single_frc
from w2s_cli.metrics.squirrel import squirrel
from w2s_cli.microscope.defects import GOOD, Kinds
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import saturated_pixels
from w2s_cli.microscope.reblurring import binned
from w2s_cli.microscope.unknown_pixels import KnownPlane, filled_unknown, unknown_pixels
from w2s_cli.pipeline.agreement import PlaneAgreement, compare_plane
from w2s_cli.pipeline.defect_repair import defect_finders
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.plane_verdict import ANOTHER, PlaneVerdict, judged, plain
from w2s_cli.stack import Computed, Stack

Index = tuple[int, ...]

_FEWEST = 1024  # pixels that say something of a plane
_REACH = 2  # pixels around one that is left out
_MIDDLE = 512  # pixels of the input along Y and X that resolution is measured on


@dataclass(frozen=True, eq=False)
class ComparedPlane:
    """The pixels of a plane, before and after, and how they agree."""

    seen: FloatArray  # (Y, X) counts
    restored: FloatArray  # (Y * scale, X * scale)
    agreement: PlaneAgreement
    verdict: PlaneVerdict

    @cached_property
    def details(self) -> dict[str, float | None]:
        """Return SQUIRREL's errors and the resolution, of the middle, for JSON.

        Lengths are in pixels of the input; null is what cannot be measured.
        """
        scale = self.agreement.blur.scale
        low = _middle(self.seen, _MIDDLE)
        high = _middle(self.restored, _MIDDLE * scale)
        found: dict[str, float | None] = dict.fromkeys(
            ("rsp", "rse", "resolution_in", "resolution_out", "frc_in")
        )
        try:
            error = squirrel(low, high)
        except InputError:  # too small, or nothing to be seen
            return found
        found |= {"rsp": plain(error.rsp), "rse": plain(error.rse)}
        if min(low.shape) >= LEAST_SIDE:
            found |= {
                "resolution_in": plain(decorrelation(low)),
                "resolution_out": plain(decorrelation(high) / scale),
                "frc_in": plain(single_frc(low)),
            }
        return found


def _middle(image: FloatArray, most: int) -> FloatArray:
    top, left = (max(side - most, 0) // 2 for side in image.shape)
    return image[top : top + most, left : left + most]


@dataclass(frozen=True, eq=False)
class OutputCheck:
    """The comparison of a stack with what was made of it, plane by plane.

    Attributes
    ----------
    source
        The input in camera counts.
    diagnosis
        What it shows.
    rescaled
        Whether the output is in other units.
    known_defects
        Those that are known, (Y, X) of a plane.
    """

    source: Stack
    diagnosis: Diagnosis
    rescaled: bool = False
    known_defects: Kinds | None = None
    planes: dict[Index, PlaneVerdict] = field(default_factory=dict)
    worst: dict[int, ComparedPlane] = field(default_factory=dict)

    @property
    def noise(self) -> dict[int, NoiseModel]:
        """Return the noise that residuals are compared with, by channel."""
        return {
            number: noise_shown(one)
            for number, one in enumerate(self.diagnosis.channels)
            if one.origin != "blank"
        }

    def watched(self, restored: Stack) -> Stack:
        """Return a restored stack each plane of which is compared when it is read."""

        def plane(index: Index) -> NDArray[Any]:
            pixels = restored.data[index]
            self.add(index, pixels)
            return pixels

        shape, dtype = restored.data.shape, restored.data.dtype
        return replace(restored, data=Computed(shape, dtype, plane), chunk=None)

    def add(self, index: Index, restored: NDArray[Any]) -> PlaneAgreement | None:
        """Compare the plane at an index of the input; None where it says nothing."""
        channel = self.source.channel_of(index)
        if channel not in self.noise:
            return None
        raw = self.source.data[index]
        seen, good = self._comparable(channel, raw)
        if good.sum() < _FEWEST:
            return None
        scale = restored.shape[0] // raw.shape[0]
        known = np.asarray(restored, np.float32)
        unknown = unknown_pixels(raw).repeat(scale, 0).repeat(scale, 1)
        bad = ~np.isfinite(known)
        lost = good & (binned(bad, scale) > 0)
        good &= ~lost
        if good.sum() < _FEWEST:
            return None
        known = filled_unknown(known, bad | unknown)
        count = int(np.prod(self.source.data.shape[:-2]))
        found = compare_plane(
            *(seen, known, self.noise[channel], good),
            rescaled=self.rescaled,
            planes=count,
        )
        name = self.source.plane_name(index)
        verdict = judged(found, name, channel, count, rescaled=self.rescaled)
        if lost.any():
            reason = f"{lost.mean():.2%} of its pixels are no numbers"
            verdict = replace(verdict, reasons=(*verdict.reasons, reason))
        self.planes[index] = verdict
        before = self.worst.get(channel)
        if before is None or _badness(verdict) > _badness(before.verdict):
            self.worst[channel] = ComparedPlane(seen, known, found, verdict)
        return found

    def _comparable(
        self, channel: int, raw: NDArray[Any]
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return a plane of the input, and which of its pixels count."""
        known = KnownPlane.of(raw)
        bad = known.unknown | saturated_pixels(known.counts)
        counts = np.asarray(known.counts, np.float32)
        finders = defect_finders(self.source, self.diagnosis, self.known_defects)
        if find := finders.get(channel):
            found = find(counts, slice(0, len(raw)), slice(0, raw.shape[1]))
            bad |= found.kinds != GOOD
            counts = np.asarray(found.repaired(counts), np.float32)
        if bad.any():
            bad = binary_dilation(bad, iterations=_REACH)
        return counts, ~bad

    @property
    def consistent(self) -> bool:
        """Return whether nothing speaks against any plane."""
        return all(one.consistent or self._doubted(one) for one in self.planes.values())

    def _doubted(self, plane: PlaneVerdict) -> bool:
        """Return whether the noise is too uncertain to say what speaks against it."""
        channel = self.diagnosis.channels[plane.channel]
        return channel.gain_doubtful and ANOTHER not in plane.reasons

    @property
    def sentence(self) -> str:
        """Return the verdict in a line."""
        planes = [*self.planes.values()]
        if not planes:
            return "not compared: too few pixels say anything"
        bad = [one for one in planes if not one.consistent]
        if bad and self.consistent:
            worst = max(bad, key=_badness)
            return (
                "in doubt: the noise of the input could not be measured well enough "
                f"(say it with --noise); by its estimate {'; '.join(worst.reasons)}"
            )
        if bad:
            worst = max(bad, key=_badness)
            where = ""
            if len(planes) > 1:
                where = f"{len(bad)} of {len(planes)} planes, most {worst.name}: "
            return f"not consistent with the input: {where}{'; '.join(worst.reasons)}"
        said = "consistent with the input"
        left = [one for one in planes if not one.denoised]
        if left:
            least = min(one.left for one in left)
            some = f" in {len(left)} of {len(planes)} planes" * (len(planes) > 1)
            said += f", but not denoised{some}: {1 - least:.0%} of the noise is in it"
        unsure = max(one.unsupported for one in planes)
        if unsure >= 0.005:
            most = "up to " * (len(planes) > 1)
            said += (
                f"; {most}{unsure:.0%} of its structure is too faint in the input to "
                "be sure of, or not there"
            )
        return said

    def as_json(self) -> dict[str, Any]:
        """Return what was found, for the record: the numbers of the worst planes."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "planes": len(self.planes),
            "inconsistent_planes": sum(
                not one.consistent for one in self.planes.values()
            ),
            "worst": [
                {**one.verdict.as_json(), **one.details}
                for _, one in sorted(self.worst.items())
            ],
        }

    @property
    def verdict(self) -> str:
        """Return it in a word or two."""
        if not self.planes:
            return "not compared"
        if not self.consistent:
            return "not consistent"
        sure = all(one.consistent for one in self.planes.values())
        return "consistent" if sure else "in doubt"


def noise_shown(channel: ChannelDiagnosis) -> NoiseModel:
    """Return the noise of a channel: what was given, unless it shows another."""
    if channel.fit and not channel.noise_fits:
        return replace(channel.fit.model, correlation=channel.noise.correlation)
    return channel.noise


def _badness(verdict: PlaneVerdict) -> tuple[int, float, float]:
    return len(verdict.reasons), -verdict.p, verdict.unsupported
