"""`w2s blend`: a network between two."""

from pathlib import Path
from typing import Annotated

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import note
from w2s_cli.cli.typer_options import arg, opt


def blend(
    first: Annotated[Path, arg("Weights of a network.", metavar="A")],
    second: Annotated[Path, arg("Other weights of the same network.", metavar="B")],
    output: Annotated[Path, opt("A file to write.", "--output", "-o", metavar="FILE")],
    share: Annotated[float, opt("Of B in the blend, from 0 to 1.")] = 0.5,
    overwrite: ask.Overwrite = False,
    quiet: ask.Quiet = False,
) -> None:
    """Interpolate between two networks: between faithful and sharp, as ESRGAN does.

    For example:
      w2s blend pixels.safetensors gan.safetensors -o both.safetensors --share 0.2
    """
    from w2s_cli.weights.weight_files import blend as written

    written(first, second, output, share, overwrite=overwrite)
    if not quiet:
        note(f"{1 - share:g} of {first} + {share:g} of {second} -> {output}")
