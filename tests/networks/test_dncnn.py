"""DnCNN, in the forms and under the names that its checkpoints have."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.rebuild import rebuild, recognise


@pytest.mark.parametrize("prefix", ["dncnn.", "dncnn.dncnn.", "model."])
@pytest.mark.parametrize("variant", ["dncnn", "dncnn/fmd", "dncnn/kair"])
def test_dncnn_is_known_by_all_its_names(
    network: Any, prefix: str, image_for: Callable[[Any], Tensor]
) -> None:
    state = {
        prefix + key.removeprefix("dncnn."): tensor
        for key, tensor in network.state_dict().items()
    }
    again: Any = rebuild(state)
    image = image_for(network)
    torch.testing.assert_close(again.eval()(image), network(image))


def test_dncnn_inside_another_network_is_not_dncnn() -> None:
    state = dict(DnCNN().state_dict())
    assert recognise(state | {"noisecnn.0.weight": torch.zeros(64, 1, 5, 5)}) is None
    assert recognise({f"body.{key}": state[key] for key in state}) is None


def test_dncnn_with_folded_norms_predicts_the_same(
    random_network: Callable[..., Any],
) -> None:
    network = random_network(DnCNN, 1, 6, 5, True, (True, True, True))
    folded = random_network(DnCNN, 1, 6, 5, False, (True, True, True))
    layers, place = [*network.dncnn], 0
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        if not isinstance(layer, nn.Conv2d):
            continue
        weight: Tensor = layer.weight
        bias: Tensor = layer.get_parameter("bias")
        if isinstance(after, nn.BatchNorm2d):
            mean, variance = (after.get_buffer(f"running_{s}") for s in ("mean", "var"))
            factor = after.weight / (variance + after.eps).sqrt()
            weight = weight * factor[:, None, None, None]
            bias = (bias - mean) * factor + after.bias
        folded.dncnn[place].weight.data = weight
        folded.dncnn[place].bias.data = bias
        place += 2
    image = torch.rand(1, 1, 16, 17)
    torch.testing.assert_close(folded(image), network(image))


@pytest.mark.parametrize(("first", "epsilon"), [(False, 1e-5), (True, 1e-4)])
def test_dncnn_with_a_first_bias_adds_more_to_variances(
    first: bool, epsilon: float
) -> None:
    network = DnCNN(width=2, depth=4, bias=(first, False, False))
    found = [m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert found == [epsilon, epsilon]
