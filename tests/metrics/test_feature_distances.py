import numpy as np
import pytest

from w2s_cli.errors import InputError
from w2s_cli.metrics.feature_distances import feature_distance

rng = np.random.default_rng(5)
LAYERS = [rng.normal(0, 1, (6, 8, 9)), rng.normal(0, 1, (12, 4, 4))]


def test_same_features_are_at_no_distance() -> None:
    assert feature_distance(LAYERS, LAYERS) == 0


def test_length_does_not_count_and_direction_does() -> None:
    longer = [layer * rng.uniform(1, 9, layer.shape[1:]) for layer in LAYERS]
    assert feature_distance(LAYERS, longer) == pytest.approx(0, abs=1e-12)
    assert feature_distance(LAYERS, [-layer for layer in LAYERS]) == pytest.approx(4)
    assert feature_distance(LAYERS, [0 * layer for layer in LAYERS]) == pytest.approx(1)


def test_distance_by_loops() -> None:
    others = [rng.normal(0, 1, layer.shape).astype(np.float32) for layer in LAYERS]
    means = []
    for first, second in zip(LAYERS, others, strict=True):
        places = [
            np.sum((a / np.linalg.norm(a) - b / np.linalg.norm(b)) ** 2)
            for a, b in zip(
                first.reshape(len(first), -1).T,
                second.reshape(len(second), -1).T.astype(float),
                strict=True,
            )
        ]
        means.append(np.mean(places))
    assert feature_distance(LAYERS, others) == pytest.approx(np.mean(means), rel=1e-9)


def test_features_that_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="has 2 layers of features, the image 1"):
        feature_distance(LAYERS, LAYERS[:1])
    with pytest.raises(InputError, match="has 0 layers of features, the image 0"):
        feature_distance([], [])
    with pytest.raises(InputError, match="6 x 8 x 9 features of the reference and 6 x"):
        feature_distance(LAYERS[:1], [LAYERS[0][:, 1:]])
    with pytest.raises(InputError, match="infinite values in a layer of features"):
        feature_distance(LAYERS, [layer * np.nan for layer in LAYERS])
