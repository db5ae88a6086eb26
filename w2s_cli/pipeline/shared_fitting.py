"""Methods that learn from the images: once for each file, or from some for all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import copyfile

from w2s_cli.errors import UsageError
from w2s_cli.io import open_image
from w2s_cli.io.targets import check_writable, replacing
from w2s_cli.pipeline.diagnosis import diagnose_channels
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import series, shares
from w2s_cli.restorers.restorer import FitProgress, Fittable, Series
from w2s_cli.stack import Stack

FittedMethods = Mapping[int, Fittable]
"""What the learning method of a chain has become, by channel."""


def check_learning(job: RestoreSpec, chain: Chain, sources: Sequence[Path]) -> None:
    """Look whether what is asked of learning can be done.

    Raises
    ------
    UsageError
        When a method that learns does not come first; when there is none, but options
        are for it; when the weights of several files were to go into one, or into the
        place of an image.
    OutputError
        When the weights cannot be written where they should.
    """
    first, *others = chain.links
    if any(isinstance(link, Fittable) for link in others):
        raise UsageError(
            f"a method that learns from the image must come first, found {job.method}",
            hint="it learns what the camera wrote, which other methods change",
        )
    asked = "--train-on" if job.train_on else "--save-weights"
    if not isinstance(first, Fittable) and (job.train_on or job.save_weights):
        raise UsageError(
            f"{asked} is for methods that learn from the image, not {job.method}",
            hint="such as --method n2sr",
        )
    if job.save_weights is None:
        return
    if len(sources) > 1 and not job.train_on:
        raise UsageError(
            f"each of {len(sources)} files learns weights of its own, and "
            "--save-weights names one file",
            hint="learn once for all of them with --train-on",
        )
    if job.save_weights in (*sources, *job.train_on):
        raise UsageError(
            f"--save-weights would replace the image {job.save_weights}",
            hint="name a file that ends in .safetensors",
        )
    check_writable(job.save_weights, overwrite=job.overwrite)


def learned(
    job: RestoreSpec,
    chain: Chain,
    files: Sequence[Path],
    told: Callable[[int], FitProgress],
) -> dict[int, Fittable]:
    """Return what the learning method becomes for each channel of several files.

    Parameters
    ----------
    job, chain
        How to read the files, and the methods.
    files
        To learn from, of the same channels.
    told
        What to call after each step in a channel.

    Raises
    ------
    W2SError
        When a file cannot be read, or nothing can be learned.
    """
    learner = chain.learner
    assert learner
    places: dict[int, list[Series]] = {}
    for path, most in shares(files):
        for channel, some in _places(job, chain, path, most).items():
            places.setdefault(channel, []).extend(some)
        check_savable(job, len(places))
    return {
        channel: learner.taught(lambda some=some: some, told(channel))  # type: ignore[misc]
        for channel, some in places.items()
    }


def _places(
    job: RestoreSpec, chain: Chain, path: Path, most: int
) -> dict[int, list[Series]]:
    with open_image(path, axes=job.axes) as whole:
        stack = job.part(whole)
        noise = [
            one.noise for one in diagnose_channels(stack, chain, job.noise.of(path))
        ]
        return {
            channel: series(stack, channel, one, most)
            for channel, one in enumerate(noise)
        }


def check_known(lessons: FittedMethods, stack: Stack, files: Sequence[Path]) -> None:
    """Look whether what was learned from files is for the channels of an image.

    Raises
    ------
    UsageError
        When there are other channels.
    """
    if len(lessons) != stack.channel_count:
        raise UsageError(
            f"the image has {stack.channel_count} channels, but {files[0]}, to learn "
            f"from, has {len(lessons)}",
            hint="learn from images of the same channels, or name one with --channel",
        )


def check_savable(job: RestoreSpec, channels: int) -> None:
    """Look, before so many channels learn, whether one file can hold it.

    Raises
    ------
    UsageError
        When there are several channels.
    """
    if job.save_weights and channels > 1:
        raise UsageError(
            f"each of {channels} channels learns weights of its own, and "
            "--save-weights names one file",
            hint="name one with --channel",
        )


def save_weights(lessons: FittedMethods, target: Path) -> None:
    """Copy what was learned in the only channel to a file.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    [lesson] = lessons.values()
    assert lesson.weights
    with replacing(target) as partial:
        copyfile(lesson.weights, partial)
