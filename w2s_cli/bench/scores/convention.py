"""What a score means: units, range, window, border, fit. No number without them.

=============  ===============================================================
protocol       whose scores it gives
=============  ===============================================================
plain          counts; the range is that of the reference without its outliers
w2s            the paper's tables: z-scores, RMSE and SSIM [1]_
w2s-v1         the first tables for denoising: 8 bit over 255, PSNR and SSIM
w2s-v1-sr      the same for super-resolution, where SSIM has a range of 2
fmd            8 bit, each 256 x 256 corner scored on its own [2]_
basicsr        8 bit over 255, Gaussian window, the way of Real-ESRGAN's authors
noise2sr       the range is that of each reference, from darkest to brightest [3]_
care           least-squares fit before, range from percentiles [4]_
=============  ===============================================================

The range of SSIM behind the tables of the W2S paper was not published. Candidates are
2.0 (what scikit-image took for floating-point images at the time), 255 counts (3.862 in
z), each reference's own range, and 1.0. `w2s` takes 2.0, and the uniform window that
went with it: the published values are lower than those of similar RMSE that others
computed with 3.862, so that the range is likely below. Both can be changed, with
`ssim_range` and `window`, as can everything else.

References
----------
.. [1] R. Zhou et al., "W2S: microscopy data with joint denoising and super-resolution
   for widefield to SIM mapping", ECCV Workshops 2020.
.. [2] Y. Zhang et al., "A Poisson-Gaussian denoising dataset with real fluorescence
   microscopy images", CVPR 2019.
.. [3] X. Tian et al., "Noise2SR: learning to denoise from super-resolved single noisy
   fluorescence image", MICCAI 2022.
.. [4] M. Weigert et al., "Content-aware image restoration: pushing the limits of
   fluorescence microscopy", Nature Methods 15 (2018).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from w2s_cli.errors import InputError, UnknownNameError, UsageError
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange, Linear, Units

Unit = Literal["counts", "unit", "z"]
RangeRule = Literal["dtype", "max-min", "percentile"]
Range = float | RangeRule
Window = Literal["gaussian", "uniform"]
Fit = Literal["none", "affine", "percentile"]

PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True, slots=True)
class Convention:
    """How two images are made comparable before a metric sees them.

    Attributes
    ----------
    unit
        "counts": the numbers as they are; "unit": 0 at `black` and 1 at `white`; "z":
        counts less 154.535, over 66.028, as the W2S papers do. SSIM compares brightness
        too: it depends on where 0 is.
    black, white
        Counts, for "unit"; a white of None is the largest value of the reference's
        integer type.
    data_range
        What stands for the peak in PSNR and for the dynamic range in SSIM: a number in
        the unit; "dtype", that of the reference's integer type; "max-min" of the
        reference; or "percentile", from its 0.1th to its 99.9th.
    ssim_range
        The range for SSIM, where it is another one.
    window
        Of SSIM: "gaussian", of sd 1.5 with population variances; or "uniform", 7 x 7
        with sample variances, the default of scikit-image.
    border
        How many pixels at each edge are left out.
    corners
        Side of squares in the four corners that are scored one by one and averaged; 0
        scores the image as a whole.
    clip
        Whether both images are clipped to [0, 1] in "unit".
    fit
        What is done to the image first: "none"; "affine", the gain and offset of least
        squared difference from the reference; or "percentile", the gain and offset that
        bring its 0.1th and 99.9th percentile to those of the reference.
    """

    unit: Unit = "counts"
    black: float = 0.0
    white: float | None = None
    data_range: Range = "percentile"
    ssim_range: Range | None = None
    window: Window = "gaussian"
    border: int = 0
    corners: int = 0
    clip: bool = False
    fit: Fit = "none"

    def __post_init__(self) -> None:
        for given in (self.data_range, self.ssim_range):
            if isinstance(given, float | int) and not 0 < given < inf:
                raise UsageError(
                    f"a data range must be above 0, found {given:g}",
                    hint=f"or one of {', '.join(get_args(RangeRule))}",
                )
        if self.border < 0 or self.corners < 0:
            raise UsageError(
                f"border and corners are counts of pixels, found {self.border} and "
                f"{self.corners}"
            )
        if self.clip and self.unit != "unit":
            raise UsageError(
                f"only [0, 1] can be clipped to, and the unit is {self.unit}",
                hint="add --unit unit, or drop --clip",
            )

    @property
    def ranges(self) -> tuple[Range, Range]:
        """Return the range for all scores but SSIM, and that for SSIM."""
        own = self.data_range if self.ssim_range is None else self.ssim_range
        return self.data_range, own

    def scale(self, dtype: np.dtype[Any]) -> Linear:
        """Return the way from counts to the unit, for references of a type."""
        match self.unit:
            case "counts":
                return Linear(0.0, 1.0)
            case "z":
                return Units.Z.linear(EIGHT_BIT)  # z-scores have no black and white
            case "unit":
                white = limits(dtype)[1] if self.white is None else self.white
                return Units.UNIT.linear(DisplayRange(self.black, white))

    def as_json(self) -> dict[str, Any]:
        """Return the convention as a JSON object."""
        return asdict(self)


def limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the least and the largest value of an integer type."""
    if dtype.kind not in "iu":
        raise InputError(
            f"the reference is {dtype}, which has no largest value to go by",
            hint="say it in numbers: --range, and for --unit unit --white",
        )
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


