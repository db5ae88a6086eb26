"""Files with several images, each of which has an output of its own."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from w2s_cli.batch.file_pairs import check_distinct
from w2s_cli.batch.jobs import FilePair
from w2s_cli.errors import UsageError, W2SError
from w2s_cli.io import images_of
from w2s_cli.io.formats import stem
from w2s_cli.io.targets import STREAM
from w2s_cli.pipeline.spec import ALL, RestoreSpec


def by_output(
    spec: RestoreSpec, pairs: Sequence[FilePair]
) -> tuple[dict[FilePair, RestoreSpec], list[str]]:
    """Return what is to be done for each output, and what is left.

    Where all images are wanted, each has an output of its own, but not pictures in
    colours. A file that cannot be opened stays one, which will fail as it does
    otherwise.
    """
    if spec.series != ALL:
        return dict.fromkeys(pairs, spec), []
    found, left = {}, []
    for source, target in pairs:
        if STREAM in (source, target):
            raise UsageError(
                "several images cannot go through a standard stream",
                hint="take one with --series N, or name files",
            )
        try:
            every = images_of(source)
            images = images_of(source, colours=bool(spec.axes or spec.channel))
        except W2SError:
            every = images = {}
        left += [
            f"{source}: image {number} ({every[number]}) is a picture in colours, or "
            f"labels of objects, and was left; --series {number} takes it, and "
            "--channel N one of the colours"
            for number in every.keys() - images.keys()
        ]
        for number, name in images.items():
            output = _named(target, number, name) if len(images) > 1 else target
            found[source, output] = replace(spec, series=number)
        if not images:
            found[source, target] = spec
    check_distinct([*found])
    return found, left


def _named(target: Path, number: str, name: str) -> Path:
    """Return the output of an image: "tiles_2-left.ome.tif"."""
    plain = re.sub(r"[^\w.+-]+", "-", name).strip("-.")[:40]
    ending = target.name[len(stem(target)) :]
    label = f"{number}-{plain}" if plain else number
    return target.with_name(f"{stem(target)}_{label}{ending}")
