"""Which files go where."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from w2s_cli.batch.jobs import FilePair
from w2s_cli.batch.journal import FOLDER as JOURNALS
from w2s_cli.batch.journal import written
from w2s_cli.batch.naming import Naming
from w2s_cli.errors import InputError, NothingMatchedError, UsageError, few
from w2s_cli.io.formats import (
    NAMES,
    SUFFIXES,
    ZARR,
    address_of,
    format_for,
    format_of,
    holds_zarr,
    image_files,
    images_in,
    is_zarr,
    passed_over,
    written_name,
)
from w2s_cli.io.ome_sets import each_once
from w2s_cli.io.targets import STREAM
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.pipeline.uncertainty import check_map


def paired(
    inputs: Sequence[Path],
    output: str,
    *,
    listed: Sequence[Path] = (),
    recursive: bool = False,
    name: Naming | None = None,
) -> list[FilePair]:
    """Return every input file with its output file; nothing is written.

    Parameters
    ----------
    inputs
        Files and folders, of which with `recursive` the subfolders count, too.
    output
        A file, or a folder, in which `recursive` keeps the tree of a folder.
    listed
        More files, of which `recursive` keeps the folders as they are written.
    name
        What outputs are called; otherwise as the inputs are. With it they may be put
        beside the inputs, where they are no inputs of the next run.
    """
    target = Path(output)
    found = _located(inputs, listed, target, recursive=recursive)
    sources = each_once([*found])[0]
    several = len(found) > 1 or bool(listed) or any(map(_is_folder, inputs))
    into = (output.endswith("/") or _is_dir(target)) and not _is_zarr_name(target)
    if not (several or into):
        if name:
            raise UsageError(
                f"--name is for outputs in a folder, and {target} is none",
                hint="end the folder with a slash: -o restored/",
            )
        pairs = [(source, target) for source in sources]
    else:
        _check_folder(target, sources, slash=output.endswith("/"))
        named = name or written_name
        pairs = [(one, target / found[one] / named(one)) for one in sources]
        if name:
            pairs = _without_outputs(pairs, target)
    check_distinct(pairs)
    _check_plain(pairs)
    return pairs


def _without_outputs(pairs: Sequence[FilePair], folder: Path) -> list[FilePair]:
    """Leave out what this run or one before has written beside its inputs."""
    before = (folder / name for name in written(folder))
    made = {_place(path) for path in (*(two for _, two in pairs), *before)}
    return [(one, two) for one, two in pairs if _place(one) not in made]


def files(inputs: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and those in the folders that are named.

    Of an image in several files there is the first.
    """
    return each_once([source for path in inputs for source in image_files(path)])[0]


def left(
    inputs: Sequence[Path], *, recursive: bool = False, output: Path | None = None
) -> list[str]:
    """Return lines that say which files, in folders or named, are passed over."""
    said, sources = [], []
    for path in inputs:
        if not _is_folder(path):
            sources.append(path)
            continue
        folders = [*_folders(path, output)] if recursive else [path]
        names = [
            (folder / one).relative_to(path)
            for folder in folders
            for one in passed_over(folder)
        ]
        if names:
            said.append(
                f"{path}: passed over, as their names are of no {NAMES} image: "
                f"{few(names)} ({len(names)} in all)"
            )
        if recursive:
            said += [*_not_entered(folders, output)]
        sources += [one for folder in folders for one in images_in(folder)]
    return said + each_once(sources)[1]


def _located(
    inputs: Sequence[Path], listed: Sequence[Path], output: Path, *, recursive: bool
) -> dict[Path, Path]:
    """Return the files, and in which folder below the output that of each goes."""
    found: dict[Path, Path] = {}
    for path in inputs:
        if recursive and _is_folder(path):
            tree = [
                (one, folder.relative_to(path))
                for folder in _folders(path, output)
                for one in images_in(folder)
            ]
            if not tree:
                raise NothingMatchedError(
                    f"no image in the folder {path} and those below it",
                    hint=f"images end in {', '.join(SUFFIXES)}",
                )
            found.update(tree)
        else:
            found.update((one, Path()) for one in image_files(path))
    for path in listed:
        below = path.parent
        if recursive and (below.is_absolute() or ".." in below.parts):
            below = Path(*below.resolve().parts[1:])
        found[path] = below if recursive else Path()
    return found


