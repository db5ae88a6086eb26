"""The checkpoint of a training, and whether a recipe may go on from it."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import torch

from w2s_cli.errors import InputError
from w2s_cli.training.recipe import Recipe

FREE = frozenset(
    [
        *("summary", "paper", "deviates", "licence", "seen"),
        *("steps", "patience", "validate_every"),
    ]
)
"""What of a recipe may change between a checkpoint and going on from it."""
_ELSEWHERE = "give another folder with runs=FOLDER, or delete that one"


def save_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint; the file appears when it is whole."""
    partial = path.with_suffix(".part")
    torch.save(content, partial)
    partial.replace(path)


def load_checkpoint(path: Path, recipe: Recipe, device: str) -> dict[str, Any]:
    """Return what a checkpoint holds.

    Raises
    ------
    InputError
        When it is of another recipe, has taken more steps already, or is broken.
    """
    content = _content(path, device)
    _check_same(content["recipe"], recipe.as_dict(), path)
    if content["step"] > recipe.steps:
        raise InputError(
            f"{path} has taken {content['step']} steps already, more than "
            f"steps={recipe.steps}",
            hint=_ELSEWHERE,
        )
    return content


def _content(path: Path, device: str) -> dict[str, Any]:
    try:
        # of what is no zip, torch may say anything at all
        found = is_zipfile(path) and torch.load(
            path, weights_only=True, map_location=device
        )
    except (RuntimeError, UnpicklingError, EOFError):
        found = None
    if not isinstance(found, dict) or not {"recipe", "step"} <= found.keys():
        raise InputError(f"{path} is no checkpoint that can be read", hint=_ELSEWHERE)
    return found


def _check_same(found: Any, wanted: dict[str, Any], path: Path) -> None:
    """Refuse to mix two trainings: what decides about the steps must be the same."""
    for key in sorted(wanted.keys() - FREE):
        if found.get(key) != wanted[key]:
            where, was, wants = _difference(key, found.get(key), wanted[key])
            raise InputError(
                f"{path} is of a training with {where} = {was}, not {wants}",
                hint=_ELSEWHERE,
            )


def _difference(key: str, found: Any, wanted: Any) -> tuple[str, Any, Any]:
    """Return the dotted key of the first setting that differs, and both values."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for inner in sorted(found.keys() | wanted.keys()):
            if found.get(inner) != wanted.get(inner):
                return _difference(
                    f"{key}.{inner}", found.get(inner), wanted.get(inner)
                )
    return key, found, wanted
