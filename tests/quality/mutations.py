"""Changed files: any bytes and words of one, or one field of a valid one."""

import copy
import io
import json
import random
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

_WORDS = (
    *(b"0", b"-1", b"1", b"65535", b"4294967296", b"-9223372036854775809", b"0.5"),
    *(b"1e308", b"1e-320", b"nan", b"inf", b"0x10", b"true", b"null", b'""', b"[1]"),
    *(b"{}", b"", b"\x00", b"\xff"),
)
_BYTES = (0, 1, 0x7F, 0x80, 0xFF)
_NUMBERS = (0, 1, 2, 3, 255, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
_TEXTS = (
    *("", "0", "-1", "1e400", "NaN", "-INF", "0,5", "+3", "²", " 2 ", "x" * 70_000),
    *("\x1b[31m", "a\nb", "\u202e\u0000", "\U0001f52c", "../../x", "{x}", "%s", "true"),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, -0.0, 0.5, 1e308, 1e-320, 10**30, -(10**400), 2**53 + 1),
    *(float("nan"), float("inf"), [], {}, [[]], [None], {"": 0}, [0] * 1000),
    *(*_NUMBERS, *_TEXTS),
)
_DEEP = "@deep@"
"""Stands for lists in lists, more than Python may call functions in functions."""
_LEVELS = (30, 300, 5000)


def changed_bytes(content: bytes, rng: random.Random) -> bytes:
    """Change a few bytes: most of what is parsed is at the start, or at the end."""
    if not content:
        return content
    at = rng.randrange(len(content))
    if rng.random() < 0.5:
        at = min(at, rng.randrange(512)) if rng.random() < 0.7 else -1 - at // 4
    at %= len(content)
    kind = rng.randrange(6)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[at + rng.randint(1, 8) :]
    if kind == 2:
        length = rng.randint(1, 64)
        return content[:at] + content[at : at + length] * 2 + content[at + length :]
    if kind == 3:
        number = rng.choice((0, 1, 2**16 - 1, 2**31, 2**32 - 1, len(content), at))
        packed = struct.pack(rng.choice("<>") + "I", number)
        return content[:at] + packed + content[at + 4 :]
    value = rng.choice(_BYTES) if kind == 4 else content[at] ^ (1 << rng.randrange(8))
    return content[:at] + bytes([value]) + content[at + 1 :]


def changed_words(content: bytes, rng: random.Random) -> bytes:
    """Change a number, a name or a pair of brackets of any text in a file."""
    words = [*re.finditer(rb"-?\d[\d.e]*|[A-Za-z_]{2,}|[\"'\[\]{}<>=:,\n]", content)]
    if not words:
        return content
    word = rng.choice(words)
    other = rng.choice(words)[0]
    new = rng.choice((*_WORDS, other))
    if rng.random() < 0.02:
        new = b"[" * 20_000
    # A TIFF has its text at fixed places: as long as before, as often as not
    if rng.random() < 0.5:
        new = new[: len(word[0])].ljust(len(word[0]))
    return content[: word.start()] + new + content[word.end() :]


def changed_tree(tree: Any, rng: random.Random) -> Any:
    """Return a tree of lists and tables with another value, key or branch."""
    tree = {"": copy.deepcopy(tree)}
    places = [*_places(tree)]
    holder, key = rng.choice(places)
    value = holder[key]
    kind = rng.randrange(8)
    if kind == 0 and holder is not tree:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict) and holder is not tree:
        holder[str(rng.choice((*_TEXTS, *_keys(tree))))] = holder.pop(key)
    elif kind == 2:
        other, place = rng.choice(places)
        holder[key] = copy.deepcopy(other[place])
    elif kind == 3:
        holder[key] = [value] if rng.random() < 0.9 else _DEEP
    elif kind == 4 and isinstance(value, list):
        holder[key] = value * rng.choice((0, 2, 3, 50)) + value[:1]
    elif kind == 5 and isinstance(value, int | float):
        holder[key] = rng.choice(
            (-value, value + 1, value * 1000, str(value), 1 - value)
        )
    else:
        holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return tree[""]


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = tree if isinstance(tree, dict) else range(len(tree))
    for key in [*keys]:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def _keys(tree: Any) -> list[str]:
    return [key for _, key in _places(tree) if isinstance(key, str)]


def _deep(text: str, rng: random.Random) -> bytes:
    """Return a text as bytes, with the deep lists that stand in it."""
    levels = rng.choice(_LEVELS)
    text = text.replace(f'"{_DEEP}"', "[" * levels + "]" * levels)
    return text.encode("utf-8", "surrogatepass")


def as_json(tree: Any, rng: random.Random) -> bytes:
    """Return a tree as JSON, one of whose keys may be there twice."""
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        pairs = re.findall(r'"[^"]*": (?:-?[\d.]+|"[^"]*")', text)
        if pairs:
            text = text.replace("{", f"{{{rng.choice(pairs)}, ", 1)
    return _deep(text, rng)


def as_toml(tree: Any, rng: random.Random) -> bytes:
    """Return a tree as TOML, its tables in a line each."""
    if not isinstance(tree, dict):
        return _deep(_toml(tree), rng)
    lines = (f"{json.dumps(key)} = {_toml(value)}\n" for key, value in tree.items())
    return _deep("".join(lines), rng)


