"""How facts read in a line of text."""

from typing import Any

_MINUTE = 60  # seconds, and minutes of an hour


def words(value: Any) -> str:
    """Return a JSON value as a reader likes it."""
    match value:
        case dict() if value:
            return ", ".join(f"{key} {words(item)}" for key, item in value.items())
        case [dict(), *_]:
            return "; ".join(map(words, value))
        case list() if value:
            return ", ".join(map(str, value))
        case float():
            return f"{value:.6g}"
        case int():
            return str(value)
        case _:
            return str(value or "-")


def table(lines: list[list[str]]) -> str:
    """Return lines of cells in columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def duration(seconds: float) -> str:
    """Return a time in words, such as "3 min"."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / _MINUTE), _MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
