"""`w2s inspect`: what a weight file holds."""

from pathlib import Path
from typing import Annotated

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import print_json, print_result, readable
from w2s_cli.cli.typer_options import arg


def inspect(
    file: Annotated[Path, arg("A file of weights, of any kind.", metavar="FILE")],
    as_json: ask.JsonText = False,
) -> None:
    """Say what a file of weights holds, without running anything in it.

    For example:
      w2s inspect epoch_49.pth
      w2s inspect dncnn.safetensors --json | jq .options
    """
    from w2s_cli.weights.weight_files import inspect as examined

    facts = examined(file).as_json()
    if as_json:
        print_json(facts)
        return
    about, record = facts.pop("facts"), facts.pop("record")
    for key, value in (facts | about).items():
        print_result(f"{key.replace('_', ' '):12} {readable(value)}")
    if record:
        print_result("\nrecord")
    for key, value in record.items():
        print_result(f"  {key:12} {readable(value)}")
