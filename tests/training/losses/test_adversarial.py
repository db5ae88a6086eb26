from math import exp, log

import pytest
import torch

from w2s_cli.training.optimisation import discriminator_loss, generator_loss

FAKE = [0.5, -1.5, 2.0]
REAL = [1.0, 3.0]  # of another batch, as of unpaired images


def entropy(scores: list[float], wanted: float) -> float:
    made_up = [1 / (1 + exp(-score)) for score in scores]
    terms = [wanted * log(p) + (1 - wanted) * log(1 - p) for p in made_up]
    return -sum(terms) / len(terms)


def less(scores: list[float], others: list[float]) -> list[float]:
    return [score - sum(others) / len(others) for score in scores]


GENERATOR = {
    ("vanilla", True): entropy(FAKE, 1),
    ("vanilla", False): entropy(FAKE, 1),
    ("relativistic", False): entropy(less(FAKE, REAL), 1),
    ("relativistic", True): entropy(less(FAKE, REAL), 1) / 2
    + entropy(less(REAL, FAKE), 0) / 2,
}
DISCRIMINATOR = {
    "vanilla": entropy(REAL, 1) + entropy(FAKE, 0),
    "relativistic": entropy(less(REAL, FAKE), 1) / 2 + entropy(less(FAKE, REAL), 0) / 2,
}


@pytest.mark.parametrize(("kind", "both"), GENERATOR)
def test_network_by_the_formulas(kind: str, both: bool) -> None:
    found = generator_loss(kind, both, torch.tensor(FAKE), torch.tensor(REAL))
    assert found == pytest.approx(GENERATOR[kind, both], rel=1e-5)


@pytest.mark.parametrize("kind", DISCRIMINATOR)
def test_discriminator_by_the_formulas(kind: str) -> None:
    found = discriminator_loss(kind, torch.tensor(FAKE), torch.tensor(REAL))
    assert found == pytest.approx(DISCRIMINATOR[kind], rel=1e-5)


@pytest.mark.parametrize(("kind", "both"), GENERATOR)
def test_both_pull_the_scores_apart_and_together(kind: str, both: bool) -> None:
    fake = torch.randn(2, 1, 4, 4, requires_grad=True)  # a score a pixel
    real = torch.randn(2, 1, 4, 4, requires_grad=True)
    generator_loss(kind, both, fake, real).backward()
    assert fake.grad is not None
    assert (fake.grad < 0).all()
    fake.grad = real.grad = None
    discriminator_loss(kind, fake, real).backward()
    assert real.grad is not None
    assert (fake.grad > 0).all()
    assert (real.grad < 0).all()


@pytest.mark.parametrize(("kind", "both"), GENERATOR)
def test_certain_scores_and_few_bits_stay_exact(kind: str, both: bool) -> None:
    fake = torch.full((4, 1), -300, dtype=torch.bfloat16)
    real = torch.full((4, 1), 300, dtype=torch.bfloat16)
    assert discriminator_loss(kind, fake, real) == 0
    found = generator_loss(kind, both, fake, real)
    assert found.dtype == torch.float32
    assert found == (300 if kind == "vanilla" else 600)
    # bfloat16 knows no number between 256 and 258
    odd = torch.tensor([256.0, 258.0], dtype=torch.bfloat16)
    even = torch.full((2,), 257.0)
    assert generator_loss("relativistic", False, even, odd) == pytest.approx(log(2))
