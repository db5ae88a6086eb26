"""`w2s export`: a network as a bioimage.io model, for Fiji and others."""

from pathlib import Path
from typing import Annotated

from w2s_cli.cli import completion
from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import noise_models
from w2s_cli.cli.fetch import fetch_needed
from w2s_cli.cli.output import note, warn
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import UnknownNameError, UsageError, WeightsError


def export(
    what: Annotated[
        str,
        arg(
            "A method that is a network, or a file of weights.",
            metavar="METHOD|WEIGHTS",
            complete=completion.chain,
        ),
    ],
    output: Annotated[
        Path, opt("A .zip file to write.", "--output", "-o", metavar="OUT.zip")
    ],
    like: Annotated[
        Path | None,
        opt(
            "An image of the camera, to measure its noise or its range.",
            metavar="IMAGE",
        ),
    ] = None,
    gain: Annotated[float | None, ask.GAIN] = None,
    offset: Annotated[float | None, ask.OFFSET] = None,
    read_noise: Annotated[float | None, ask.READ_NOISE] = None,
    noise: ask.Noise = None,
    axes: ask.Axes = None,
    channel: ask.ChannelName = None,
    options: ask.Options = None,
    name: Annotated[str, opt("Of the model; w2s METHOD without.")] = "",
    authors: Annotated[
        list[str] | None, opt("Who made the weights.", "--author", metavar="NAME")
    ] = None,
    licence: Annotated[
        str, opt("The terms that the weights are under, such as CC-BY-4.0.")
    ] = "",
    overwrite: ask.Overwrite = False,
    quiet: ask.Quiet = False,
) -> None:
    """Export a network as a bioimage.io model, for deepImageJ in Fiji and others.

    For example:
      w2s export denoise -o denoise.zip --like cell.tif
      w2s export jdsr -o jdsr.zip --gain 2.2 --offset 100 --read-noise 3
      w2s export mine.safetensors -o mine.zip --noise camera.json --author "A. Meyer"
      w2s export dncnn-fmd -o dncnn.zip -O black=0 -O white=255

    What it takes and gives are camera counts: the noise of the camera is built in.
    """
    from w2s_cli.export.model_package import ExportSpec, check_packages
    from w2s_cli.export.model_package import export as written
    from w2s_cli.methods import METHODS
    from w2s_cli.methods.build import lacking_weights, method_for_weights
    from w2s_cli.pipeline.spec import RestoreSpec

    check_packages()
    if not like and (axes or channel):
        raise UsageError(
            f"{'--axes' if axes else '--channel'} is about the image of --like",
            hint="add --like IMAGE, or leave it out",
        )
    file = None if what in METHODS or "+" in what else Path(what)
    if file and not file.exists():
        if not file.suffix:
            raise UnknownNameError("method", what, (one.name for one in METHODS))
        raise WeightsError(f"no weights at {file}", hint="name a file, or a method")
    method = method_for_weights([file]) if file else what
    if not file and lacking_weights(method, ()):
        raise UsageError(
            f"{method} is a kind of network, and has no weights of its own",
            hint="name the file instead: w2s export FILE.pth",
        )
    fetch_needed(method, quiet=quiet)
    job = RestoreSpec(
        method,
        tuple(options or ()),
        (file,) if file else (),
        noise=noise_models(noise, gain, offset, read_noise),
        axes=axes,
        channel=channel,
    )
    spec = ExportSpec(job, like, name, tuple(authors or ()), licence)
    done = written(spec, output, overwrite=overwrite)
    for doubt in done.warnings:
        warn(doubt)
    if not quiet:
        note(f"{output}: {done.facts.name}, {done.facts.summary}")
        note(done.agreement)
