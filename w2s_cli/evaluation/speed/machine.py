"""What a machine is, as far as its speed is concerned; not which one it is."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

_BUSY = 0.5
"""Load that makes timings doubtful: processes that compute, over the last minute."""


def machine(device: str) -> dict[str, Any]:
    """Return what decides about speed, as a JSON object.

    Parameters
    ----------
    device
        Where networks compute, "auto" for the fastest.

    Raises
    ------
    UsageError
        When there is no such device.
    """
    from w2s_cli.methods.device import cores, present, threads, title

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
        "threads": threads(),
        "device": title(present(device)),
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def load() -> float | None:
    """Return how many processes computed over the last minute; None if unknown."""
    return None if sys.platform == "win32" else os.getloadavg()[0]


def busy(load: float | None) -> bool:
    """Return whether something else may have slowed a measurement."""
    return load is not None and load > _BUSY


def _processor() -> str:
    """Return the model of the processor."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
