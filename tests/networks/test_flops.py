import pytest
import torch
from torch import nn

from w2s_cli.networks import inference
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.inference import gflop
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


SMALL, LARGE = (8, 16), (16, 64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_peak_is_a_speed(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "_SIZES", (SMALL, LARGE))
    assert 0.01 < inference.convolution_peak("cpu", dtype) < 1e6


def test_the_fastest_size_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {SMALL: 1.0, LARGE: 2.0}
    monkeypatch.setattr(inference, "_SIZES", (SMALL, LARGE))
    monkeypatch.setattr(
        inference, "_round", lambda layer, image, _: seconds[_size(image)]
    )
    by_hand = 2 * 9 * 16 * 16 * 64 * 64 / 1e9 / 2
    assert inference.convolution_peak("cpu", torch.float32) == pytest.approx(by_hand)


def _size(image: torch.Tensor) -> tuple[int, int]:
    return image.shape[1], image.shape[2]