def _folders(path: Path, output: Path | None) -> Iterator[Path]:
    """Yield a folder and those below it by name, but not that of the outputs.

    Hidden ones, images that are folders, those that w2s has written a batch into, and
    links are not entered.
    """
    yield path
    for one in sorted(path.iterdir()):
        if one.name.startswith(".") or not one.is_dir() or one.is_symlink():
            continue
        if output and output.is_dir() and one.samefile(output):
            continue
        if not (is_zarr(one) or _has_outputs(one)):
            yield from _folders(one, output)


def _not_entered(folders: Sequence[Path], output: Path | None) -> Iterator[str]:
    """Say which folders in others were left out for a reason that may surprise."""
    there = output if output and output.exists() else None
    for one in (one for folder in folders for one in sorted(folder.iterdir())):
        if one.is_symlink() and one.is_dir():
            yield f"{one} links to a folder, and was not followed"
        elif _has_outputs(one) and not (there and one.samefile(there)):
            yield f"{one} holds outputs of w2s, and was passed over; name it to read it"


def _has_outputs(folder: Path) -> bool:
    return os.path.isdir(folder / JOURNALS)  # noqa: PTH112 - or False


def check_spared(target: Path, sources: Sequence[Path]) -> None:
    """Refuse a target that is one of the inputs."""
    if target != STREAM and _place(target) in {
        _place(source) for source in sources if source != STREAM
    }:
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
            clashing = [source for source, twin in pairs if twin == target]
            raise UsageError(
                f"{few(clashing)} would all be written to {target}",
                hint="restore them into different folders, or tell them apart by "
                "--name, which has {stem}, {suffix} and {method}",
            )
    inputs = {_place(source) for source, _ in pairs if source != STREAM}
    for _, target in pairs:
        if _place(target) in inputs:
            check_spared(target, [source for source, _ in pairs])


def check_maps(pairs: Sequence[FilePair], spec: RestoreSpec) -> None:
    """Refuse maps of standard errors that would replace an image, or one another."""
    if not spec.uncertainty:
        return
    if spec.error_map and len(pairs) > 1:
        raise UsageError(
            f"--error-map names one map, and there are {len(pairs)} outputs",
            hint="--uncertainty writes each beside its output",
        )
    images = {_place(path): path for pair in pairs for path in pair if path != STREAM}
    for source, target in pairs:
        path = check_map(target, spec.error_map)
        format_for(path)
        if same := images.get(_place(path)):
            raise UsageError(
                f"the map of standard errors of {source} would be written to {same}",
                hint="name it otherwise: --error-map, or --name for many",
            )


def _check_plain(pairs: Sequence[FilePair]) -> None:
    """Refuse to write into the folders of a Zarr image."""
    for parent in {target.parent for _, target in pairs if target != STREAM}:
        for folder in (parent.absolute(), *parent.absolute().parents):
            if holds_zarr(folder):
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
    """Raise the error of an image that does not exist."""
    format_of(source)
    raise InputError(f"{source} was not there a moment ago", hint="run it again")


def is_there(source: Path) -> bool:
    """Return whether a file exists; its name may be an impossible one."""
    return source == STREAM or os.path.lexists(source) or bool(address_of(source))


def _is_dir(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - which raises for no name


def _is_folder(path: Path) -> bool:
    """Find out whether there is a folder of a name that is no image."""
    return _is_dir(path) and not is_zarr(path)


def _is_zarr_name(path: Path) -> bool:
    return path.suffix.lower() in ZARR.suffixes and (is_zarr(path) or not path.exists())


def _place(path: Path) -> object:
    """Return what is the same of two names of a file, or of a file to be."""
    try:
        found = path.stat()
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino
