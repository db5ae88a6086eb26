"""The type of the output's pixels: whole counts, unless they round light away."""

from typing import Any

import numpy as np

from w2s_cli.pipeline.diagnosis import Diagnosis
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.stack import Stack


def rounds(spec: RestoreSpec, stack: Stack, chain: Chain) -> bool:
    """Return whether a method's fractions of a count would be rounded."""
    whole = stack.data.dtype.kind in "iu"
    return _asked(spec, stack).kind in "iu" and not (whole and chain.selects)


def output_type(
    spec: RestoreSpec, stack: Stack, chain: Chain, diagnosis: Diagnosis
) -> tuple[np.dtype[Any], list[str]]:
    """Return the type of the output's pixels, and what to say of it, if anything."""
    asked = _asked(spec, stack)
    faint = diagnosis.faint if rounds(spec, stack, chain) else ""
    if not faint:
        return asked, []
    dim = f"the light is so dim that whole counts round it away ({faint})"
    if spec.dtype == "auto":
        kept = f"the output is 32-bit float instead; --dtype input keeps {asked}"
        return np.dtype(np.float32), [f"{dim}: {kept}"]
    return asked, [f"{dim}: --dtype float32, in a .tif file, keeps it"]


def _asked(spec: RestoreSpec, stack: Stack) -> np.dtype[Any]:
    named = spec.dtype in ("float32", "uint16")
    return np.dtype(spec.dtype) if named else stack.data.dtype
