from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from w2s_cli.errors import UsageError
from w2s_cli.metrics import structural_similarity
from w2s_cli.training.losses.pixel import similarity_map, ssim
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

LOSS = ssim(Recipe("test"), "cpu")


def of_metric(truth: Tensor, image: Tensor, **options: Any) -> float:
    first, second = truth.double().numpy(), image.double().numpy()
    return structural_similarity.ssim(first, second, data_range=1, **options)


@pytest.mark.parametrize("noise", [0.02, 0.2, 1])
@pytest.mark.parametrize("white", [1, 9])
def test_it_agrees_with_the_metric(
    noise: float, white: float, batch_of: Callable[..., Batch]
) -> None:
    batch = batch_of(side=40)
    batch.truth.mul_(white)  # 9 is much brighter than 8-bit white
    output = batch.truth + noise * torch.randn_like(batch.truth)
    expected = np.mean(
        [
            1 - of_metric(truth, image)
            for truth, image in zip(batch.truth[:, 0], output[:, 0], strict=True)
        ]
    )
    assert LOSS(output, batch) == pytest.approx(expected, abs=2e-5)


def test_the_mask_is_that_of_the_metric(batch_of: Callable[..., Batch]) -> None:
    batch = batch_of(side=40)
    batch.valid[:, :, 30:, 25:] = False
    output = batch.truth + 0.2 * torch.randn_like(batch.truth)
    expected = np.mean(
        [
            1 - of_metric(truth, image, valid=batch.valid[0, 0].numpy())
            for truth, image in zip(batch.truth[:, 0], output[:, 0], strict=True)
        ]
    )
    # Of the middles of windows, 5 ... 34, those from 25 and 20 on reach the corner
    counted = 1 - 10 * 15 / 30**2
    assert LOSS(output, batch) == pytest.approx(counted * expected, abs=2e-5)


def test_map_is_symmetric_and_at_most_1() -> None:
    first, second = torch.rand(2, 3, 1, 15, 20)
    found = similarity_map(first, second)
    assert found.shape == (3, 1, 5, 10)
    assert found.max() <= 1
    torch.testing.assert_close(found, similarity_map(second, first))
    torch.testing.assert_close(similarity_map(first, first), torch.ones(3, 1, 5, 10))


def test_patches_smaller_than_the_window_are_told(
    batch_of: Callable[..., Batch],
) -> None:
    batch = batch_of(side=10)
    message = 'loss "ssim" takes patches of 11 x 11 pixels or more, found 10 x 10'
    with pytest.raises(UsageError, match=message) as caught:
        LOSS(batch.truth, batch)
    assert caught.value.hint == "set patches.side higher"
