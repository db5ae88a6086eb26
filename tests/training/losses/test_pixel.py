from collections.abc import Callable

import pytest
import torch

from w2s_cli.training.losses.pixel import l1, mse
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch


@pytest.mark.parametrize(("loss", "power"), [(l1, 1), (mse, 2)])
def test_it_is_the_mean_over_the_valid_pixels(
    loss: Callable[..., Callable[..., torch.Tensor]],
    power: int,
    batch_of: Callable[..., Batch],
) -> None:
    batch = batch_of("z")
    error = torch.randn_like(batch.truth)
    batch.valid[0] = False
    expected = (error[1].double().abs() ** power).mean().item()
    found = loss(Recipe("test"), "cpu")(batch.truth + error, batch)
    assert found == pytest.approx(expected, rel=1e-5)


def test_stabilised_counts_are_held_against_stabilised_truth(
    batch_of: Callable[..., Batch],
) -> None:
    batch = batch_of("root")
    roots = 2 * (batch.truth + 0.375).sqrt()
    found = l1(Recipe("test"), "cpu")(roots + 0.25, batch)
    assert found == pytest.approx(0.25, rel=1e-5)
