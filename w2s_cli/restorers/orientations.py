"""Planes laid in all eight ways: what is made of them is a little better."""

from collections.abc import Callable

import numpy as np

from w2s_cli._typing import FloatArray


def mean_over_orientations(
    run: Callable[[FloatArray], FloatArray],
    blocks: FloatArray,
    sideways: Callable[[FloatArray], FloatArray] | None = None,
) -> FloatArray:
    """Return the mean of what `run` makes of (N, Y, X) planes laid in all eight ways.

    `sideways` runs instead where Y and X are exchanged.
    """
    total: FloatArray | None = None
    for turns in range(4):
        for mirrored in (False, True):
            laid = np.rot90(blocks, turns, (1, 2))
            laid = laid[:, :, ::-1] if mirrored else laid
            ways = sideways if sideways and turns % 2 else run
            made = ways(np.ascontiguousarray(laid))
            made = made[:, :, ::-1] if mirrored else made
            back = np.rot90(made, -turns, (1, 2))
            total = back.copy() if total is None else total + back
    assert total is not None
    return total / np.float32(8)
