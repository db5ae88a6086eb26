"""What is known of devices without torch."""

import os
import sys


def kind_of(device: str) -> str:
    """Return what a device is, whichever of several: "cuda" for "cuda:1"."""
    return device.partition(":")[0]


def cores() -> int:
    """Return how many cores of the processor this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
