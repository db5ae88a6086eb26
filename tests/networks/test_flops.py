import pytest
from torch import nn

from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.flops import gflop
from w2s_cli.networks.san import SAN


class OneLayer(nn.Conv2d):
    """A network of one 3x3 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.channels = inputs


def test_a_convolution_is_counted_as_by_hand() -> None:
    by_hand = 2 * 3 * 8 * 9 * 20 * 30 / 1e9  # two a weight and pixel
    assert gflop(OneLayer(3, 8), 20, 30) == pytest.approx(by_hand)


def test_work_grows_with_the_pixels_and_nothing_is_computed() -> None:
    network = DnCNN()
    small = gflop(network, 64, 64)
    assert gflop(network, 64, 128) == pytest.approx(2 * small)
    # No memory would hold that.
    assert gflop(network, 1 << 16, 1 << 16) == pytest.approx(small * (1 << 20))


def test_what_looks_at_all_of_its_input_costs_more_than_its_pixels() -> None:
    network = SAN(16, 1, 1, 2)
    small, large = gflop(network, 32, 32), gflop(network, 64, 64)
    assert large > 4.1 * small
