"""From what a pickle says to the tensors of one network, by name."""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

import torch

from w2s_cli.weights.contents import Extent, Layout, Refusal, plausible, quoted
from w2s_cli.weights.unpickling import (
    DICT,
    PERSISTENT,
    SET,
    DictItem,
    GlobalName,
    PickledObject,
)

# Under what training scripts keep the weights that they mean to be used, best first:
# an average over the training comes before the weights of its last step.
_WRAPPERS = (
    "params_ema",
    "ema",
    "average",
    "params",
    "state_dict",
    "model_state_dict",
    "model",
    "network",
    "net",
)
_PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile
_MAPPINGS = (
    DICT,
    GlobalName("collections", "OrderedDict"),
    GlobalName("collections", "defaultdict"),
)
_MAX_DEPTH = 50
_MAX_WORK = 1_000_000

_STORED = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
_TYPES = {str(dtype).removeprefix("torch."): dtype for dtype in _STORED.values()}
_PARAMETER_WRAPPERS = ("_rebuild_parameter", "_rebuild_parameter_with_state")
_UNKNOWN = "save its state_dict() again, in float32, with torch.save"


def find_layouts(
    root: object, storages: Mapping[str, Extent]
) -> tuple[dict[str, Layout], str]:
    """Return where the tensors of the one network in a checkpoint are, by name.

    Also what was around them: keys, and the class of a module; "" for nothing. A file
    with several networks is refused unless one has a name that is meant to be used.
    """
    path, node = _choose_network(root)
    tensors = _tensors(node)
    for prefix in _PREFIXES:
        while tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): it for name, it in tensors.items()}
    layouts = {name: _layout(tensor, storages) for name, tensor in tensors.items()}
    return layouts, " ".join([*path, *_class_names(node)])


def _choose_network(root: object) -> tuple[tuple[str, ...], object]:
    """Return the network that is meant to be used, and the path to it."""
    networks = dict(_find_networks(root))
    if not networks:
        return (), None
    known = [path for path in networks if path and set(path) <= set(_WRAPPERS)]
    if known:
        path = min(known, key=lambda path: [*map(_WRAPPERS.index, path)])
    elif () in networks:
        path = ()
    else:
        path = next(iter(networks))
        if len(networks) > 1:
            names = ", ".join(quoted(".".join(path)) for path in list(networks)[:5])
            raise Refusal(
                f"holds several networks: {names}",
                hint="save the state_dict() of the one you want with torch.save",
            )
    return path, networks[path]


def _find_networks(root: object) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield every module and every dictionary of tensors, and the path to it."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), root)]
    seen = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen or len(path) > _MAX_DEPTH:
            continue
        seen.add(id(node))
        if _modules(node) is not None:
            yield path, node
            continue
        inside = _entries(node)
        if any(map(is_tensor, inside.values())):
            yield path, node
        waiting += [((*path, name), it) for name, it in inside.items()][::-1]


def _tensors(node: object) -> dict[str, PickledObject]:
    """Return the tensors of a module, or of a dictionary, by name."""
    if _modules(node) is None:
        return {name: it for name, it in _entries(node).items() if is_tensor(it)}
    tensors: dict[str, PickledObject] = {}
    for name, tensor in _walk_modules(node):
        if name in tensors:
            raise Refusal(f"holds two tensors called {quoted(name)}")
        tensors[name] = tensor
    return tensors


def _walk_modules(node: object) -> Iterator[tuple[str, PickledObject]]:
    """Yield the parameters and the stored buffers of a pickled module."""
    waiting: list[tuple[str, object]] = [("", node)]
    work = 0
    while waiting:
        prefix, module = waiting.pop()
        attributes = _modules(module) or {}
        passing = _entries(attributes.get("_buffers"))
        for name in _members(attributes.get("_non_persistent_buffers_set")):
            passing.pop(name, None)
        own = _entries(attributes.get("_parameters")) | passing
        tensors = {name: it for name, it in own.items() if is_tensor(it)}
        inside = _entries(attributes.get("_modules"))
        # A module may stand in several places, and so in a few bytes without an end.
        work += 1 + len(attributes) + len(tensors) + len(inside)
        if work > _MAX_WORK or prefix.count(".") > _MAX_DEPTH:
            raise Refusal("holds modules that are nested without an end")
        yield from ((prefix + name, tensor) for name, tensor in tensors.items())
        waiting += [(f"{prefix}{name}.", it) for name, it in inside.items()][::-1]


def _modules(node: object) -> dict[str, object] | None:
    """Return the attributes of a pickled torch module; None for anything else."""
    if not isinstance(node, PickledObject):
        return None
    attributes = _entries(node.state)
    return attributes if {"_parameters", "_modules"} <= attributes.keys() else None


def _entries(node: object) -> dict[str, object]:
    """Return the entries under strings of a dictionary; none for anything else."""
    if not isinstance(node, PickledObject) or node.function not in _MAPPINGS:
        return {}
    found: dict[str, object] = {}
    # Python 2 hands a dictionary that keeps its order its pairs as an argument.
    match node.arguments:
        case ([*pairs],):
            for pair in pairs:
                match pair:
                    case [str(key), value]:
                        found[key] = value
    for item in node.contents or []:
        if isinstance(item, DictItem) and isinstance(item.key, str):
            found[item.key] = item.value
    return found


