"""Every network: rebuilt from its tensors, known by nothing less, and trainable."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from w2s_cli.errors import WeightsError
from w2s_cli.networks import DISCRIMINATORS, FEATURES, NETWORKS
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.esrgan import ShuffledESRGAN
from w2s_cli.networks.memnet import MemNet
from w2s_cli.networks.rebuild import Network, State, rebuild, recognise
from w2s_cli.networks.san import SAN
from w2s_cli.registry import Entry

ImageFor = Callable[[Any], Tensor]

COUNTER = "num_batches_tracked"


OWN_TESTS = {"conditional-unet"}  # it takes more than images: see its own module


def test_every_row_of_the_catalogues_is_exercised(variant_names: set[str]) -> None:
    rows = {row.name for row in (*NETWORKS, *DISCRIMINATORS)}
    assert variant_names == rows - OWN_TESTS
    assert [row.name for row in FEATURES] == ["vgg"]  # test_vgg does the same for it


def _known(state: State) -> Entry | None:
    return recognise(state) or recognise(state, DISCRIMINATORS)


def test_network_survives_its_state_dict(restorer: Any, image_for: ImageFor) -> None:
    again = rebuild(restorer.state_dict())
    assert isinstance(again, Network)
    assert isinstance(again, nn.Module)
    image = image_for(restorer)
    expected = restorer(image)
    sides = (side * restorer.scale for side in image.shape[2:])
    assert expected.shape == (*image.shape[:2], *sides)
    torch.testing.assert_close(again.eval()(image), expected)
    for trait in ("scale", "margin", "multiple_of", "whole", "channels"):
        assert getattr(again, trait) == getattr(restorer, trait)
    # What MemNet predicts is for its weights to tell.
    assert isinstance(again, MemNet) or again.predicts == restorer.predicts


def test_network_is_taken_for_no_other(variant: str, network: Any) -> None:
    state = network.state_dict()
    rows = [*NETWORKS, *DISCRIMINATORS]
    found = [row.name for row in rows if row.load().detect(state)]
    assert found == [variant.partition("/")[0]]


def test_network_with_a_tensor_missing_is_unknown(network: Any) -> None:
    state = network.state_dict()
    # Without its last bias, a DnCNN is one of another form.
    optional = ("bias",) if isinstance(network, DnCNN) else ()
    keys = [key for key in state if not key.endswith((*optional, COUNTER))]
    weights = [key for key in keys if key.endswith((".weight", ".weight_orig"))]
    middle = weights[len(weights) // 2]
    for missing in {keys[0], weights[0], middle, weights[-1], keys[-1]}:
        assert _known({key: state[key] for key in state if key != missing}) is None


def test_weights_of_a_strange_shape_are_unknown(network: Any) -> None:
    state = network.state_dict()
    for shape in ((), (0,), (3,), (2, 3), (0, 1, 3, 3), (7, 1, 3, 3)):
        assert _known(dict.fromkeys(state, torch.zeros(shape))) is None


def test_alien_tensors_are_refused(network: Any) -> None:
    kind = type(network)
    with pytest.raises(WeightsError, match=f"the 1 tensors are no {kind.__name__}$"):
        kind.from_state_dict({"dncnn.0.weight": torch.zeros(1)})


@pytest.mark.parametrize(
    "variant", ["dncnn", "memnet", "n2v-unet", "vgg-discriminator"]
)
def test_old_file_without_counters_of_batches_is_known(
    variant: str, network: Any
) -> None:
    state = {
        key: tensor
        for key, tensor in network.state_dict().items()
        if not key.endswith(COUNTER)
    }
    assert len(state) < len(network.state_dict())
    entry = _known(state)
    assert entry is not None
    assert entry.name == variant
    entry.load().from_state_dict(state)


def test_network_runs_in_bfloat16_and_channels_last(
    restorer: Any, image_for: ImageFor
) -> None:
    image = image_for(restorer)
    expected = restorer(image)
    restorer.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        found = restorer(image.contiguous(memory_format=torch.channels_last))
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


def test_network_learns(network: Any, image_for: ImageFor) -> None:
    network.train().requires_grad_()
    network(image_for(network)).square().mean().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert any(gradient.any() for gradient in gradients if gradient is not None)
    # Only in these did W2S leave layers that nothing uses.
    unused = any(gradient is None for gradient in gradients)
    assert unused == isinstance(network, SAN | ShuffledESRGAN)
