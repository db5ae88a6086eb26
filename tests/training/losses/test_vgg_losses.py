from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from w2s_cli.errors import UsageError
from w2s_cli.networks.vgg import VGG
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.losses.vgg_losses import (
    covariance,
    gram,
    gram_matrix,
    perceptual,
    texture,
)
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch
from w2s_cli.weights import checkpoint

Recipes = Callable[..., Recipe]
Batches = Callable[..., Batch]


def shuffled(features: Tensor) -> Tensor:
    order = torch.randperm(features[0, 0].numel())
    return features.flatten(2)[:, :, order].view_as(features)


def test_covariance_is_that_of_numpy() -> None:
    features = 3 + torch.randn(2, 5, 6, 7)
    for found, one in zip(covariance(features), features, strict=True):
        expected = np.cov(one.flatten(1).numpy(), bias=True)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_covariance_by_the_formula_of_the_paper() -> None:
    x = torch.randn(4, 12)
    ones = torch.ones(12, 1)
    expected = x @ (torch.eye(12) - ones @ ones.T / 12) @ x.T / 12
    torch.testing.assert_close(covariance(x.view(1, 4, 3, 4))[0], expected)


def test_gram_matrix_is_over_channels() -> None:
    x = torch.randn(4, 12)
    found = gram_matrix(x.view(1, 4, 3, 4))
    torch.testing.assert_close(found[0], x @ x.T / (4 * 12))


@pytest.mark.parametrize("matrix", [covariance, gram_matrix])
def test_matrices_know_no_places(matrix: Callable[[Tensor], Tensor]) -> None:
    features = torch.randn(2, 5, 6, 7)
    expected = matrix(features)
    for moved in (shuffled(features), features.roll((2, 3), (2, 3)), features.mT):
        torch.testing.assert_close(matrix(moved), expected)


def test_only_gram_matrices_know_the_mean() -> None:
    features = torch.randn(2, 5, 6, 7)
    lifted = features + torch.randn(1, 5, 1, 1)
    torch.testing.assert_close(
        covariance(lifted), covariance(features), atol=1e-5, rtol=1e-4
    )
    assert (gram_matrix(lifted) - gram_matrix(features)).abs().max() > 1e-2


@pytest.mark.parametrize("units", ["root", "z", "unit"])
def test_losses_by_hand(
    units: str, weights: Path, recipe_of: Recipes, batch_of: Batches
) -> None:
    batch = batch_of(units)
    output = batch.target * 0.9 + 0.1 * torch.rand_like(batch.target)
    layers = ("conv1_2", "conv2_2", "conv2_1")
    network = VGG.from_state_dict(checkpoint.load(weights).state, layers)
    found = network(batch.picture(output))
    wanted = network(batch.picture(batch.target))
    first, second, other = zip(found, wanted, strict=True)
    l1 = 0.5 * functional.l1_loss(*first) + 2 * functional.l1_loss(*second)
    mse = 0.5 * functional.mse_loss(*first) + 2 * functional.mse_loss(*second)
    recipe = recipe_of("perceptual")
    squared = recipe_of("perceptual", distance="mse")
    for loss, expected in (
        (perceptual(recipe, "cpu"), l1),
        (perceptual(squared, "cpu"), mse),
        (texture(recipe, "cpu"), functional.mse_loss(*map(covariance, other))),
        (gram(recipe, "cpu"), functional.mse_loss(*map(gram_matrix, other))),
    ):
        torch.testing.assert_close(loss(output, batch), expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", ["perceptual", "texture", "gram"])
def test_they_are_as_precise_under_autocast(
    name: str, recipe_of: Recipes, batch_of: Batches
) -> None:
    batch = batch_of()
    output = batch.truth + 0.01 * torch.randn_like(batch.truth)
    loss = LOSSES[name].load()(recipe_of(name), "cpu")
    expected = loss(output, batch)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(loss(output, batch), expected)


@pytest.mark.parametrize("name", ["perceptual", "texture", "gram"])
def test_they_look_at_all_of_a_patch(
    name: str, recipe_of: Recipes, batch_of: Batches
) -> None:
    batch = batch_of()
    nothing = replace(batch, valid=torch.zeros_like(batch.valid))
    loss = LOSSES[name].load()(recipe_of(name), "cpu")
    output = 0.8 * batch.truth
    torch.testing.assert_close(loss(output, nothing), loss(output, batch))


def test_no_layers_are_told(recipe_of: Recipes) -> None:
    with pytest.raises(UsageError, match='"perceptual" has no layers') as caught:
        perceptual(recipe_of("perceptual", layers={}), "cpu")
    assert "features.layers = {conv5_4 = 1.0}" in caught.value.hint
