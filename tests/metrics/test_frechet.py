import numpy as np
import pytest
from scipy.linalg import sqrtm

from w2s_cli.errors import InputError
from w2s_cli.metrics.feature_distances import frechet_distance

rng = np.random.default_rng(4)


def _textbook(first: np.ndarray, second: np.ndarray, extra: float = 0) -> float:
    covariances = [
        np.cov(each, rowvar=False) + extra * np.eye(each.shape[1])
        for each in (first, second)
    ]
    root = sqrtm(covariances[0] @ covariances[1]).real
    apart = first.mean(0) - second.mean(0)
    return float(apart @ apart + np.trace(covariances[0] + covariances[1] - 2 * root))


def test_distance_is_that_of_the_matrix_root() -> None:
    mix = rng.normal(0, 1, (12, 12))
    first, second = rng.normal(0, 1, (200, 12)), rng.normal(0.3, 2, (90, 12)) @ mix
    expected = _textbook(first, second)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_fewer_images_than_features() -> None:
    """The usual 1e-6 on the diagonals is felt where covariances are singular."""
    first, second = rng.normal(0, 1, (8, 12)), rng.normal(1, 1, (20, 12))
    expected = _textbook(first, second, 1e-6)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-2)
    assert frechet_distance(second, first) == pytest.approx(
        frechet_distance(first, second)
    )


def test_same_set_is_at_no_distance_and_a_shift_at_its_square() -> None:
    for count in (6, 60):
        features = rng.normal(0, 1, (count, 10))
        assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
        moved = features + 2
        assert frechet_distance(features, moved) == pytest.approx(40, rel=1e-9)


def test_commuting_covariances_by_hand() -> None:
    """Scaled by 3: (3 - 1)^2 times the trace of the covariance."""
    features = rng.normal(0, 1, (50, 5))
    features -= features.mean(0)
    expected = 4 * np.trace(np.cov(features.T))
    assert frechet_distance(features, 3 * features) == pytest.approx(expected)


def test_sets_that_cannot_be_compared() -> None:
    features = rng.normal(0, 1, (5, 4))
    with pytest.raises(InputError, match=r"of 2 images or more, .*found \(1, 4\)"):
        frechet_distance(features, features[:1])
    with pytest.raises(InputError, match=r"of 2 references or more, .*found \(5,\)"):
        frechet_distance(features[:, 0], features)
    with pytest.raises(InputError, match="references have 4 features each, the images"):
        frechet_distance(features, features[:, :3])
    with pytest.raises(InputError, match="values in the features of the images"):
        frechet_distance(features, features * np.nan)