def _toml(value: Any) -> str:
    match value:
        case dict():
            pairs = (f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case float():
            return repr(value)
        case None:
            return "1979-05-27T07:32:00Z"
        case _:
            return json.dumps(value)


def changed_xml(xml: str, rng: random.Random) -> bytes:
    """Change an attribute, a text or an element of XML."""
    root = ElementTree.fromstring(xml)
    elements = [*root.iter()]
    one = rng.choice(elements)
    kind = rng.randrange(6)
    if kind < 3 and one.attrib:
        name = rng.choice([*one.attrib])
        others = [value for other in elements for value in other.attrib.values()]
        new = rng.choice((*map(str, _NUMBERS), *_TEXTS, *others, None))
        if new is None:
            del one.attrib[name]
        else:
            one.attrib[name] = new.replace("\x00", "").replace("\x1b", "")
    elif kind == 3 and len(one):
        one.remove(rng.choice([*one]))
    elif kind == 4 and one is not root:
        place = rng.choice([other for other in elements if other not in one.iter()])
        place.extend([copy.deepcopy(one)] * rng.choice((1, 2, 300)))
    else:
        one.text = rng.choice(("", "1", "NaN", "x" * 70_000, "<![CDATA[", "\u202e"))
    return ElementTree.tostring(root, "utf-8")


def changed_lines(text: str, rng: random.Random) -> bytes:
    """Change a line of the form key=value."""
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    key, _, value = lines[at].partition("=")
    other = rng.choice(lines)
    new = rng.choice((*map(str, _NUMBERS), *_TEXTS, "-" + value, value * 2))
    lines[at] = rng.choice(
        (f"{key}={new}", f"{key}={new}", f"{new}={value}", other, key)
    )
    if rng.random() < 0.2:
        lines.insert(at, other)
    return "\n".join(lines).encode()


def changed_tiff(content: bytes, rng: random.Random) -> bytes:
    """Change the tag, type, count or value of one entry, or where directories are."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        order, wide = file.byteorder, file.is_bigtiff
        page = rng.choice([*file.pages])
        tag = rng.choice([*page.tags.values()])
        start, value, other = tag.offset, tag.valueoffset, rng.choice([*page.tags])
        places = [page.offset for page in file.pages]
    long, size = ("Q", 8) if wide else ("I", 4)
    numbers = (*_NUMBERS, *places, len(content), len(content) - 1, start)
    at, form, choices = rng.choice(
        (
            (start, "H", (other.code, 270, 273, 279, 322, 330, 34675, 65535)),
            (start + 2, "H", (*range(19), 65535)),
            (start + 4, long, numbers),
            (start + 4 + size, long, numbers),
            (value, rng.choice(("H", "I", "f")), numbers),
            (8 if wide else 4, long, numbers),
            (len(content) - size, long, places),
        )
    )
    if form == "f":
        packed = struct.pack(order + "f", rng.choice((float("nan"), 1e30, -1.0)))
    else:
        most = 1 << 8 * struct.calcsize(form)
        packed = struct.pack(order + form, rng.choice(choices) % most)
    return content[:at] + packed + content[at + len(packed) :]


def changed_npy(content: bytes, rng: random.Random) -> bytes:
    """Change the header of an NPY file, whose length stays right."""
    file = io.BytesIO(content)
    np.lib.format.read_magic(file)
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    header = {"descr": dtype.str, "fortran_order": fortran, "shape": [*shape]}
    types = (
        "O",
        "V8",
        "<U3",
        "c16",
        "<f2",
        ">f8",
        "m8[s]",
        "f16",
        "|S0",
        "i,f",
        "(3,)u2",
    )
    tree = changed_tree(header, rng)
    if rng.random() < 0.3:
        tree = {**header, "descr": rng.choice(types)}
    text = repr(tree)
    if rng.random() < 0.8:
        text = re.sub(r"(?<='shape': )\[([^]]*)\]", r"(\1,)", text).replace("(,)", "()")
    packed = text.encode("latin-1", "replace")
    version = rng.choice((1, 1, 1, 2, 3))
    form = "<H" if version == 1 else "<I"
    length = len(packed) % (1 << 8 * struct.calcsize(form))
    magic = b"\x93NUMPY" + bytes([version, 0]) + struct.pack(form, length)
    return magic + packed + content[file.tell() :]


def changed_safetensors(content: bytes, rng: random.Random) -> bytes:
    """Change the header of safetensors, whose length stays right."""
    (length,) = struct.unpack("<Q", content[:8])
    tree = changed_tree(json.loads(content[8 : 8 + length]), rng)
    header = as_json(tree, rng)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def changed_zip(content: bytes, rng: random.Random) -> bytes:
    """Change a member of an archive, or its name, whose check sums are right."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = [(one, old.read(one)) for one in old.namelist()]
    at = rng.randrange(len(members))
    # What is parsed most is the pickle
    if rng.random() < 0.7:
        at = next(n for n, (name, _) in enumerate(members) if name.endswith(".pkl"))
    name, data = members[at]
    if rng.random() < 0.1:
        name = str(rng.choice((*_TEXTS[:6], "../x", *(one for one, _ in members))))
    elif rng.random() < 0.05:
        data = bytes(rng.choice((1 << 20, 20 << 20)))
    else:
        data = rng.choice((changed_bytes, changed_words))(data, rng)
    members[at] = name, data
    form = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(file := io.BytesIO(), "w", form) as new:
        for name, data in dict(members).items():
            new.writestr(zipfile.ZipInfo(name or "x"), data, form)
    return file.getvalue()
