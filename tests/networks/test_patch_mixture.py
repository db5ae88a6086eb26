import pytest
import torch
from torch.distributions import MultivariateNormal

from w2s_cli.errors import WeightsError
from w2s_cli.networks.patch_mixture import PatchFilter, PatchMixture
from w2s_cli.networks.unet import UNet


def _mixture(components: int = 3, side: int = 4) -> PatchMixture:
    random = torch.Generator().manual_seed(0)
    size = side**2
    parts = torch.randn(components, size, size, generator=random)
    weights = torch.rand(components, generator=random)
    covariances = parts @ parts.mT + 1e-3 * torch.eye(size)
    return PatchMixture((weights / weights.sum()).log(), covariances)


def test_a_mixture_survives_its_state() -> None:
    mixture = _mixture()
    again = PatchMixture.from_state(mixture.state())
    assert again.side == 4
    torch.testing.assert_close(again.log_weights, mixture.log_weights)
    torch.testing.assert_close(again.covariances, mixture.covariances)


def test_half_precision_keeps_weak_directions() -> None:
    mixture = _mixture()
    halved = {name: tensor.half().float() for name, tensor in mixture.state().items()}
    spectrum = torch.linalg.eigvalsh(PatchMixture.from_state(halved).covariances)
    expected = torch.linalg.eigvalsh(mixture.covariances)
    torch.testing.assert_close(spectrum, expected, rtol=0.01, atol=1e-4)


@pytest.mark.parametrize(
    "state",
    [
        {},
        UNet(4, 1, 1).state_dict(),
        {"log_weights": torch.zeros(2), "factors": torch.zeros(3, 10)},
        {"log_weights": torch.zeros(2), "factors": torch.zeros(2, 11)},
        {"log_weights": torch.zeros(2), "factors": torch.zeros(2, 6)},
        {"log_weights": torch.zeros(()), "factors": torch.zeros(())},
    ],
    ids=["nothing", "network", "counts", "entries", "not square", "scalars"],
)
def test_other_tensors_are_refused(state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(WeightsError, match="are no mixture of square patches") as told:
        PatchMixture.from_state(state)
    assert "`w2s train epll`" in told.value.hint


def _strong_mixture(components: int) -> PatchMixture:
    """Return components that have no direction weak enough to be left out."""
    torch.manual_seed(1)
    parts = torch.randn(components, 16, 16)
    scale = torch.linspace(0.5, 2, components)[:, None, None]
    covariances = scale * (parts @ parts.mT / 16 + torch.eye(16))
    return PatchMixture(torch.rand(components).softmax(0).log(), covariances)


def test_each_patch_gets_the_component_that_explains_it_best() -> None:
    mixture, variance = _strong_mixture(12), 0.5
    patches = 2 * torch.randn(200, 16)
    noisy = mixture.covariances + variance * torch.eye(16)
    density = MultivariateNormal(torch.zeros(16), noisy).log_prob(patches[:, None])
    expected = (mixture.log_weights + density).argmax(1)
    assert len(expected.unique()) > 5
    chosen = PatchFilter.of(mixture, variance, "cpu").chosen(patches.T)
    assert (chosen == expected).float().mean() > 0.99


def test_one_component_is_a_wiener_filter() -> None:
    mixture, variance = _strong_mixture(1), 0.5
    patches = torch.randn(16, 50)
    covariance = mixture.covariances[0]
    gain = covariance @ torch.linalg.inv(covariance + variance * torch.eye(16))
    mean = patches.mean(0)
    expected = gain @ (patches - mean) + mean
    found = PatchFilter.of(mixture, variance, "cpu").denoised(patches)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
