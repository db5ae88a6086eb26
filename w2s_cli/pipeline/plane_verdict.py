"""What the comparison of a plane with its input means, in numbers and in words."""

from dataclasses import dataclass
from math import hypot, isfinite
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import DoubleArray
from w2s_cli.pipeline.agreement import BLOCK, PlaneAgreement
from w2s_cli.pipeline.network_check import LEAST_TAKEN

CHANCE = 1e-6
"""Of a verdict against a file by any of its squares, were its output the truth."""
ANOTHER = "its structure is not in the input: is it of another image?"
"""A reason that holds whatever the noise."""
_MARKED = 1e-3  # the same of one square, to be counted
_STRETCHED = -0.15  # of the contrast: an output that has more than its input
_FLATTENED, _DIM = 0.2, 10.0  # one that has less, and more of that at so many photons
_UNLIKE = 0.1  # of the contrast: less is no likeness
_SHIFT = 0.15  # pixels of the input
_MADE_UP = -0.06  # of the fine structure
_SMOOTH, _DIM_SMOOTH = 0.35, 20.0
# Power of fine structure over that of the noise, times the share that was taken away:
# of less the best of denoisers must take as much away, to take the noise away.
_SEEN = 0.3
_SURE, _SURER = 6.0, 10.0  # standard errors
_ONE_SIDED = 0.5  # of the power of a residual: that it is of one sign


@dataclass(frozen=True, slots=True)
class PlaneVerdict:
    """What is known of a plane.

    Attributes
    ----------
    name, channel
        Of the plane, as Fiji counts; "" for the only one. The number of its channel.
    reasons
        What speaks against it, in words.
    p
        The least p-value of its squares, times the number of all that were looked at.
    squares, marked
        How many squares there are, and how many are no chance.
    left
        Share of the noise that was taken away, or more: the power of the residual.
    numbers
        More, by what they are called in JSON.
    """

    name: str
    channel: int
    reasons: tuple[str, ...]
    p: float
    squares: int
    marked: int
    left: float
    unsupported: float
    numbers: dict[str, Any]

    @property
    def consistent(self) -> bool:
        """Return whether nothing speaks against it."""
        return not self.reasons

    @property
    def denoised(self) -> bool:
        """Return whether half of the noise or more was taken away."""
        return self.left >= LEAST_TAKEN

    def as_json(self) -> dict[str, Any]:
        """Return the plane as a JSON object."""
        return {
            "plane": self.name,
            "channel": self.channel + 1,
            "consistent": self.consistent,
            "reasons": [*self.reasons],
            "p": plain(self.p),
            "squares": self.squares,
            "marked_squares": self.marked,
            "noise_taken": plain(self.left),
            "unsupported": plain(self.unsupported),
            **self.numbers,
        }


def plain(number: float) -> float | None:
    """Return a number for JSON, null for what is none."""
    return float(f"{number:.4g}") if isfinite(number) else None


def judged(
    found: PlaneAgreement, name: str, channel: int, planes: int, *, rescaled: bool
) -> PlaneVerdict:
    """Return what the comparison of one of so many planes means.

    Where an output is `rescaled` its units are not those of the input, so that neither
    contrast nor light can be compared.
    """
    squares = int(np.isfinite(found.p_values[0]).sum())
    tests = planes * max(int(np.isfinite(found.p_values).sum()), 1)
    least = _least(found)
    p = float(min(np.nanmin(least, initial=1.0) * tests, 1.0))
    marked = int((least * tests < _MARKED).sum())
    reasons = [*_reasons(found, rescaled=rescaled)]
    if p < CHANCE:
        reasons.append(_differs(found, marked, squares))
    if found.objects.denied.any() and ANOTHER not in reasons:
        reasons.append(found.objects.words)
    structure = max(int(found.structure.sum()), 1)
    light = found.light_out / found.light_in if found.light_in > 0 else float("nan")
    gain = 1 + found.gain.value
    alike = gain > _UNLIKE
    known = {
        "contrast": 1 / gain if alike else float("nan"),
        "contrast_error": found.gain.error / gain**2 if alike else float("nan"),
        "light_in": found.light_in,
        "light_out": found.light_out,
        "light_ratio": light,
    }
    numbers = {
        **({} if rescaled else known),
        "shift_y": found.shift[0].value,
        "shift_x": found.shift[1].value,
        "shift_error": hypot(found.shift[0].error, found.shift[1].error),
        "fine_structure": 1 + found.fine.value,
        "fine_structure_error": found.fine.error,
        "neighbours": found.neighbours,
        "blur_sigma": found.blur.sigma,
        "photons": found.photons,
        "objects": len(found.objects.denied),
        "denied_objects": int(found.objects.denied.sum()),
    }
    return PlaneVerdict(
        name,
        channel,
        tuple(reasons),
        p,
        squares,
        marked,
        found.left,
        float(found.unsupported.sum()) / structure,
        {key: plain(value) for key, value in numbers.items()},
    )


def _least(found: PlaneAgreement) -> DoubleArray:
    known = np.where(np.isfinite(found.p_values), found.p_values, 1)
    return np.asarray(known.min(axis=0))


def _reasons(found: PlaneAgreement, *, rescaled: bool) -> list[str]:
    """Return what speaks against the whole plane."""
    reasons, photons = [], max(found.clear_photons, 0.1)
    gain, fine = found.gain, found.fine
    strength = ((1 + fine.value) / fine.error) ** 2 / found.good.sum()
    smooth = fine.value > _SMOOTH + _DIM_SMOOTH / photons and fine.sigmas > _SURER
    smooth &= fine.value * strength > _SEEN
    least = _FLATTENED + _DIM / photons
    flattened = gain.value > least and gain.sigmas > _SURE
    stretched = gain.value < _STRETCHED and gain.sigmas < -_SURE
    if 1 + gain.value < _UNLIKE and not rescaled:
        reasons.append(ANOTHER)
    elif not (rescaled or smooth) and (stretched or flattened):
        reasons.append(f"its contrast is {1 / (1 + gain.value):.3g} times the input's")
    down, across = found.shift
    sure = max(abs(down.sigmas), abs(across.sigmas)) > _SURER
    if sure and hypot(down.value, across.value) > _SHIFT:
        reasons.append(
            f"it is shifted by {down.value:+.2f} pixels along Y and "
            f"{across.value:+.2f} along X"
        )
    if fine.value < _MADE_UP and fine.sigmas < -_SURE:
        share = f"{min(-fine.value, 1):.0%}"
        reasons.append(f"{share} of its fine structure is not in the input")
    if smooth:
        reasons.append("it is smoother than the input: fine structure was taken away")
    return reasons


def _differs(found: PlaneAgreement, marked: int, squares: int) -> str:
    """Say where an output differs from its input, and how."""
    row, column = np.unravel_index(_least(found).argmin(), found.p_values.shape[1:])
    y, x = (int(at) * BLOCK // 2 for at in (row, column))
    smooth = gaussian_filter(found.residual, 1.0)[y : y + BLOCK, x : x + BLOCK]
    sides = [float((part**2).sum()) for part in (smooth.clip(0), smooth.clip(max=0))]
    how = "differs from the input"
    if max(sides) > (1 + _ONE_SIDED) * min(sides) * 2:
        lacks = sides[0] > sides[1]
        how = "lacks light of the input" if lacks else "has light that the input lacks"
    return (
        f"in {marked} of {squares} squares it differs by more than noise; "
        f"most at y {y + BLOCK // 2}, x {x + BLOCK // 2}, where it {how}"
    )
