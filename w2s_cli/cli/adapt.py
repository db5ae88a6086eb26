"""`w2s adapt`: a shipped network on the user's own images."""

from pathlib import Path
from typing import Annotated, Literal

from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import noise_models
from w2s_cli.cli.output import note, warn
from w2s_cli.cli.progress import FitDisplay, progress
from w2s_cli.cli.typer_options import opt


def adapt(
    inputs: ask.Inputs,
    output: Annotated[
        Path, opt("The weights, in safetensors.", "--output", "-o", metavar="FILE")
    ],
    method: Annotated[
        Literal["denoise", "denoise-fast", "jdsr", "jdsr-fast"],
        opt("The network to adapt."),
    ] = "denoise",
    kernel: Annotated[
        Path | None,
        opt(
            "For jdsr, which needs it: the blur on the grid of the output.",
            metavar="FILE",
        ),
    ] = None,
    steps: Annotated[int, opt("At most so many steps.", min=1)] = 300,
    seed: Annotated[int, opt("Of patches and noise.", min=0)] = 0,
    axes: ask.Axes = None,
    channel: ask.ChannelName = None,
    gain: Annotated[float | None, ask.GAIN] = None,
    offset: Annotated[float | None, ask.OFFSET] = None,
    read_noise: Annotated[float | None, ask.READ_NOISE] = None,
    noise: ask.Noise = None,
    device: ask.Device = "auto",
    overwrite: ask.Overwrite = False,
    quiet: ask.Quiet = False,
) -> None:
    """Adapt a shipped network to noisy images of your own, without any truth.

    For example:
      w2s adapt cell.tif -o mine.safetensors
      w2s adapt day1/ -o mine.safetensors --method denoise-fast --noise camera.json
      w2s adapt cell.tif -o mine.safetensors --method jdsr --kernel blur.npy
      w2s restore cell.tif -o clean.tif --weights mine.safetensors

    It is judged by squares of the images that it was not trained on. Nothing is saved
    unless it is better there than what ships, beyond doubt.
    """
    from w2s_cli.batch.file_pairs import files
    from w2s_cli.pipeline.adaptation.adapt import AdaptSpec, check
    from w2s_cli.pipeline.adaptation.adapt import adapt as run
    from w2s_cli.pipeline.adaptation.adaptation_planes import read_adaptation_planes
    from w2s_cli.pipeline.spec import RestoreSpec

    known = noise_models(noise, gain, offset, read_noise)
    job = RestoreSpec(method, device=device, noise=known, axes=axes, channel=channel)
    spec = AdaptSpec(method, kernel, steps, device, seed)
    check(spec, output, overwrite=overwrite)
    found = read_adaptation_planes(job, job.chain(), files(inputs))
    for reason in found.warnings:
        warn(reason)
    with progress(method, quiet=quiet) as bar:
        step = FitDisplay(method, bar, quiet=quiet).of_channel(0)
        better = run(spec, found.planes, found.trained_on, output, step)
    if not quiet:
        note(f"{output}: {method} adapted gains {better}")
