import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.errors import InputError, UnknownNameError, WeightsError
from w2s_cli.networks import DISCRIMINATORS, FEATURES, NETWORKS
from w2s_cli.networks.rebuild import rebuild, recognise
from w2s_cli.networks.vgg import VGG

# Places of the convolutions in torchvision's `features`
PLACES = {
    16: (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    19: (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
}


@pytest.fixture(scope="module", params=[16, 19])
def network(request: pytest.FixtureRequest) -> VGG:
    torch.manual_seed(0)
    return VGG(request.param)


def test_tensors_are_those_of_torchvision(network: VGG) -> None:
    state = network.state_dict()
    assert {int(key.split(".")[1]) for key in state} == set(PLACES[network.depth])
    parameters = sum(tensor.numel() for tensor in state.values())
    assert parameters == {16: 14_714_688, 19: 20_024_384}[network.depth]


def test_network_is_rebuilt_from_half_precision(network: VGG) -> None:
    state = {key: tensor.half() for key, tensor in network.state_dict().items()}
    state["classifier.0.weight"] = torch.zeros(2, 3)
    assert recognise(state, FEATURES) is FEATURES["vgg"]
    again = VGG.from_state_dict(state)
    assert (again.depth, again.layers) == (network.depth, network.layers)
    assert not again.training
    for key, tensor in again.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, state[key].float())


def test_features_restore_nothing_and_judge_nothing(network: VGG) -> None:
    state = network.state_dict()
    assert recognise(state) is recognise(state, DISCRIMINATORS) is None
    assert not {row.name for row in FEATURES} & {row.name for row in NETWORKS}
    with pytest.raises(WeightsError, match="belong to no known network"):
        rebuild(state)


def test_layers_are_those_before_the_rectifiers(network: VGG) -> None:
    last = {16: 3, 19: 4}[network.depth]
    names = ("conv1_2", "conv2_2", *(f"conv{level}_{last}" for level in (3, 4, 5)))
    assert network.layers == names
    image = torch.rand(1, 3, 32, 32)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    features = (image - mean) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    expected: list[Tensor] = []
    for level, count in enumerate((2, 2, last, last, last)):
        for step in range(count):
            place = PLACES[network.depth][2 * level + step] if level < 2 else None
            if place is None:
                place = PLACES[network.depth][4 + (level - 2) * last + step]
            conv = network.features[place]
            assert isinstance(conv, nn.Conv2d)
            features = functional.conv2d(features, conv.weight, conv.bias, padding=1)
            before = features
            features = functional.relu(features)
        expected.append(before)
        features = functional.max_pool2d(features, 2)
    found = network(image)
    assert any((layer < 0).any() for layer in found)
    for layer, other in zip(found, expected, strict=True):
        torch.testing.assert_close(layer, other)


def test_gray_is_three_equal_channels(network: VGG) -> None:
    gray = torch.rand(2, 1, 16, 18)
    for one, other in zip(network(gray), network(gray.repeat(1, 3, 1, 1)), strict=True):
        torch.testing.assert_close(one, other)


def test_chosen_layers_come_in_the_order_asked_for() -> None:
    network = VGG(16, ["relu2_1", "conv1_1", "pool1", "conv2_1"])
    rectified, first, pooled, plain = network(torch.rand(1, 1, 8, 9))
    assert (first.shape, pooled.shape) == ((1, 64, 8, 9), (1, 64, 4, 4))
    torch.testing.assert_close(rectified, plain.relu())


def test_gradient_reaches_the_image_and_not_the_weights(network: VGG) -> None:
    image = torch.rand(1, 1, 16, 16, requires_grad=True)
    sum(layer.square().mean() for layer in network(image)).backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in network.parameters())


def test_other_tensors_are_refused(network: VGG) -> None:
    state = dict(network.state_dict())
    missing = {key: state[key] for key in state if key != "features.5.bias"}
    extra = state | {"features.99.weight": torch.zeros(1)}
    strange = dict.fromkeys(state, torch.zeros(3))
    for other in (missing, extra, strange, {}):
        assert not VGG.detect(other)
        with pytest.raises(WeightsError, match="neither VGG-16 nor VGG-19") as error:
            VGG.from_state_dict(other)
    assert error.value.hint == "they are those of torchvision, without batch norm"


def test_layers_and_images_that_are_none(network: VGG) -> None:
    with pytest.raises(
        UnknownNameError, match="no layer of VGG-16 is called 'conv3_4'"
    ):
        VGG(16, ["conv3_4"])
    with pytest.raises(
        InputError, match="takes images of 16 x 16 pixels or more, foun"
    ):
        network(torch.rand(1, 1, 15, 40))
    with pytest.raises(
        InputError, match="VGG takes images of 1 or 3 channels, found 2"
    ):
        network(torch.rand(1, 2, 32, 32))
