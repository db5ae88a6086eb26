"""From what a pickle says to the tensors of one network, by name."""

from collections.abc import Iterator, Mapping

from w2s_cli.weights.contents import Extent, Layout, Refusal, quoted
from w2s_cli.weights.pickle_machine import DICT, SET, Item, Made, Name
from w2s_cli.weights.pickle_reading import is_tensor, layout_of

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
    Name("collections", "OrderedDict"),
    Name("collections", "defaultdict"),
)
_MAX_DEPTH = 50
_MAX_WORK = 1_000_000


def found_layouts(
    root: object, storages: Mapping[str, Extent]
) -> tuple[dict[str, Layout], str]:
    """Return where the tensors of the one network in a checkpoint are.

    Parameters
    ----------
    root
        What the pickle says.
    storages
        The stretches of the file that hold elements, by key.

    Returns
    -------
    layouts
        By the name of the tensor, without the prefixes of wrappers.
    wrapper
        What was around the tensors: keys, and the class of a module; "" for nothing.

    Raises
    ------
    Refusal
        When it is not clear which of several networks is meant.
    """
    path, note = _chosen(root)
    notes = _unprefixed(_tensors(note))
    layouts = {name: layout_of(tensor, storages) for name, tensor in notes.items()}
    return layouts, " ".join([*path, *_classes(note)])


def _chosen(root: object) -> tuple[tuple[str, ...], object]:
    """Return the network that is meant to be used, and the path to it."""
    networks = dict(_networks(root))
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


def _networks(root: object) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield every module and every dictionary of tensors, and the path to it."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), root)]
    seen = set()
    while waiting:
        path, note = waiting.pop()
        if id(note) in seen or len(path) > _MAX_DEPTH:
            continue
        seen.add(id(note))
        if _modules(note) is not None:
            yield path, note
            continue
        inside = _entries(note)
        if any(map(is_tensor, inside.values())):
            yield path, note
        waiting += [((*path, name), it) for name, it in inside.items()][::-1]


def _tensors(note: object) -> dict[str, Made]:
    """Return the tensors of a module, or of a dictionary, by name."""
    if _modules(note) is None:
        return {name: it for name, it in _entries(note).items() if is_tensor(it)}
    tensors: dict[str, Made] = {}
    for name, tensor in _walk(note):
        if name in tensors:
            raise Refusal(f"holds two tensors called {quoted(name)}")
        tensors[name] = tensor
    return tensors


def _unprefixed(tensors: dict[str, Made]) -> dict[str, Made]:
    """Drop what wrappers put before all names."""
    for prefix in _PREFIXES:
        while tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): it for name, it in tensors.items()}
    return tensors


def _walk(note: object) -> Iterator[tuple[str, Made]]:
    """Yield the parameters and the stored buffers of a pickled module."""
    waiting: list[tuple[str, object]] = [("", note)]
    work = 0
    while waiting:
        prefix, module = waiting.pop()
        attributes = _modules(module) or {}
        tensors = _own_tensors(attributes)
        inside = _entries(attributes.get("_modules"))
        # A module may stand in several places, and so in a few bytes without an end.
        work += 1 + len(attributes) + len(tensors) + len(inside)
        if work > _MAX_WORK or prefix.count(".") > _MAX_DEPTH:
            raise Refusal("holds modules that are nested without an end")
        yield from ((prefix + name, tensor) for name, tensor in tensors.items())
        waiting += [(f"{prefix}{name}.", it) for name, it in inside.items()][::-1]


def _own_tensors(attributes: Mapping[str, object]) -> dict[str, Made]:
    """Return the tensors that a module's state dict would name, less those inside."""
    passing = _entries(attributes.get("_buffers"))
    for name in _members(attributes.get("_non_persistent_buffers_set")):
        passing.pop(name, None)
    both = _entries(attributes.get("_parameters")) | passing
    return {name: it for name, it in both.items() if is_tensor(it)}


def _modules(note: object) -> dict[str, object] | None:
    """Return the attributes of a pickled torch module; None for anything else."""
    if not isinstance(note, Made):
        return None
    attributes = _entries(note.state)
    return attributes if {"_parameters", "_modules"} <= attributes.keys() else None


def _entries(note: object) -> dict[str, object]:
    """Return the entries under strings of a dictionary; none for anything else."""
    if not isinstance(note, Made) or note.maker not in _MAPPINGS:
        return {}
    found: dict[str, object] = {}
    # Python 2 hands a dictionary that keeps its order its pairs as an argument.
    match note.arguments:
        case ([*pairs],):
            for pair in pairs:
                match pair:
                    case [str(key), value]:
                        found[key] = value
    for item in note.contents or []:
        if isinstance(item, Item) and isinstance(item.key, str):
            found[item.key] = item.value
    return found


def _members(note: object) -> set[str]:
    """Return the strings in a set."""
    if not isinstance(note, Made) or note.maker != SET:
        return set()
    members = [*(note.contents or [])]
    match note.arguments:
        case ([*given],):
            members += given
    return {member for member in members if isinstance(member, str)}


def _classes(note: object) -> list[str]:
    """Return the class of a module, and of the one that it is only around."""
    classes: list[str] = []
    while (attributes := _modules(note)) is not None and len(classes) < 3:
        classes.append(_class_name(note))
        note = _entries(attributes.get("_modules")).get("module")
    return classes


def _class_name(note: object) -> str:
    match note:
        # Older containers keep classes outside the pickle, with their source code.
        case Made(Made(_, (("module", Name(_, name), *_),)) | Name(_, name)):
            return name if name.isascii() and name.isidentifier() else "?"
        case _:
            return "?"
