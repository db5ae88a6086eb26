import numpy as np
import pytest

from w2s_cli.bench.scores.convention import (
    PROTOCOLS,
    Convention,
    limits,
    protocol,
    stated,
)
from w2s_cli.errors import InputError, UnknownNameError, UsageError

BYTE = np.dtype(np.uint8)


def test_units() -> None:
    z = Convention(unit="z").scale(BYTE)
    assert (z.zero, z.one) == pytest.approx((154.535390853, 66.02846351802853))
    unit = Convention(unit="unit").scale(BYTE)
    assert (unit.zero, unit.one) == (0, 255)
    unit = Convention(unit="unit", black=100, white=500).scale(np.dtype(np.float32))
    assert (unit.zero, unit.one) == (100, 400)
    counts = Convention().scale(BYTE)
    assert (counts.zero, counts.one) == (0, 1)


def test_protocols_are_those_of_their_papers() -> None:
    assert protocol("w2s").unit == "z"
    assert protocol("w2s").ranges == (2.0, 2.0)
    assert protocol("w2s-v1").ranges == (1.0, 1.0)
    assert protocol("w2s-v1-sr").ranges == (1.0, 2.0)
    assert protocol("fmd").corners == 256
    assert protocol("basicsr").ranges == (1.0, 1.0)
    assert protocol("noise2sr").ranges == ("max-min", "max-min")
    assert protocol("care").fit == "affine"
    uniform = {name for name, row in PROTOCOLS.items() if row.window == "uniform"}
    assert uniform == {"w2s", "w2s-v1", "w2s-v1-sr", "fmd", "noise2sr"}
    clipped = {name for name, row in PROTOCOLS.items() if row.clip}
    assert clipped == {"w2s-v1", "w2s-v1-sr", "fmd", "basicsr"}


def test_unknown_protocol() -> None:
    with pytest.raises(UnknownNameError, match="no protocol is called 'w2s-v2'") as hit:
        protocol("w2s-v2")
    assert "did you mean" in hit.value.hint


@pytest.mark.parametrize("data_range", [0, -1.0, np.inf, np.nan])
def test_range_without_sense(data_range: float) -> None:
    with pytest.raises(UsageError, match="a data range must be above 0, found") as hit:
        Convention(data_range=data_range)
    assert hit.value.hint == "or one of dtype, max-min, percentile"


def test_negative_pixels() -> None:
    with pytest.raises(UsageError, match="counts of pixels, found -1 and 0"):
        Convention(border=-1)


def test_clip_needs_the_unit_interval() -> None:
    with pytest.raises(UsageError, match=r"only \[0, 1\] .* the unit is z"):
        Convention(unit="z", clip=True)


def test_white_below_black() -> None:
    with pytest.raises(UsageError, match="white must be above black"):
        Convention(unit="unit", black=300).scale(BYTE)


def test_limits() -> None:
    assert limits(BYTE) == (0, 255)
    with pytest.raises(InputError, match="float32, which has no largest value") as hit:
        limits(np.dtype(np.float32))
    assert "--data-range" not in hit.value.hint
    assert "--range" in hit.value.hint


def test_said_beside_the_numbers() -> None:
    assert stated(protocol("w2s-v1-sr")) == {
        "unit": "[0, 1] from 0 counts to 255 counts, clipped",
        "range": "1",
        "SSIM": "7 x 7 uniform window, sample variances, range 2",
        "fit": "none",
        "pixels": "all",
    }
    assert stated(protocol("w2s"), ["rmse"]) == {
        "unit": "z-scores of W2S: (counts - 154.535) / 66.0285",
        "fit": "none",
        "pixels": "all",
    }
    assert stated(protocol("w2s"), ["psnr"])["range"] == "2 z"
    odd = Convention(unit="unit", border=4, corners=64, fit="percentile")
    facts = stated(odd, ["nrmse", "frc"])
    assert facts["unit"] == "[0, 1] from 0 counts to the largest of the type"
    assert facts["pixels"] == (
        "all but 4 at each edge, in corners of 64 x 64, each scored on its own"
    )
    assert facts["NRMSE"] == "over the root of the reference's mean square"
    assert facts["FRC"] == "threshold 1/7"
