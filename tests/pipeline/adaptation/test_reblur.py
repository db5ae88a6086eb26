"""The blur between output and image."""

from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.pipeline.adaptation.adaptation_patches import MOST_REACH, read_blur


def test_a_large_kernel_loses_its_tails(tmp_path: Path) -> None:
    whole = gaussian_psf(9.0, 0.05).weights
    np.save(tmp_path / "kernel.npy", whole)
    found = read_blur(tmp_path / "kernel.npy").weights
    assert found.shape == (2 * MOST_REACH + 1,) * 2
    assert found.sum() == pytest.approx(1)
    assert found.argmax() == found.size // 2
    np.save(tmp_path / "even.npy", np.pad(np.ones((1, 1)), ((3, 2), (2, 1))))
    small = read_blur(tmp_path / "even.npy").weights
    assert all(side % 2 for side in small.shape)
    assert small.argmax() == small.size // 2


def test_no_kernel(tmp_path: Path) -> None:
    np.save(tmp_path / "kernel.npy", np.zeros((5, 5)))
    with pytest.raises(InputError, match="is no kernel: its values sum to 0"):
        read_blur(tmp_path / "kernel.npy")
