"""`w2s estimate-defects`: a map of what a camera reads wrongly."""

from pathlib import Path
from typing import Annotated

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import print_json, print_result
from w2s_cli.cli.typer_options import opt


def estimate_defects(
    files: ask.Inputs,
    output: Annotated[
        Path, opt("The map, a .tif file.", "--output", "-o", metavar="MAP.tif")
    ],
    axes: ask.Axes = None,
    overwrite: ask.Overwrite = False,
    as_json: ask.JsonText = False,
) -> None:
    """Map the defective pixels of a camera, from many images or a dark.

    For example:
      w2s estimate-defects *.tif -o map.tif
      w2s restore cell.tif -o sharp.tif --defects map.tif

    The more images of different scenes, the weaker the defects that show.
    """
    from w2s_cli.io.formats import image_files
    from w2s_cli.io.targets import check_target
    from w2s_cli.pipeline.defect_repair import estimate_defects as estimated

    sources = [source for path in files for source in image_files(path)]
    check_target(output, overwrite=overwrite)
    found = estimated(sources, output, axes=axes, overwrite=overwrite)
    if as_json:
        print_json(found)
        return
    print_result(
        f"{output}: {found['hot']} hot, {found['dead']} dead, {found['blinking']} "
        f"blinking pixels and {found['lost']} in lost lines, {found['share']:.2%} in "
        f"all, from {found['planes']} planes"
    )
