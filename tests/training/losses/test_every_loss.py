"""What holds of every loss of one output."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from w2s_cli.training.losses import LOSSES, Loss
from w2s_cli.training.recipe import Recipe, UnitName
from w2s_cli.training.training_batch import Batch

# A new loss is held to all that is tested here. What a row may say of one that is odd:
OWN_TESTS = {"explained", "imaging"}  # of batches of their own kinds
ONLY_STABILISED = {"counts", "root"}  # of no other units
LOOK_AROUND = {"perceptual", "texture", "gram"}  # features of valid pixels see others
NAMES = [row.name for row in LOSSES if row.name not in OWN_TESTS]
ANY_UNITS = [name for name in NAMES if name not in ONLY_STABILISED]
MASKED = [name for name in NAMES if name not in LOOK_AROUND]
CASES = [
    *((name, units) for name in ANY_UNITS for units in ("root", "z", "unit")),
    *((name, "root") for name in NAMES if name in ONLY_STABILISED),
]


@pytest.fixture
def loss_of(recipe_of: Callable[..., Recipe]) -> Callable[[str], Loss]:
    return lambda name: LOSSES[name].load()(recipe_of(name), "cpu")


@pytest.mark.parametrize(("name", "units"), CASES)
def test_target_has_no_loss_and_error_has_more_and_more(
    name: str,
    units: UnitName,
    loss_of: Callable[[str], Loss],
    batch_of: Callable[..., Batch],
) -> None:
    batch = batch_of(units)
    loss = loss_of(name)
    error = torch.randn_like(batch.target) * batch.target.std()
    losses = [loss(batch.target + share * error, batch) for share in (0, 0.1, 0.3, 0.9)]
    assert {value.shape for value in losses} == {()}
    assert losses[0] == pytest.approx(0, abs=1e-5)
    assert losses == sorted(losses)
    assert losses[1] > losses[0] + 1e-9


@pytest.mark.parametrize(("name", "units"), CASES)
def test_a_step_against_the_gradient_lessens_it(
    name: str,
    units: UnitName,
    loss_of: Callable[[str], Loss],
    batch_of: Callable[..., Batch],
) -> None:
    batch = batch_of(units)
    loss = loss_of(name)
    spread = batch.target.std()
    output = (batch.target + 0.3 * spread * torch.randn_like(batch.target)).detach()
    output.requires_grad_()
    before = loss(output, batch)
    before.backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()
    step = 0.01 * spread * output.grad / output.grad.std()
    assert loss((output - step).detach(), batch) < before


@pytest.mark.parametrize("name", ANY_UNITS)
def test_sharpened_truth_is_the_target(
    name: str, loss_of: Callable[[str], Loss], batch_of: Callable[..., Batch]
) -> None:
    batch = replace(batch_of(), sharpened=batch_of().truth ** 2)
    loss = loss_of(name)
    assert loss(batch.truth**2, batch) == pytest.approx(0, abs=1e-6)
    assert loss(batch.truth, batch) > 1e-5


@pytest.mark.parametrize("name", MASKED)
def test_pixels_that_are_not_valid_do_not_count(
    name: str, loss_of: Callable[[str], Loss], batch_of: Callable[..., Batch]
) -> None:
    batch = batch_of("root" if name in ONLY_STABILISED else "unit")
    batch.valid[:, :, :9, 4:] = False
    loss = loss_of(name)
    output = (batch.target + 0.1).requires_grad_()
    loss(output, batch).backward()
    assert output.grad is not None
    assert (output.grad[~batch.valid] == 0).all()
    assert output.grad.abs().sum() > 0
    wrong_there = torch.where(batch.valid, batch.target, 5.0)
    assert loss(wrong_there, batch) == pytest.approx(0, abs=1e-6)
    batch.valid[:] = False
    assert loss(output, batch) == 0
