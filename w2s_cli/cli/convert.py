"""`w2s convert`: published weights, as safetensors with a record."""

from pathlib import Path
from typing import Annotated

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import note, warn
from w2s_cli.cli.typer_options import arg, opt


def convert(
    source_file: Annotated[Path, arg("A file of weights, of any kind.", metavar="IN")],
    target: Annotated[Path, arg("A file to write.", metavar="OUT.safetensors")],
    licence: Annotated[str, opt("The terms that the weights are under.")] = "",
    source: Annotated[str, opt("Their address, or what to cite for them.")] = "",
    units: Annotated[
        str, opt("What the network takes: z, z/255, unit or centred.")
    ] = "",
    overwrite: ask.Overwrite = False,
    quiet: ask.Quiet = False,
) -> None:
    """Convert weights to safetensors, without running anything in them.

    For example:
      w2s convert epoch_49.pth jdsr-w2s.safetensors --units z
      w2s convert net.pth net.safetensors --licence MIT --source doi:10.1000/182
    """
    from w2s_cli.weights.weight_files import Origin
    from w2s_cli.weights.weight_files import convert as written

    origin = Origin(licence, source, units)
    weights = written(source_file, target, origin, overwrite=overwrite)
    if weights.network is None:
        warn(f"{source_file}: the tensors belong to no known network")
    if not quiet:
        name = weights.network.name if weights.network else "unknown"
        count = len(weights.checkpoint.state)
        note(f"{source_file} -> {target}: {name}, {count} tensors")
