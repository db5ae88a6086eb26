"""What was done to an image, as JSON that fits into any metadata field."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

History = tuple[Mapping[str, Any], ...]


def to_json(history: Sequence[Mapping[str, Any]]) -> str:
    """Return the history as one line of ASCII."""
    return json.dumps([dict(entry) for entry in history])


def from_json(text: str) -> History:
    """Return the history in `text`; none where another program has spoilt it."""
    try:
        entries = json.loads(text)
    except json.JSONDecodeError:
        return ()
    if not isinstance(entries, list):
        return ()
    return tuple(entry for entry in entries if isinstance(entry, dict))
