"""The most memory that this process has held."""

import sys
from contextlib import suppress
from pathlib import Path

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK = "VmHWM:"


def restart() -> bool:
    """Forget the peak; return whether the system can (Linux).

    Where it can't, `peak` goes on counting from the start of the process.
    """
    with suppress(OSError):
        _FORGET.write_text("5")
        return True
    return False


def peak() -> int | None:
    """Return the most bytes that were resident at once; None where nobody counts.

    Libraries count, memory shared with other processes too.
    """
    if _STATUS.is_file():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(_PEAK):
                return int(line.split()[1]) * 1024
    return _since_start()


def _since_start() -> int | None:
    if sys.platform == "win32":
        return None
    from resource import RUSAGE_SELF, getrusage

    unit = 1 if sys.platform == "darwin" else 1024
    return getrusage(RUSAGE_SELF).ru_maxrss * unit
