"""`w2s info`: what a file is, and what was done to it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import print_result, readable, warn

_UNITS = {"pixel_size": " (um)", "time_step": " (s)"}


def info(
    file: Annotated[Path, typer.Argument(help="An image file.", metavar="FILE")],
    series: ask.SeriesNames = None,
    as_json: ask.JsonText = False,
) -> None:
    """Say what an image file holds, and what w2s did to it.

    For example:
      w2s info cell.tif
      w2s info tiles.ome.tif --series all
      w2s info sharp.tif --json | jq '.history[-1].noise'
    """
    from w2s_cli.io import images_of

    if series != "all":
        facts = _facts(file, series)
        print_result(json.dumps(facts, indent=2)) if as_json else _print(file, facts)
        return
    every = [_facts(file, number) for number in images_of(file, colours=False)]
    if as_json:
        print_result(json.dumps(every, indent=2))
        return
    for number, facts in enumerate(every):
        if number:
            print_result()
        _print(file, facts)


def _facts(file: Path, series: str | None) -> dict[str, Any]:
    from w2s_cli.io import open_image

    with open_image(file, series=series) as stack:
        return {
            "file": str(file),
            "format": stack.extra.get("format", file.suffix.lstrip(".").upper()),
            "series": stack.extra.get("series", []),
            "series_number": stack.extra.get("series number", 1),
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


def _print(file: Path, facts: dict[str, Any]) -> None:
    history, images = facts.pop("history"), facts.pop("series")
    taken = facts.pop("series_number")
    for warning in facts.pop("warnings"):
        warn(f"{file}: {warning}")
    for key, value in facts.items():
        label = key.replace("_", " ") + _UNITS.get(key, "")
        print_result(f"{label:15} {readable(value)}")
        if key == "format" and len(images) > 1:
            for image in images:
                print_result(f"{'image':15} {_listed(image, taken)}")
    for number, step in enumerate(history, start=1):
        print_result(f"\nstep {number}")
        for key, value in step.items():
            print_result(f"  {key:10} {readable(value)}")


def _listed(image: dict[str, Any], taken: int) -> str:
    """Return one of several images in a line."""
    number, size = image["number"], " x ".join(map(str, image["shape"]))
    said = [str(number), image["name"] or "-", f"{image['axes']} {size}"]
    said += [image["dtype"], *(["a colour picture"] if image["colour"] else [])]
    return ", ".join([*said, *(["described below"] if number == taken else [])])
