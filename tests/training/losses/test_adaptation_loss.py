"""What an output explains, against blur and bins in numpy."""

import numpy as np
import pytest
import torch

from w2s_cli.errors import UsageError
from w2s_cli.microscope.psf import gaussian_psf, halved
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.losses.photons import STRAYING, AdaptationBatch, blur_and_bin
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

LOSS = LOSSES["explained"].load()(Recipe("test"), "cpu")


def _shot(truth: torch.Tensor, **more: torch.Tensor) -> AdaptationBatch:
    ones = torch.ones(len(truth), 1, 1, 1)
    return AdaptationBatch(
        image=truth,
        truth=truth,
        valid=torch.ones_like(truth).bool(),
        lift=0.5 * ones,
        units="root",
        lowered=0.25 * ones,
        **more,
    )


def _root(photons: torch.Tensor) -> torch.Tensor:
    """Return what a network would give for it: lowered roots."""
    return 2 * (photons + 0.5).sqrt() - 0.25


def test_error_by_the_formula() -> None:
    truth = torch.full((2, 1, 8, 8), 3.5)
    batch = _shot(truth)
    assert LOSS(_root(truth), batch) == pytest.approx(0, abs=1e-6)
    # 2 photons more everywhere; the mean of the noise's variance is 3.5 + 0.5
    assert LOSS(_root(truth + 2), batch) == pytest.approx(4 / 4.0, rel=1e-5)


def test_bins_are_those_of_the_physics() -> None:
    photons = np.random.default_rng(0).random((40, 48), np.float32)
    kernel = gaussian_psf(1.3)
    weights = kernel.weights.copy()
    weights[0] += 0.01  # not symmetric
    kernel = type(kernel).normalised(weights)
    made = blur_and_bin(
        torch.from_numpy(photons)[None, None],
        torch.from_numpy(kernel.weights)[None, None],
    )[0, 0].numpy()
    rim = np.s_[4:-4, 4:-4]  # beyond, the one mirrors and the other repeats edges
    expected = halved(kernel.blur(photons))
    np.testing.assert_allclose(made[rim], expected[rim], atol=1e-5)


def test_enlarged_output_is_kept_near_to_what_it_was() -> None:
    fine = torch.full((1, 1, 16, 16), 3.5)
    before = _root(fine)
    dot = torch.zeros(1, 1, 3, 3)
    dot[..., 1, 1] = 1
    batch = _shot(torch.full((1, 1, 8, 8), 3.5), kernel=dot, before=before)
    assert LOSS(before, batch) == pytest.approx(0, abs=1e-6)
    checks = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1
    moved = _root(fine + checks)  # bins hide it
    expected = STRAYING * ((moved - before) ** 2).mean()
    assert LOSS(moved, batch) == pytest.approx(float(expected), rel=1e-4)
    assert batch.to("cpu").before is not None


def test_other_batches_have_no_other_shot() -> None:
    truth = torch.ones(1, 1, 4, 4)
    batch = Batch(truth, truth, truth.bool(), truth[..., :1, :1], "root")
    with pytest.raises(UsageError, match="'explained' is for `w2s adapt`") as raised:
        LOSS(truth, batch)
    assert raised.value.hint == "name another in the table loss, such as counts"
