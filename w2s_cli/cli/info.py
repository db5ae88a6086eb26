"""`w2s info`: what a file is, and what was done to it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import readable, warn

_UNITS = {"pixel_size": " (um)", "time_step": " (s)"}


def info(
    file: Annotated[Path, typer.Argument(help="An image file.", metavar="FILE")],
    as_json: ask.JsonText = False,
) -> None:
    """Say what an image file holds, and what w2s did to it.

    For example:
      w2s info cell.tif
      w2s info sharp.tif --json | jq '.history[-1].noise'
    """
    from w2s_cli.io import open_image

    with open_image(file) as stack:
        facts: dict[str, Any] = {
            "file": str(file),
            "format": stack.extra.get("format", file.suffix.lstrip(".").upper()),
            "axes": stack.axes,
            "axes_guessed": stack.extra.get("axes guessed", False),
            "shape": list(stack.data.shape),
            "dtype": str(stack.data.dtype),
            "pixel_size": dict(stack.pixel_size),
            "time_step": stack.time_step,
            "channels": [channel.name for channel in stack.channels],
            "warnings": [*stack.warnings],
            "history": [dict(step) for step in stack.history],
        }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    history = facts.pop("history")
    for warning in facts.pop("warnings"):
        warn(f"{file}: {warning}")
    for key, value in facts.items():
        label = key.replace("_", " ") + _UNITS.get(key, "")
        typer.echo(f"{label:15} {readable(value)}")
    for number, step in enumerate(history, start=1):
        typer.echo(f"\nstep {number}")
        for key, value in step.items():
            typer.echo(f"  {key:10} {readable(value)}")
