"""Networks run by PyTorch, on any of its devices."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from w2s_cli._typing import FloatArray
from w2s_cli.methods.network_engines import Opened, Run, by_scale
from w2s_cli.networks.error_network import ErrorNetwork, ErrorsInCounts
from w2s_cli.networks.inference import NetworkRunner, memory_errors, to_device

# Of the engine too; mypy takes `as` for the word that they are.
from w2s_cli.networks.inference import available_device as available_device
from w2s_cli.networks.inference import fastest as fastest
from w2s_cli.networks.inference import forward_planes as forward_planes
from w2s_cli.networks.rebuild import rebuild
from w2s_cli.networks.unet import ConditionalUNet, UNet
from w2s_cli.weights import checkpoint

NAME = "torch"


def open_network(path: Path, device: str) -> Opened:
    """Return the network of a weight file, on a device."""
    found = checkpoint.load(path)
    network = to_device(rebuild(found.state), device)
    return Opened(network, found.record, found.digest, device)


def open_errors(
    path: Path, device: str
) -> tuple[Mapping[int, Run], Mapping[str, Any], str]:
    """Return what estimates errors, by scale; the record and hash of its file."""
    found = checkpoint.load(path)
    parts = by_scale(found.state)
    runs = {scale: _errors(state, device) for scale, state in parts.items()}
    return runs, found.record, found.digest


def _errors(state: Mapping[str, torch.Tensor], device: str) -> Run:
    network = ErrorsInCounts(ErrorNetwork.from_state_dict(state)).eval()
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(*given: FloatArray) -> FloatArray:
        with torch.inference_mode(), memory_errors():
            made = network(*(torch.from_numpy(one).to(device) for one in given))
            errors: FloatArray = made.float().cpu().numpy()
        return errors

    return run


def at_work(opened: Opened, precision: str) -> NetworkRunner:
    """Return a network of one plane, as it maps (N, Y, X)."""
    return NetworkRunner(opened.network, opened.device, precision)


def memory(network: Any, precision: str) -> tuple[int, int]:
    """Return the bytes a pixel that it works with: see `Traits.memory`."""
    half = precision == "bf16"
    if isinstance(network, ConditionalUNet) and network.scale > 1:
        each = (
            (150 + 15 * network.tail.in_channels)
            if half
            else (300 + 26 * network.tail.in_channels)
        )
    elif isinstance(network, UNet):
        each = (
            47 if network.scale > 1 else 26 if half else 34
        ) * network.tail.in_channels
    else:
        each = 1536
    return each, each
