"""Which files go where."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from w2s_cli.batch.jobs import FilePair
from w2s_cli.errors import OutputError, UsageError, few
from w2s_cli.io.formats import NAMES, image_files, passed_over, written_name
from w2s_cli.io.ome_sets import each_once
from w2s_cli.io.targets import STREAM


def paired(inputs: Sequence[Path], output: str) -> list[FilePair]:
    """Return every input file with its output file; nothing is written."""
    sources = files(inputs)
    several = len(sources) > 1 or any(path.is_dir() for path in inputs)
    target = Path(output)
    if several or output.endswith("/") or target.is_dir():
        _check_folder(target, sources)
        pairs = [(source, target / written_name(source)) for source in sources]
    else:
        pairs = [(source, target) for source in sources]
    check_distinct(pairs)
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


def make_folder(output: str, pairs: Sequence[FilePair]) -> None:
    """Make the folder that `paired` put the outputs into, unless `output` is a file."""
    folder = Path(output)
    if any(target == folder for _, target in pairs):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {folder}: {error.strerror}",
            hint="give another one with -o",
        ) from error


def check_spared(target: Path, sources: Sequence[Path]) -> None:
    """Find out whether writing `target` would replace one of the inputs."""
    if target != STREAM and any(_same(source, target) for source in sources):
        raise UsageError(
            f"the output {target} is an input",
            hint="the original is never replaced: give another name or folder",
        )


def _check_folder(target: Path, sources: Sequence[Path]) -> None:
    if target == STREAM or target.is_file():
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


def _same(source: Path, target: Path) -> bool:
    if source == STREAM:
        return False
    if source.exists() and target.exists():
        return source.samefile(target)
    return source.resolve() == target.resolve()
