import torch
from torch.distributions import MultivariateNormal

from w2s_cli.networks.patch_mixture import PatchFilter, PatchMixture


def _mixture(components: int) -> PatchMixture:
    """Return components that have no direction weak enough to be left out."""
    torch.manual_seed(1)
    parts = torch.randn(components, 16, 16)
    scale = torch.linspace(0.5, 2, components)[:, None, None]
    covariances = scale * (parts @ parts.mT / 16 + torch.eye(16))
    return PatchMixture(torch.rand(components).softmax(0).log(), covariances)


def test_each_patch_gets_the_component_that_explains_it_best() -> None:
    mixture, variance = _mixture(12), 0.5
    patches = 2 * torch.randn(200, 16)
    noisy = mixture.covariances + variance * torch.eye(16)
    density = MultivariateNormal(torch.zeros(16), noisy).log_prob(patches[:, None])
    expected = (mixture.log_weights + density).argmax(1)
    assert len(expected.unique()) > 5
    chosen = PatchFilter.of(mixture, variance, "cpu").chosen(patches.T)
    assert (chosen == expected).float().mean() > 0.99


def test_one_component_is_a_wiener_filter() -> None:
    mixture, variance = _mixture(1), 0.5
    patches = torch.randn(16, 50)
    covariance = mixture.covariances[0]
    gain = covariance @ torch.linalg.inv(covariance + variance * torch.eye(16))
    mean = patches.mean(0)
    expected = gain @ (patches - mean) + mean
    found = PatchFilter.of(mixture, variance, "cpu").denoised(patches)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
