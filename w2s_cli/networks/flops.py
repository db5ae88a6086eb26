"""How much there is to compute in a pass of a network."""

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from w2s_cli.networks.rebuild import Network


def gflop(network: Network, height: int, width: int) -> float:
    """Return the billions of floating-point operations of a pass over one block.

    A multiplication and an addition are two operations; those of convolutions and
    matrix products are counted, nothing else. Nothing is computed: the shapes of the
    tensors tell, for networks too that look at all of their input.

    Parameters
    ----------
    network
        On any device.
    height, width
        Sides of the block, in pixels of the input.
    """
    counter = FlopCounterMode(display=False)
    # no_grad: in inference mode matrix products would pass uncounted.
    with FakeTensorMode(allow_non_fake_inputs=True), counter, torch.no_grad():
        network(
            torch.empty(1, network.channels, height, width, device=_device(network))
        )
    return float(counter.get_total_flops()) / 1e9


def _device(network: Network) -> torch.device:
    if isinstance(network, torch.nn.Module):
        return next(network.parameters()).device
    return torch.device("cpu")
