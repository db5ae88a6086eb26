"""No tensor reaches beyond its bytes, and none is made of bytes that are not there."""

import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from w2s_cli.errors import WeightsError

utils: Any = torch._utils
NAN, INF = float("nan"), float("inf")
# What is changed in the description of a tensor of two floats.
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "offset": ({"offset": 1}, "'a' ends beyond the 2 elements"),
    "negative offset": ({"offset": -1}, "an impossible offset"),
    "far offset": ({"offset": 2**62}, "an impossible offset"),
    "offset of nothing": ({"offset": 9, "shape": (0,)}, "'a' ends beyond"),
    "shape": ({"shape": (3,)}, "'a' ends beyond the 2 elements"),
    "stride": ({"strides": (2,)}, "'a' ends beyond the 2 elements"),
    "negative stride": ({"strides": (-1,)}, "an impossible shape"),
    "expansion": ({"shape": (2**40,), "strides": (0,)}, "'a' repeats the 2 elements"),
    "partly expanded": (
        {"shape": (9, 2), "strides": (0, 1)},
        "'a' repeats the 2 elements",
    ),
    "2^80 elements": (
        {"shape": (2**40, 2**40), "strides": (0, 0)},
        "'a' has more elements than any memory holds",
    ),
    "empty, but huge": (
        {"shape": (0, 2**40, 2**40), "strides": (1, 1, 1)},
        "'a' has more elements than any memory holds",
    ),
    "a giant number": ({"shape": (1 << 99_999,)}, "an impossible shape"),
    "a giant count": ({"count": 1 << 99_999}, "a storage without a proper id"),
    "negative shape": ({"shape": (-2,)}, "an impossible shape"),
    "99 axes": ({"shape": (1,) * 99, "strides": (1,) * 99}, "an impossible shape"),
    "strides missing": ({"strides": ()}, "has 1 axes and 0 strides"),
    "shape of text": ({"shape": ("2",)}, "an impossible shape"),
    "shape of truths": ({"shape": (True,)}, "an impossible shape"),
    "shape of a number": ({"shape": 2}, "an impossible shape"),
    "offset of text": ({"offset": "0"}, "_rebuild_tensor_v2' would make"),
    "missing storage": ({"key": "7"}, "its storage '7' is missing"),
    "a number for a key": ({"key": 0}, "a storage without a proper id"),
    "a path for a key": ({"key": "../version"}, "its storage '../version' is miss"),
    "count": ({"count": 3}, "should have 12 bytes, but has 8"),
    "double": ({"kind": torch.DoubleStorage}, "should have 16 bytes, but has 8"),
    "complex": ({"kind": torch.ComplexFloatStorage}, "a 'torch.ComplexFloatStorage'"),
    "no storage": ({"kind": OrderedDict}, "a 'collections.OrderedDict'"),
    "quantised": ({"maker": utils._rebuild_qtensor}, "_rebuild_qtensor' would make"),
    "sparse": ({"maker": utils._rebuild_sparse_tensor}, "_rebuild_sparse_tensor'"),
    "float8": (
        {"maker": utils._rebuild_tensor_v3, "more": (torch.float8_e4m3fn,)},
        "tensors of 'torch.float8_e4m3fn'",
    ),
}


@pytest.mark.parametrize("container", ["zipped", "legacy"])
@pytest.mark.parametrize("name", CHANGES)
def test_lies_about_a_tensor(name: str, container: str, forge, load) -> None:
    changes, message = CHANGES[name]
    pickled = forge.pickled(a=forge.tensor(**changes))
    content = getattr(forge, container)(pickled, {"0": bytes(8)})
    # Where the container tells first, it says so in its own words.
    also = "|is damaged: a storage called|cut short" if container == "legacy" else ""
    with pytest.raises(WeightsError, match=message + also):
        load(content)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("letter", "efd")
def test_weights_that_are_not_finite(value: float, letter: str, forge, load) -> None:
    kinds = {"e": torch.HalfStorage, "f": torch.FloatStorage, "d": torch.DoubleStorage}
    tensor = forge.tensor(kind=kinds[letter])
    content = forge.zipped(
        forge.pickled(a=tensor), {"0": struct.pack(f"<2{letter}", 1, value)}
    )
    with pytest.raises(WeightsError, match="not finite, in the tensor 'a'") as error:
        load(content)
    assert "diverged" in error.value.hint


def test_many_tensors_of_the_same_elements(forge, load) -> None:
    tensor = forge.tensor(shape=(2500,), count=2500)
    names = {f"a{n}": tensor for n in range(99)}
    with pytest.raises(WeightsError, match="bytes, but its tensors would take 990000"):
        load(forge.zipped(forge.pickled(**names), {"0": bytes(10_000)}))


def test_names_that_are_none(forge, load) -> None:
    for name in ("", "\x1b[2J", "a\n", "\u00e4", "\ud800"):
        content = forge.zipped(forge.pickled(**{name: forge.tensor()}), {"0": bytes(8)})
        with pytest.raises(WeightsError, match="which is no name") as error:
            load(content)
        assert str(error.value).isprintable()


def module(tensors: dict[str, object], inside: dict[str, object]) -> nn.Module:
    made = nn.Module()
    made.__dict__ |= {"_parameters": tensors, "_modules": inside}
    return made


def endless(_: Any) -> object:
    made = module({}, {})
    made.__dict__["_modules"]["a"] = made
    return made


def laughing(forge: Any) -> object:
    made = module({"w": forge.tensor()}, {})
    for _ in range(40):
        made = module({}, {"a": made, "b": made})
    return made


def wrapped_in_itself(_: Any) -> object:
    made: dict[str, object] = {}
    made["state_dict"] = made
    return made


GRAPHS: dict[str, tuple[Callable[[Any], object], str]] = {
    "module in itself": (endless, "nested without an end"),
    "2^40 modules": (laughing, "nested without an end"),
    "wrapped in itself": (wrapped_in_itself, "holds no tensors by name"),
    "names that are numbers": (lambda f: {3: f.tensor()}, "no tensors by name"),
    "a list of tensors": (lambda f: [f.tensor()], "no tensors by name"),
    "only settings": (lambda _: {"epochs": 3}, "no tensors by name"),
    "a module without any": (lambda _: nn.ReLU(), "no tensors by name"),
    "two of a name": (
        lambda f: module({"a.b": f.tensor()}, {"a": module({"b": f.tensor()}, {})}),
        "two tensors called 'a.b'",
    ),
    "two networks": (
        lambda f: {"netG": {"a": f.tensor()}, "netD": {"a": f.tensor()}},
        "several networks: 'x.netG', 'x.netD'",
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_networks_without_an_end_or_a_name(name: str, forge, load) -> None:
    make, message = GRAPHS[name]
    content = forge.zipped(forge.pickled(x=make(forge)), {"0": bytes(8)})
    with pytest.raises(WeightsError, match=message) as error:
        load(content)
    assert error.value.hint
