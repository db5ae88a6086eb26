"""What the network of standard errors draws, whatever its weights."""

import pytest
import torch

from w2s_cli.networks.error_network import ErrorNetwork


@pytest.mark.parametrize("scale", [1, 2])
def test_even_light_has_even_errors(scale: int) -> None:
    """No lattice of the squares that it works on."""
    torch.manual_seed(1)
    network = ErrorNetwork(scale).eval()
    seen = torch.full((1, 1, 96, 96), 9.0)
    made = torch.full((1, 1, 96 * scale, 96 * scale), 9.0)
    with torch.inference_mode():
        width, _ = network(seen, made, 6.0)
    inside = slice(32 * scale, 64 * scale)  # beyond what the border reaches
    assert width.shape == made.shape
    assert width[..., inside, inside].std() < 1e-5
    assert abs(width.mean()) > 0.01


def test_it_lies_where_the_image_lies() -> None:
    """A change of one pixel reaches as far on either side."""
    torch.manual_seed(1)
    network = ErrorNetwork(2).eval()
    seen, made = torch.full((1, 1, 64, 64), 9.0), torch.full((1, 1, 128, 128), 9.0)
    point = made.clone()
    point[..., 60:68, 60:68] += 2  # two squares of four
    with torch.inference_mode():
        change = (network(seen, point, 6.0)[0] - network(seen, made, 6.0)[0]).abs()
    rows, columns = (change[0, 0].amax(axis) > 1e-6 for axis in (1, 0))
    for line in (rows, columns):
        first, last = line.nonzero()[[0, -1], 0].tolist()
        assert first + last == 127
