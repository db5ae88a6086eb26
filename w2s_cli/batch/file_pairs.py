"""Which files go where."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from w2s_cli.batch.jobs import FilePair
from w2s_cli.errors import InputError, UsageError, few
from w2s_cli.io.formats import (
    NAMES,
    SUFFIXES,
    format_of,
    image_files,
    passed_over,
    written_name,
)
from w2s_cli.io.ome_sets import each_once
from w2s_cli.io.targets import STREAM

_ZARR = (".zgroup", ".zarray", ".zattrs", "zarr.json")  # the marks of its folders


def paired(inputs: Sequence[Path], output: str) -> list[FilePair]:
    """Return every input file with its output file; nothing is written."""
    sources = files(inputs)
    several = len(sources) > 1 or any(path.is_dir() for path in inputs)
    target = Path(output)
    if several or output.endswith("/") or _is_dir(target):
        _check_folder(target, sources, slash=output.endswith("/"))
        pairs = [(source, target / written_name(source)) for source in sources]
    else:
        pairs = [(source, target) for source in sources]
    check_distinct(pairs)
    _check_plain(pairs)
    return pairs


def files(inputs: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and those in the folders that are.

    Of an image in several files there is the first.
    """
    return each_once(_all_files(inputs))[0]


def left(inputs: Sequence[Path]) -> list[str]:
    """Say which files in the folders, and of those that are named, are passed over."""
    said = [
        f"{folder}: passed over, as their names are of no {NAMES} image: "
        f"{few(names)} ({len(names)} in all)"
        for folder in inputs
        if folder.is_dir() and (names := passed_over(folder))
    ]
    return said + each_once(_all_files(inputs))[1]


def _all_files(inputs: Sequence[Path]) -> list[Path]:
    return [source for path in inputs for source in image_files(path)]


def check_spared(target: Path, sources: Sequence[Path]) -> None:
    """Find out whether writing `target` would replace one of the inputs."""
    if target != STREAM and any(_same(source, target) for source in sources):
        raise UsageError(
            f"the output {target} is an input",
            hint="the original is never replaced: give another name or folder",
        )


def _check_folder(target: Path, sources: Sequence[Path], *, slash: bool) -> None:
    """Refuse an output that is no plain folder, or not meant to be one."""
    named_as_image = target.suffix.lower() in SUFFIXES and not slash
    if target == STREAM or target.is_file() or (named_as_image and not _is_dir(target)):
        _check_there(sources)
        raise UsageError(
            f"{len(sources)} images need a folder for an output, and {target} is none",
            hint="for example -o restored/",
        )
    if STREAM in sources:
        raise UsageError(
            "standard input has no name to write under in a folder",
            hint="name the output file, for example -o restored.tif",
        )


def check_distinct(pairs: Sequence[FilePair]) -> None:
    """Refuse outputs that are the same, or that are inputs."""
    counts = Counter(target for _, target in pairs)
    for target, count in counts.items():
        if count > 1:
            clashing = [str(source) for source, twin in pairs if twin == target]
            raise UsageError(
                f"{' and '.join(clashing)} would all be written to {target}",
                hint="restore them into different folders",
            )
    for _, target in pairs:
        check_spared(target, [source for source, _ in pairs])


def _check_plain(pairs: Sequence[FilePair]) -> None:
    """Refuse to write into the folders of a Zarr image."""
    for parent in {target.parent for _, target in pairs if target != STREAM}:
        for folder in (parent.absolute(), *parent.absolute().parents):
            if any((folder / name).is_file() for name in _ZARR):
                _check_there([source for source, _ in pairs])
                raise UsageError(
                    f"{folder} is a Zarr image, not a folder for images",
                    hint="name another folder with -o",
                )


def _check_there(sources: Sequence[Path]) -> None:
    """Complain of the first input that is not there, before of anything after it."""
    for source in sources:
        if not is_there(source):
            refuse_missing(source)


def refuse_missing(source: Path, _: Path | None = None) -> NoReturn:
    """Raise what an image raises that is not there."""
    format_of(source)
    raise InputError(f"{source} was not there a moment ago", hint="run it again")


def is_there(source: Path) -> bool:
    """Find out whether there is a file of a name, which may be an impossible one."""
    return source == STREAM or os.path.lexists(source)


def _is_dir(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - which raises for no name


def _same(source: Path, target: Path) -> bool:
    if source == STREAM:
        return False
    try:
        return source.samefile(target)
    except OSError:  # one of them is not there
        return Path(os.path.realpath(source)) == Path(os.path.realpath(target))