def _members(node: object) -> set[str]:
    """Return the strings in a set."""
    if not isinstance(node, PickledObject) or node.function != SET:
        return set()
    members = [*(node.contents or [])]
    match node.arguments:
        case ([*given],):
            members += given
    return {member for member in members if isinstance(member, str)}


def _class_names(node: object) -> list[str]:
    """Return the class of a module, and of the one that it is only around."""
    classes: list[str] = []
    while (attributes := _modules(node)) is not None and len(classes) < 3:
        match node:
            # Older containers keep classes outside the pickle, with their source code.
            case PickledObject(
                PickledObject(_, (("module", GlobalName(_, name), *_),))
                | GlobalName(_, name)
            ) if name.isascii() and name.isidentifier():
                classes.append(name)
            case _:
                classes.append("?")
        node = _entries(attributes.get("_modules")).get("module")
    return classes


def is_tensor(node: object) -> TypeGuard[PickledObject]:
    """Return whether torch would make a tensor of an object."""
    return (
        isinstance(node, PickledObject)
        and isinstance(node.function, GlobalName)
        and node.function.module in ("torch._utils", "torch._tensor")
        and node.function.name.startswith("_rebuild_")
    )


def storage_type(identity: object) -> tuple[str, torch.dtype, int]:
    """Return the key, the type and the number of elements of a persistent id."""
    match identity:
        case ("storage", GlobalName() as kind, str(key), _, int(count), *rest) if (
            plausible(count)
        ):
            if rest not in ([], [None]):
                raise Refusal("holds a view of a storage", hint=_UNKNOWN)
            if kind.module.split(".")[0] != "torch" or kind.name not in _STORED:
                raise Refusal(f"holds a {quoted(str(kind))}", hint=_UNKNOWN)
            return key, _STORED[kind.name], count
        case _:
            raise Refusal("has a damaged pickle: a storage without a proper id")


def _layout(node: PickledObject, storages: Mapping[str, Extent]) -> Layout:
    """Return where the tensor of an object is; not whether it can be there."""
    match _innermost(node):
        case PickledObject(
            GlobalName(_, "_rebuild_tensor_v2" | "_rebuild_tensor"),
            (PickledObject() as storage, int(offset), shape, strides, *_),
        ):
            return _stored_layout(storage, None, offset, shape, strides, storages)
        case PickledObject(
            GlobalName(_, "_rebuild_tensor_v3"),
            (
                PickledObject() as storage,
                int(offset),
                shape,
                strides,
                _,
                _,
                GlobalName() as dtype,
                *_,
            ),
        ):
            if dtype.module != "torch" or dtype.name not in _TYPES:
                raise Refusal(f"holds tensors of {quoted(str(dtype))}", hint=_UNKNOWN)
            return _stored_layout(
                storage, _TYPES[dtype.name], offset, shape, strides, storages
            )
        case other:
            raise Refusal(
                f"holds a tensor that {quoted(str(other.function))} would make, "
                "which is not read",
                hint=_UNKNOWN,
            )


def _innermost(node: PickledObject) -> PickledObject:
    """Return a tensor without the parameter or the subclass around it."""
    for _ in range(4):
        match node:
            case PickledObject(GlobalName(_, name), (PickledObject() as inner, *_)) if (
                name in _PARAMETER_WRAPPERS
            ):
                node = inner
            case PickledObject(
                GlobalName(_, "_rebuild_from_type_v2"),
                (GlobalName() as function, _, arguments, *_),
            ):
                node = PickledObject(function, arguments)
    return node


def _stored_layout(
    storage: PickledObject,
    dtype: torch.dtype | None,
    offset: int,
    shape: object,
    strides: object,
    storages: Mapping[str, Extent],
) -> Layout:
    match storage:
        case PickledObject(function, (identity,)) if function is PERSISTENT:
            key, stored, count = storage_type(identity)
        case _:
            raise Refusal("has a damaged pickle: a tensor without a storage")
    if not plausible(offset):
        raise Refusal("has a damaged pickle: a tensor with an impossible offset")
    if key not in storages:
        raise Refusal(f"is damaged: its storage {quoted(key)} is missing")
    extent = storages[key]
    if count * stored.itemsize != extent.size:
        raise Refusal(
            f"is damaged: its storage {quoted(key)} should have "
            f"{count * stored.itemsize} bytes, but has {extent.size}"
        )
    return Layout(extent, dtype or stored, _numbers(shape), _numbers(strides), offset)


def _numbers(node: object) -> tuple[int, ...]:
    """Return the numbers of a tuple, or of what older versions write for it."""
    match node:
        case PickledObject(GlobalName("torch", "Size"), (tuple() | list() as numbers,)):
            return _numbers(tuple(numbers))
        case tuple() if plausible(*node):
            return node
        case _:
            raise Refusal("has a damaged pickle: a tensor of an impossible shape")
