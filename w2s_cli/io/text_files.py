"""Text that a user hands over, as editors and shells write it."""

import codecs
import json
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from w2s_cli.errors import InputError

_MOST = 1 << 26  # bytes: what is longer was not written by a person
_MOST_PATHS = 1 << 28  # bytes: a million paths, and more
_DIGITS = 308  # of a whole number; with more it may be no float


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 as PowerShell writes it.

    A byte order mark is no part of it. Raises OSError, or ValueError for what is no
    text.
    """
    with path.open("rb") as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise ValueError(f"it is longer than {_MOST >> 20} MiB")
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if wide else "utf-8-sig")


def read_paths(path: Path) -> list[Path]:
    """Return the paths in a file, or in standard input for "-": one a line, each once.

    Where one is followed by a zero byte, as `find -print0` writes them, they all are.
    Raises InputError for what is no such list.
    """
    if str(path) == "-":
        content = sys.stdin.buffer.read(_MOST_PATHS + 1) if sys.stdin else b""
    else:
        with path.open("rb") as file:
            content = file.read(_MOST_PATHS + 1)
    if len(content) > _MOST_PATHS:
        raise InputError(
            f"{path} is no list of files: it is longer than {_MOST_PATHS >> 20} MiB",
            hint="one path a line",
        )
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16").encode()
    text = os.fsdecode(content.removeprefix(codecs.BOM_UTF8))
    lines = text.split("\0") if "\0" in text else text.split("\n")
    return [*dict.fromkeys(Path(name) for one in lines if (name := one.rstrip("\r")))]


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; ValueError where it is none."""
    return _parsed(path, strict_json)


def strict_json(text: str | bytes) -> Any:
    """Return what JSON says; ValueError where it says two things of one name.

    Numbers too large for a float are infinite, however they are written.
    """
    return json.loads(
        text,
        object_pairs_hook=_each_once,
        parse_int=lambda digits: (int if len(digits) <= _DIGITS else float)(digits),
    )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"it has {name!r} more than once")
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; ValueError where it is none."""
    found: dict[str, Any] = _parsed(path, tomllib.loads)
    return found


def _parsed(path: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(read_text(path))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
