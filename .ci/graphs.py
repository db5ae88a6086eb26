"""Write the graphs that onnxruntime runs: `python .ci/graphs.py [FOLDER]`.

They are those of the networks that ship and of their standard errors, without weights.
They must be written again where a network that ships becomes another one, not where it
only has learned more. It takes the extra `export`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from w2s_cli.methods import OWN
from w2s_cli.methods.network_engines import by_scale
from w2s_cli.methods.onnx_engine import GRAPHS
from w2s_cli.methods.torch_engine import memory
from w2s_cli.networks.counts_network import onnx_graph
from w2s_cli.networks.error_network import (
    LIGHT,
    STRUCTURE,
    ErrorNetwork,
    ErrorsInCounts,
)
from w2s_cli.networks.rebuild import rebuild
from w2s_cli.weights import checkpoint

FACTS = ("scale", "margin", "multiple_of", "whole", "channels", "conditions")
SIDE = 64  # pixels of the planes that are traced


def write(folder: Path) -> None:
    """Write all graphs, and `graphs.json` with what is known of their networks."""
    folder.mkdir(exist_ok=True)
    known: dict[str, dict[str, Any]] = {}
    for name in OWN:
        state = checkpoint.load(checkpoint.shipped(name)).state
        network: Any = rebuild(state)
        planes = torch.rand(1, network.channels, SIDE, SIDE)
        graph = onnx_graph(network.eval(), {"input": planes}, folded=False)
        (folder / f"{name}.onnx").write_bytes(without_weights(graph, state))
        [needed, _] = memory(network, "fp32")
        tensors = {key: [*tensor.shape] for key, tensor in state.items()}
        facts = {fact: getattr(network, fact) for fact in FACTS}
        known[name] = {**facts, "memory": needed, "tensors": tensors}
    found = checkpoint.load(checkpoint.shipped("errors"))
    for scale, state in by_scale(found.state).items():
        errors = ErrorsInCounts(ErrorNetwork.from_state_dict(state)).eval()
        graph = onnx_graph(errors, error_inputs(scale), folded=False)
        named = {f"network.{key}": key for key in state}
        (folder / f"errors-x{scale}.onnx").write_bytes(without_weights(graph, named))
    text = json.dumps(known, separators=(",", ":")).replace('},"', '},\n"')
    (folder / "graphs.json").write_text(text + "\n", "utf-8", newline="\n")


def error_inputs(scale: int) -> dict[str, Tensor]:
    """Return inputs of `ErrorsInCounts`, by their names."""
    number = torch.tensor(1.0)
    return {
        "seen": torch.rand(1, 1, SIDE, SIDE),
        "made": torch.rand(1, 1, SIDE * scale, SIDE * scale),
        **{"floor": number, "lowered": number},
        "nearby": torch.rand(len(LIGHT), len(STRUCTURE)),
        **{"added": number, "unit": number},
    }


def without_weights(content: bytes, names: Mapping[str, object]) -> bytes:
    """Return a graph whose named tensors are said to lie elsewhere."""
    import onnx

    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        if tensor.name in names:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="given")
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else GRAPHS)
