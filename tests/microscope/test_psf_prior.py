import numpy as np
import pytest

from w2s_cli.microscope.psf_estimation import Prior, posterior

REACH = 6
PLACE = np.arange(-REACH, REACH + 1)


def covariance(prior: Prior) -> np.ndarray:
    patterns = prior.patterns(REACH).reshape(PLACE.size**2, -1)
    return patterns @ patterns.T


def test_the_patterns_have_the_covariance_that_is_meant() -> None:
    found = covariance(Prior(extent=3, smoothness=2)).reshape((PLACE.size,) * 4)
    middle = found[REACH, REACH]
    assert middle[REACH, REACH] == pytest.approx(1, abs=1e-3)
    apart = np.exp(-0.5 * (2 / 2) ** 2) * np.exp(-(2**2) / (4 * 3**2))
    assert middle[REACH, REACH + 2] == pytest.approx(apart, abs=1e-3)
    power = found[REACH, REACH + 4, REACH, REACH + 4]
    assert power == pytest.approx(np.exp(-(4**2) / (2 * 3**2)), abs=1e-3)


def test_a_smoother_prior_has_fewer_patterns() -> None:
    fine, smooth = (Prior(3, length).patterns(REACH).shape[-1] for length in (1, 3))
    assert smooth < fine <= PLACE.size**2


def test_the_posterior_recovers_a_kernel_noise_and_freedom() -> None:
    rng = np.random.default_rng(0)
    patterns = Prior(2, 1.5).patterns(REACH)
    truth = patterns @ rng.normal(0, 0.1, patterns.shape[-1])
    sharp = rng.normal(0, 1, (4000, PLACE.size**2))
    low = sharp @ truth.ravel() + rng.normal(0, 0.5, 4000)
    equations = (sharp.T @ sharp, sharp.T @ low, float(low @ low), 4000.0)
    found = posterior(*equations, patterns)
    error = float(((found.weights - truth) ** 2).sum())
    assert error < 2 * found.doubt
    assert found.doubt < 2 * error
    assert found.ratio == pytest.approx(0.5**2 / 0.1**2, rel=0.5)
    assert 0 < found.freedom < patterns.shape[-1]
    rough = posterior(*equations, Prior(2, 0.7).patterns(REACH))
    assert found.improbability < rough.improbability
