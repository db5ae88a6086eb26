"""Text that a user hands over, as editors and shells write it."""

import codecs
import json
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MOST = 1 << 26  # bytes: what is longer was not written by a person


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
    """
    if str(path) == "-":
        content = sys.stdin.buffer.read() if sys.stdin else b""
    else:
        content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16").encode()
    text = os.fsdecode(content.removeprefix(codecs.BOM_UTF8))
    lines = text.split("\0") if "\0" in text else text.split("\n")
    return [*dict.fromkeys(Path(name) for one in lines if (name := one.rstrip("\r")))]


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; ValueError where it is none."""
    return _parsed(path, json.loads)


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; ValueError where it is none."""
    found: dict[str, Any] = _parsed(path, tomllib.loads)
    return found


def _parsed(path: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(read_text(path))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
