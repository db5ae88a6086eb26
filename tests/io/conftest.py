"""An image that several tests write in formats of their own."""

import numpy as np
import pytest


@pytest.fixture
def tczyx() -> np.ndarray:
    """Return pixels of 2 frames, 2 channels and 3 slices, all different."""
    return np.arange(2 * 2 * 3 * 5 * 6, dtype=np.uint16).reshape(2, 2, 3, 5, 6)