_EIGHT_BIT = Convention(
    unit="unit", white=255.0, data_range=1.0, window="uniform", clip=True
)
PROTOCOLS = MappingProxyType(
    {
        "plain": Convention(),
        "w2s": Convention(unit="z", data_range=2.0, window="uniform"),
        "w2s-v1": _EIGHT_BIT,
        "w2s-v1-sr": replace(_EIGHT_BIT, ssim_range=2.0),
        "fmd": replace(_EIGHT_BIT, corners=256),
        "basicsr": replace(_EIGHT_BIT, window="gaussian"),
        "noise2sr": Convention(data_range="max-min", window="uniform"),
        "care": Convention(data_range="percentile", fit="affine"),
    }
)


def protocol(name: str) -> Convention:
    """Return a convention by name."""
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


UNITS: dict[Unit, str] = {"counts": "counts", "unit": "[0, 1]", "z": "z"}
_PERCENTILES = f"{PERCENTILES[0]:g} and {PERCENTILES[1]:g}"
_RULES = {
    "dtype": "that of the references' integer type",
    "max-min": "from the darkest to the brightest pixel of each reference plane",
    "percentile": f"between the percentiles {_PERCENTILES} of each reference plane",
}
_WINDOWS = {
    "gaussian": "Gaussian window of sd 1.5, population variances",
    "uniform": "7 x 7 uniform window, sample variances",
}
_FITS = {
    "none": "none",
    "affine": "gain and offset of least squares, for each plane",
    "percentile": f"gain and offset that match the percentiles {_PERCENTILES}, "
    "for each plane",
}
_RANGED = frozenset({"psnr", "niqe", "vgg-distance"})
_OF_METRICS = {
    "nrmse": ("NRMSE", "over the root of the reference's mean square"),
    "frc": ("FRC", "threshold 1/7"),
    "frc-single": ("FRC", "threshold 1/7"),
    "rse": ("RSE", "after the Gaussian blur that explains the input best"),
    "rsp": ("RSP", "after the Gaussian blur that explains the input best"),
}


def stated(
    convention: Convention, metrics: Sequence[str] = ("psnr", "ssim")
) -> dict[str, str]:
    """Return what metrics depend on and take for granted, in words by subject."""
    structural = any("ssim" in name for name in metrics)
    unit = convention.unit
    facts = {"unit": _unit(convention)}
    if structural or not _RANGED.isdisjoint(metrics):
        facts["range"] = _range(convention.data_range, unit)
    if structural:
        facts["SSIM"] = _WINDOWS[convention.window]
        if convention.ssim_range is not None:
            facts["SSIM"] += f", range {_range(convention.ssim_range, unit)}"
    facts["fit"] = _FITS[convention.fit]
    facts["pixels"] = "all"
    if convention.border:
        facts["pixels"] = f"all but {convention.border} at each edge"
    if side := convention.corners:
        facts["pixels"] += f", in corners of {side} x {side}, each scored on its own"
    return facts | dict(_OF_METRICS[name] for name in metrics if name in _OF_METRICS)


def _unit(convention: Convention) -> str:
    match convention.unit:
        case "counts":
            return "counts: the numbers of the files"
        case "z":
            scale = convention.scale(np.dtype(np.uint8))
            return f"z-scores of W2S: (counts - {scale.zero:.6g}) / {scale.one:.6g}"
        case "unit":
            white = "the largest of the type"
            if convention.white is not None:
                white = f"{convention.white:g} counts"
            clipped = ", clipped" if convention.clip else ""
            return f"[0, 1] from {convention.black:g} counts to {white}{clipped}"


def _range(rule: Range, unit: Unit) -> str:
    if isinstance(rule, str):
        return _RULES[rule]
    return f"{rule:g}" if unit == "unit" else f"{rule:g} {UNITS[unit]}"
