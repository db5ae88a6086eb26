"""What options mean, where a type alone does not say it."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.io.noise_file import GivenNoise

_MOST_MICROMETRES = 30.0  # a camera's own pixel may have 24
_LEAST_MEMORY = 1 << 20  # bytes: less is a slip, such as 2 for 2G
_SPAN = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) *([KMGT]?)(?:i?B)?", re.IGNORECASE)
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?|mps")


def device_name(text: str) -> str:
    """Return `text` if it can name a device."""
    if not _DEVICE.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not auto, cpu, cuda, cuda:N or mps")
    return text


def device_names(text: str) -> str:
    """Return `text` if it can name devices, joined by commas."""
    for name in text.split(","):
        device_name(name)
    return text


def memory_size(text: str | None, option: str) -> int | None:
    """Return the bytes that "2G", "1.5 GiB" or "500MB" are, in powers of 1024."""
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    size = (
        float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ") if found else 0
    )
    if size < _LEAST_MEMORY:
        raise UsageError(
            f"{option} {text} is no size of at least 1M",
            hint=f"such as {option} 2G or {option} 500M",
        )
    return int(size)


def micrometres(length: float | None) -> float | None:
    """Return a length if it can be one in micrometres."""
    if length is None or 0 < length < _MOST_MICROMETRES:
        return length
    likely = length >= _MOST_MICROMETRES
    raise UsageError(
        f"a wavelength or a pixel of {length:g} um makes no sense",
        hint=f"lengths are in micrometres: {length:g} nm is {length / 1000:g}"
        if likely
        else "lengths are above 0, in micrometres",
    )


def names(given: Iterable[str]) -> tuple[str, ...]:
    """Return names that are joined by commas or given one by one, each once."""
    found = (name.strip() for text in given for name in text.split(","))
    return tuple(dict.fromkeys(filter(None, found)))


def weight_files(given: Iterable[str]) -> dict[str, str]:
    """Return the files of words such as "rcan=rcan.pth", by their methods."""
    found = {}
    for text in given:
        name, _, file = text.partition("=")
        if not (name and file):
            raise UsageError(
                f"weights are given as METHOD=FILE, found {text!r}",
                hint="METHOD as in --denoiser or --sr: --weights rcan=rcan.pth",
            )
        found[name] = file
    return found


def axes_with(axes: str | None, channels: int | None) -> str | None:
    """Return axes in which so many channels follow each other: "TC2YX"."""
    if channels is None:
        return axes
    named = (axes or "TCYX").upper()
    if not re.search(r"C(?!\d)", named):
        raise UsageError(
            f"--channels says how many channels C stands for, which --axes {axes} "
            f"{'says already' if 'C' in named else 'do not have'}",
            hint=f"for example --axes TCYX --channels {channels}",
        )
    return named.replace("C", f"C{channels}")


def numbers(text: str, option: str) -> list[int]:
    """Return the numbers of a list such as "1-3,7", sorted, each once."""
    found: set[int] = set()
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise UsageError(
                f"{option} is a list of numbers and spans, found {text!r}",
                hint=f"such as {option} 1-3,7",
            )
        found |= {*range(first, last + 1)}
    return sorted(found)


def noise_models(
    file: Path | None,
    gain: float | None,
    offset: float | None,
    read_noise: float | None,
) -> "GivenNoise":
    """Return the noise models that the command line gives; none: to be estimated."""
    from w2s_cli.io.noise_file import GivenNoise, read_noise_models
    from w2s_cli.microscope.noise_model import NoiseModel

    if gain is None:
        if offset is not None or read_noise is not None:
            raise UsageError(
                "--offset and --read-noise mean nothing without --gain",
                hint="give --gain too, or leave all three out to have them estimated",
            )
        return read_noise_models(file) if file else GivenNoise()
    if file:
        raise UsageError("--gain and --noise both give a noise model", hint="drop one")
    return GivenNoise((NoiseModel(gain, offset or 0.0, read_noise or 0.0),))
