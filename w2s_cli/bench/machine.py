"""What a machine is, as far as its speed is concerned; not which one it is."""

import os
import platform
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from w2s_cli.networks.devices import cores

_BUSY = 0.5  # load that makes timings doubtful: processes that compute, over a minute
_CPU = Path("/proc/cpuinfo")
_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK = "VmHWM:"


def machine(device: str) -> dict[str, Any]:
    """Return what decides about speed, as a JSON object."""
    from w2s_cli.networks.inference import available_device, device_title, threads

    processor = platform.processor() or platform.machine()
    if _CPU.is_file():
        for line in _CPU.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                processor = value.strip()
                break
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cores": cores(),
        "threads": threads(),
        "device": device_title(available_device(device)),
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def load() -> float | None:
    """Return how many processes computed over the last minute; None if unknown."""
    return None if sys.platform == "win32" else os.getloadavg()[0]


def busy(load: float | None) -> bool:
    """Return whether something else may have slowed a measurement."""
    return load is not None and load > _BUSY


def restart() -> bool:
    """Forget the peak; return whether the system can (Linux).

    Where it can't, `peak` goes on counting from the start of the process.
    """
    with suppress(OSError):
        _FORGET.write_text("5")
        return True
    return False


def peak() -> int | None:
    """Return the most bytes that were resident at once; None if nothing counts them.

    Libraries count, memory shared with other processes too.
    """
    if _STATUS.is_file():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(_PEAK):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return None
    from resource import RUSAGE_SELF, getrusage

    unit = 1 if sys.platform == "darwin" else 1024
    return getrusage(RUSAGE_SELF).ru_maxrss * unit
