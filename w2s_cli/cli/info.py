"""`w2s info`: what a file is, and what was done to it."""

from pathlib import Path
from typing import Annotated, Any

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import print_json, print_result, readable, warn
from w2s_cli.cli.typer_options import arg

_SHOWN = (
    *("file", "format", "axes", "shape", "dtype", "pixel_size", "time_step"),
    "channels",
)
_KEPT = (
    "input",
    "method",
    "options",
    "channel",
    "axes",
    "train_on",
    "weights",
    "clipped",
    "what",
    "unit",
    "interval_90",
    "calibrated_for",
    "warnings",
)
_UNITS = {"pixel_size": " (um)", "time_step": " (s)"}


def info(
    file: Annotated[Path, arg("An image file.", metavar="FILE")],
    series: ask.SeriesNames = None,
    as_json: ask.JsonText = False,
    verbose: ask.Verbose = False,
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
        if as_json:
            print_json(facts)
        else:
            _print(file, facts, verbose=verbose)
        return
    every = [_facts(file, number) for number in images_of(file, colours=False)]
    if as_json:
        print_json(every)
        return
    for number, facts in enumerate(every):
        if number:
            print_result()
        _print(file, facts, verbose=verbose)


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


def _print(file: Path, facts: dict[str, Any], *, verbose: bool) -> None:
    for warning in facts["warnings"]:
        warn(f"{file}: {warning}")
    shown = facts | {"shape": " x ".join(map(str, facts["shape"]))}
    shown["channels"] = [
        f"{number} {name}".strip() for number, name in enumerate(facts["channels"], 1)
    ]
    if facts["axes_guessed"]:
        shown["axes"] += ", a guess: where it is wrong, say --axes"
    for key in _SHOWN:
        label = key.replace("_", " ") + _UNITS.get(key, "")
        print_result(f"{label:15} {readable(shown[key])}")
        if key == "format" and len(facts["series"]) > 1:
            for image in facts["series"]:
                print_result(f"{'image':15} {_listed(image, facts['series_number'])}")
    for number, step in enumerate(facts["history"], start=1):
        print_result(f"\nstep {number}")
        for key, value in (step if verbose else _in_words(step)).items():
            print_result(f"  {key:10} {readable(value)}")


def _in_words(step: dict[str, Any]) -> dict[str, Any]:
    """Return what a biologist wants to know of a step; --verbose has the rest."""
    from w2s_cli.io.noise_file import noise_in_words

    done = [str(step[key]) for key in ("tool", "version", "command") if key in step]
    found = {"by": " ".join(done), **{key: step[key] for key in _KEPT if step.get(key)}}
    if isinstance(auto := step.get("auto"), dict) and "method" in auto:
        asked, *after = str(step.get("method")).split("+")
        named = "+".join([str(auto["method"]), *after])
        found["method"] = f"{named}, chosen by {asked}"
    if isinstance(check := step.get("check"), dict):
        found["check"] = check.get("sentence", "")
    if known := noise_in_words(step.get("noise")):
        found["noise"] = known
    return found


def _listed(image: dict[str, Any], taken: int) -> str:
    """Return one of several images in a line."""
    number, size = image["number"], " x ".join(map(str, image["shape"]))
    said = [str(number), image["name"] or "-", f"{image['axes']} {size}".strip()]
    said += [image["dtype"], *(["a colour picture"] if image["colour"] else [])]
    said += ["labels of objects"] if image.get("label") else []
    said += ["described below"] if number == taken else []
    return ", ".join(filter(None, said))
