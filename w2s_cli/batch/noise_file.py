"""Noise models from a JSON file."""

import json
from pathlib import Path
from typing import Any

from w2s_cli.errors import UsageError
from w2s_cli.physics.noise import NoiseModel

_KEYS = ("gain", "offset", "read_noise")
_HINT = 'for example {"gain": 2.1, "offset": 100, "read_noise": 1.5}'


def read_noise_models(path: Path) -> tuple[NoiseModel, ...]:
    """Return the noise models in a file: one for all channels, or one each.

    The file holds an object with the keys "gain", "offset" and "read_noise", of which
    only the gain is required, or {"channels": [such objects]}.

    Raises
    ------
    UsageError
        When it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot read the noise model {path}: {error.strerror}"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}", hint=_HINT) from error
    rows = [content]
    if isinstance(content, dict) and [*content] == ["channels"]:
        rows = content["channels"]
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{path}: channels is no list of noise models", hint=_HINT)
    return tuple(_model(row, path) for row in rows)


def _model(row: Any, path: Path) -> NoiseModel:
    if not isinstance(row, dict):
        raise UsageError(
            f"{path}: a noise model is an object, found {row!r}", hint=_HINT
        )
    unknown = sorted(set(row) - set(_KEYS))
    if unknown or "gain" not in row:
        found = f"unknown key {unknown[0]!r}" if unknown else "no gain"
        raise UsageError(f"{path}: {found}; keys are {', '.join(_KEYS)}", hint=_HINT)
    for key, value in row.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(
                f"{path}: {key} must be a number, found {value!r}", hint=_HINT
            )
    return NoiseModel(**{key: float(value) for key, value in row.items()})
