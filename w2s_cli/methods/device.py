"""Where torch computes, for the methods that use it."""

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
