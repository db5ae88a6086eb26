"""Which widefield images belong to which sharp ones, and their kernel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from w2s_cli.batch.kernel_doubts import doubts
from w2s_cli.errors import InputError, UsageError
from w2s_cli.estimate.kernel import KernelFit, Pair, fit_kernel
from w2s_cli.files import opened
from w2s_cli.files.folder import images
from w2s_cli.physics.kernel import Kernel
from w2s_cli.stack import Stack

MOST_PLANES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A kernel from files.

    Attributes
    ----------
    fit
        The kernel and how it was found.
    names
        The widefield and the sharp file of each pair of planes.
    warnings
        Why the kernel should be looked at twice.
    """

    fit: KernelFit
    names: tuple[tuple[Path, Path], ...]
    warnings: tuple[str, ...]


def paired_files(paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return each widefield file with its sharp one.

    Parameters
    ----------
    paths
        Two folders; or files, the widefield ones first and as many sharp ones after.

    Raises
    ------
    UsageError
        When the numbers differ, or folders and files are mixed.
    NothingMatchedError
        When a folder holds no image.
    """
    folders = [path.is_dir() for path in paths]
    if any(folders) and not (all(folders) and len(paths) == 2):
        raise UsageError(
            f"{len(paths)} arguments, {sum(folders)} of them folders: give a folder of "
            "widefield images and one of sharp images, or files only",
            hint="for example: w2s estimate-kernel widefield/ sim/ -o kernel.tif",
        )
    if all(folders) and folders:
        low, sharp = ([*images(path)] for path in paths)
    else:
        files = [file for path in paths for file in images(path)]
        low, sharp = files[: len(files) // 2], files[len(files) // 2 :]
    if len(low) != len(sharp) or not low:
        raise UsageError(
            f"{len(low)} widefield images and {len(sharp)} sharp ones make no pairs",
            hint="name all widefield images first, then their sharp ones in that order",
        )
    return list(zip(low, sharp, strict=True))


def kernel_of(
    files: Sequence[tuple[Path, Path]],
    side: int,
    constant: float | None,
    pixel_size: float | None = None,
    *,
    axes: str | None = None,
    channel: str | None = None,
) -> Measured:
    """Return the kernel between the images in pairs of files.

    Parameters
    ----------
    files
        Widefield and sharp file of each pair.
    side, constant
        See `w2s_cli.estimate.kernel.fit_kernel`.
    pixel_size
        Micrometres a pixel of the sharp images, instead of what they say.
    axes
        The axes of the files, instead of what they say.
    channel
        The channel to take, by name or number; needed where there are several.

    Raises
    ------
    W2SError
        When a file cannot be read, or no kernel can be found.
    """
    pairs: list[Pair] = []
    names: list[tuple[Path, Path]] = []
    sizes: list[tuple[float | None, float | None]] = []
    for low, sharp in files:
        found, size = _planes_of(low, sharp, axes, channel)
        pairs += found
        names += [(low, sharp)] * len(found)
        sizes.append(size)
    labels = [f"{low}, {sharp}" for low, sharp in names]
    fit = fit_kernel(pairs, side, constant, labels)
    scale = pairs[0][1].shape[0] // pairs[0][0].shape[0]
    own = next((sharp or (low and low / scale) for low, sharp in sizes), None)
    kernel = Kernel(fit.kernel.weights, pixel_size or own)
    fit = replace(fit, kernel=kernel)
    return Measured(fit, tuple(names), doubts(pairs, sizes, fit))


def _planes_of(
    low: Path, sharp: Path, axes: str | None, channel: str | None
) -> tuple[list[Pair], tuple[float | None, float | None]]:
    """Return the planes of two files in pairs, and the pixel size of each file."""
    with opened(low, axes=axes) as first, opened(sharp, axes=axes) as second:
        stacks = [
            _one_channel(first, low, channel),
            _one_channel(second, sharp, channel),
        ]
        firsts, seconds = ([*stack.indices()] for stack in stacks)
        if len(firsts) != len(seconds) and len(seconds) != 1:
            raise InputError(
                f"{low} has {len(firsts)} planes and {sharp} {len(seconds)}: they must "
                "be as many, or one sharp plane for all",
                hint="save the planes that belong together",
            )
        step = -(-len(firsts) // MOST_PLANES)
        chosen = range(0, len(firsts), step)
        planes = [
            (
                stacks[0].data[firsts[number]],
                stacks[1].data[seconds[number % len(seconds)]],
            )
            for number in chosen
        ]
        size = (stacks[0].pixel_size.get("X"), stacks[1].pixel_size.get("X"))
    return planes, size


def _one_channel(stack: Stack, path: Path, channel: str | None) -> Stack:
    if channel is not None and stack.channel_count > 1:
        return stack.only_channel(channel)
    if stack.channel_count > 1:
        raise UsageError(
            f"{path} has {stack.channel_count} channels, and each has its own kernel",
            hint="choose one with --channel",
        )
    return stack
