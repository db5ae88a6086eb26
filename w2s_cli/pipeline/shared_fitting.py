"""Self-supervised methods: fitted to each file, or once to some for all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import copyfile

from w2s_cli.errors import UsageError
from w2s_cli.io.atomic_files import replacing
from w2s_cli.io.targets import check_writable
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import series, shares
from w2s_cli.restorers.restorer import FitProgress, Fittable, Series
from w2s_cli.stack import Stack

FittedMethods = Mapping[int, Fittable]
"""The method of a chain that is fitted, by channel."""


def check_fitting(spec: RestoreSpec, chain: Chain, sources: Sequence[Path]) -> None:
    """Look whether the fitting that is asked for can be done."""
    first, *others = chain.links
    if any(link.traits.fit for link in others):
        raise UsageError(
            f"a method that learns from the image must come first, found {spec.method}",
            hint="it learns what the camera wrote, which other methods change",
        )
    asked = "--train-on" if spec.train_on else "--save-weights"
    if not first.traits.fit and (spec.train_on or spec.save_weights):
        raise UsageError(
            f"{asked} is for methods that learn from the image, not {spec.method}",
            hint="such as --method n2sr",
        )
    if spec.save_weights is None:
        return
    if len(sources) > 1 and not spec.train_on:
        raise UsageError(
            f"each of {len(sources)} files learns weights of its own, and "
            "--save-weights names one file",
            hint="learn once for all of them with --train-on",
        )
    if spec.save_weights in (*sources, *spec.train_on):
        raise UsageError(
            f"--save-weights would replace the image {spec.save_weights}",
            hint="name a file that ends in .safetensors",
        )
    check_writable(spec.save_weights, overwrite=spec.overwrite)


def fit_files(
    spec: RestoreSpec,
    chain: Chain,
    files: Sequence[Path],
    progress: Callable[[int], FitProgress] = lambda channel: (
        lambda step, steps, loss: None
    ),
) -> dict[int, Fittable]:
    """Return the method that is to be fitted, fitted to each channel of some files."""
    method = chain.to_fit
    assert method
    places: dict[int, list[Series]] = {}
    for path, most in shares(files):
        with spec.opened(path) as whole:
            stack = spec.part(whole)
            noise = diagnose(stack, spec.noise.of(path)).noise
            for channel, one in noise.items():
                some = series(stack, channel, one, most)
                places.setdefault(channel, []).extend(some)
        check_savable(spec, len(places))
    return {
        channel: method.fitted(lambda some=some: some, progress(channel))  # type: ignore[misc]
        for channel, some in places.items()
    }


def check_fitted(fitted: FittedMethods, stack: Stack, files: Sequence[Path]) -> None:
    """Look whether what was fitted to files is for the channels of an image."""
    if len(fitted) != stack.channel_count:
        raise UsageError(
            f"the image has {stack.channel_count} channels, but {files[0]}, to learn "
            f"from, has {len(fitted)}",
            hint="learn from images of the same channels, or name one with --channel",
        )


def check_savable(spec: RestoreSpec, channels: int) -> None:
    """Look, before so many channels learn, whether one file can hold it."""
    if spec.save_weights and channels > 1:
        raise UsageError(
            f"each of {channels} channels learns weights of its own, and "
            "--save-weights names one file",
            hint="name one with --channel",
        )


def save_weights(fitted: FittedMethods, target: Path, *, overwrite: bool) -> None:
    """Copy the weights that were fitted to the only channel to a file."""
    [method] = fitted.values()
    assert method.weights
    with replacing(target, overwrite=overwrite) as partial:
        copyfile(method.weights, partial)
