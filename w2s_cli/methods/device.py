"""Where torch computes, for the methods that use it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from w2s_cli.errors import UsageError


def present(name: str) -> str:
    """Return a device that is there, the fastest one for "auto".

    Raises
    ------
    UsageError
        When `name` is no device, or none of this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = name.partition(":")
    mps = int(torch.backends.mps.is_available())
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": mps}
    if kind not in there or (number and not number.isdecimal()):
        raise UsageError(
            f"no device is called {name!r}", hint="use auto, cpu, cuda, cuda:0 or mps"
        )
    if int(number or 0) >= there[kind]:
        raise UsageError(
            f"there is no device {name!r} on this machine", hint="use --device auto"
        )
    return name


def title(device: str) -> str:
    """Return the model of a GPU; of another device its name."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return device


def cores() -> int:
    """Return how many cores of the processor this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads() -> int:
    """Return how many threads torch computes with on the processor."""
    return torch.get_num_threads()


def restart_peak(device: str) -> None:
    """Forget how much memory of a GPU was in use at most until now."""
    if torch.device(device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: str) -> int | None:
    """Return the most bytes of a GPU that tensors took since `restart_peak`.

    None for other devices, which keep no account.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return None


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn torch's ways to say "out of memory" into Python's."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(str(error)) from error
    except RuntimeError as error:
        if "can't allocate memory" in str(error):
            raise MemoryError(str(error)) from error
        raise
