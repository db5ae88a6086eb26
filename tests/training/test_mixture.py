import json
from pathlib import Path

import numpy as np
import pytest
import torch

from w2s_cli.methods.epll import Epll
from w2s_cli.networks.patch_mixture import PatchMixture
from w2s_cli.training.mixture_training import Sums, train
from w2s_cli.training.recipe import Recipe, load
from w2s_cli.training.recipe_tables import Mixture, Patches
from w2s_cli.weights import checkpoint


def _drawn(covariances: torch.Tensor, share: torch.Tensor, count: int) -> torch.Tensor:
    number = torch.multinomial(share, count, replacement=True)
    factors = torch.linalg.cholesky(covariances)[number]
    return (factors @ torch.randn(count, covariances.shape[1], 1))[:, :, 0]


def test_a_simulated_mixture_is_recovered() -> None:
    torch.manual_seed(0)
    axes = torch.linalg.qr(torch.randn(4, 4)).Q
    spectra = torch.tensor([[9.0, 4, 0.1, 0.1], [0.2, 0.2, 6, 1], [0.05] * 4])
    covariances = axes * spectra[:, None] @ axes.T
    share = torch.tensor([0.5, 0.2, 0.3])
    sums = Sums.start(covariances.diagonal(dim1=1, dim2=2).diag_embed(), floor=1e-3)
    losses = [sums.update(_drawn(covariances, share, 2000)) for _ in range(60)]
    found = sums.mixture
    torch.testing.assert_close(found.log_weights.exp(), share, rtol=0, atol=0.02)
    for one, other in zip(found.covariances, covariances, strict=True):
        assert torch.linalg.norm(one - other) < 0.06 * torch.linalg.norm(other)
    assert np.mean(losses[-10:]) < np.mean(losses[:3])


def _recipe(folder: Path) -> Recipe:
    return Recipe(
        "tiny",
        kind="mixture",
        runs=folder,
        steps=4,
        simulated_fields=1,
        validate_every=2,
        patches=Patches(side=24, batch=4),
        mixture=Mixture(components=5, side=4, patches=400),
    )


def test_a_learned_prior_denoises(tmp_path: Path) -> None:
    seen = []
    path = train(_recipe(tmp_path), seen.append)
    assert [step.step for step in seen] == [1, 2, 3, 4]
    assert [step.step for step in seen if step.validation is not None] == [2, 4]
    assert (tmp_path / "tiny" / "log.csv").read_text().count("\n") == 5
    found = checkpoint.load(path)
    assert found.record["recipe"]["mixture"]["components"] == 5
    mixture = PatchMixture.from_state(found.state)
    assert mixture.covariances.shape == (5, 16, 16)
    assert mixture.log_weights.exp().sum() == pytest.approx(1, abs=1e-3)
    noisy = np.random.default_rng(0).normal(5, 1, (1, 40, 40)).astype(np.float32)
    method = Epll(weights=path)
    assert method.traits.margin == 5 * 3
    assert method(noisy).std() < 0.5


def test_the_same_recipe_gives_the_same_prior(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    first, second = (train(_recipe(tmp_path / name)) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_the_shipped_prior_was_learned_by_the_shipped_recipe() -> None:
    learned = checkpoint.load(checkpoint.shipped("epll")).record["recipe"]
    shipped = json.loads(json.dumps(load("epll").as_dict()))
    for key in ("steps", "patches", "mixture", "train_fields"):
        assert learned[key] == shipped[key]
    assert learned["light"] | {"noisy": True} == shipped["light"]
    later = {name: 0.0 for name in shipped["sources"] if name not in learned["sources"]}
    assert learned["sources"] | later == shipped["sources"]
