import pytest
import torch

from w2s_cli.networks import flops

SMALL, LARGE = (8, 16), (16, 64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_peak_is_a_speed(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flops, "_SIZES", (SMALL, LARGE))
    assert 0.01 < flops.convolution_peak("cpu", dtype) < 1e6


def test_the_fastest_size_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {SMALL: 1.0, LARGE: 2.0}
    monkeypatch.setattr(flops, "_SIZES", (SMALL, LARGE))
    monkeypatch.setattr(flops, "_round", lambda layer, image, _: seconds[_size(image)])
    by_hand = 2 * 9 * 16 * 16 * 64 * 64 / 1e9 / 2
    assert flops.convolution_peak("cpu", torch.float32) == pytest.approx(by_hand)


def _size(image: torch.Tensor) -> tuple[int, int]:
    return image.shape[1], image.shape[2]
