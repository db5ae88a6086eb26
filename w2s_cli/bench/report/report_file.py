"""The report of a bench: a page, and its figures as files beside."""

from collections.abc import Mapping
from pathlib import Path

from w2s_cli.bench.report.figures import looks_of, rank_figure, shown_examples
from w2s_cli.bench.report.page import page
from w2s_cli.bench.report.ranking import grouped
from w2s_cli.bench.results import BenchResult
from w2s_cli.errors import OutputError, UsageError
from w2s_cli.io.targets import check_writable, replacing

_OURS = "[0-9][0-9]-*.png"


def figures_folder(path: Path) -> Path:
    """Return where the figures of a report lie: "out_figures" beside "out.html"."""
    return path.with_name(f"{path.stem}_figures")


def check_report(path: Path, *, overwrite: bool = False) -> None:
    """Find out before the work whether a report can be written.

    Raises
    ------
    UsageError
        When the name does not end in .html.
    OutputError
        When it or the folder of its figures exists and may not be overwritten, or the
        folder that it is in cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"the report {path} is no .html file", hint="name it FILE.html"
        )
    check_writable(path, overwrite=overwrite)
    folder = figures_folder(path)
    if folder.exists() and not (overwrite and folder.is_dir()):
        raise OutputError(
            f"{folder} exists, where the figures of {path.name} belong",
            hint="replace them with --overwrite"
            if folder.is_dir()
            else "name another report",
        )


def write_report(standings: BenchResult, path: Path) -> None:
    """Write a page that needs nothing else, and its figures as PNG files beside.

    The examples are restored once more for it. Figures of an earlier report of that
    name go; other files in their folder stay.

    Parameters
    ----------
    standings
        What a bench has found out.
    path
        The page.

    Raises
    ------
    W2SError
        When an example cannot be restored any more.
    OutputError
        When a file cannot be written.
    """
    groups = grouped(standings)
    looks = looks_of(groups)
    ranks = [rank_figure(group, standings.metrics, looks) for group in groups]
    shown = list(shown_examples(standings, groups, looks))
    figures = [*ranks, *(figure for one in shown for figure in one.figures)]
    numbered = {
        figure.name: f"{number:02d}-{figure.name}.png"
        for number, figure in enumerate(figures, 1)
    }
    folder = figures_folder(path)
    files = {name: f"{folder.name}/{file}" for name, file in numbered.items()}
    text = page(standings, groups, ranks, shown, files)
    _write_figures(folder, {numbered[one.name]: one.png for one in figures})
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def _write_figures(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """Write files into a folder of figures, and take away those of before."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {folder}: {error.strerror}",
            hint="check the permissions of the folder it is in",
        ) from error
    for name, picture in pictures.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(picture)
    for old in folder.glob(_OURS):
        if old.name not in pictures:
            old.unlink()
