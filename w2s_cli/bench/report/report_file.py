"""The report of a bench: a page without network and scripts, and its figures beside."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from w2s_cli.bench.claims.claim import CLAIM_HEADS, claim_rows
from w2s_cli.bench.plots import PageFigure
from w2s_cli.bench.report.claim_figures import claim_figures
from w2s_cli.bench.report.figures import (
    ExampleFigures,
    example_figures,
    rank_figure,
    row_styles,
)
from w2s_cli.bench.report.html_page import check_html, html_page
from w2s_cli.bench.report.ranking import Group, RankedRow, grouped, noisiest
from w2s_cli.bench.results import BenchResult
from w2s_cli.errors import OutputError
from w2s_cli.io.atomic_files import replacing
from w2s_cli.metrics import METRICS

_PNG_FILES = "[0-9][0-9]-*.png"  # the figures of a report, in its folder


def figures_folder(path: Path) -> Path:
    """Return where the figures of a report lie: "out_figures" beside "out.html"."""
    return path.with_name(f"{path.stem}_figures")


def check_report(path: Path, *, overwrite: bool = False) -> None:
    """Refuse, before the work, a report that cannot be written.

    Raises UsageError when the name does not end in .html, OutputError when the page or
    the folder of its figures exists and may not be overwritten, or cannot be written.
    """
    check_html(path, overwrite=overwrite)
    folder = figures_folder(path)
    if folder.exists() and not (overwrite and folder.is_dir()):
        raise OutputError(
            f"{folder} exists, where the figures of {path.name} belong",
            hint="replace them with --overwrite"
            if folder.is_dir()
            else "name another report",
        )


def write_report(bench: BenchResult, path: Path) -> None:
    """Write a page that needs no other file, and its figures as PNG files beside it.

    The examples are restored once more for it. Figures of an earlier report of that
    name are deleted; other files in their folder stay.
    """
    groups = grouped(bench)
    styles = row_styles(groups)
    ranks = [rank_figure(group, bench.metrics, styles) for group in groups]
    examples = list(example_figures(bench, groups, styles))
    claims = list(claim_figures(bench, groups, styles))
    figures = [*claims, *ranks, *(figure for one in examples for figure in one.figures)]
    folder = figures_folder(path)
    files = {
        figure.name: f"{folder.name}/{number:02d}-{figure.name}.png"
        for number, figure in enumerate(figures, 1)
    }
    text = page(bench, groups, claims, ranks, examples, files)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {folder}: {error.strerror}",
            hint="check the permissions of the folder it is in",
        ) from error
    for figure in figures:
        with replacing(path.parent / files[figure.name]) as temporary:
            temporary.write_bytes(figure.png)
    for old in folder.glob(_PNG_FILES):
        if f"{folder.name}/{old.name}" not in files.values():
            old.unlink()
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def page(
    bench: BenchResult,
    groups: Sequence[Group],
    claims: Sequence[PageFigure],
    ranks: Sequence[PageFigure],
    examples: Sequence[ExampleFigures],
    files: Mapping[str, str],
) -> str:
    """Return the page as HTML; `files` has the path of each figure by its name."""
    papers = bool(bench.tables)
    heads = ["method", "images"]
    for metric in bench.metrics:
        heads.append(f"{metric}, {METRICS[metric].better} is better")
        heads += ["printed", "difference"] if papers else []
    return html_page(
        "page.html.jinja",
        title=f"Bench on {bench.selection.data.title}",
        summary=_summary(bench, groups),
        bench=bench,
        groups=groups,
        claims=claims,
        claim_heads=CLAIM_HEADS,
        claim_rows=[
            (name, [*map(Cell, cells)]) for name, *cells in claim_rows(bench.claims)
        ],
        ranks=ranks,
        examples=examples,
        files=files,
        heads=[*heads, "seconds"],
        method_rows=lambda group: method_rows(group, bench.metrics, papers=papers),
        image_rows=image_rows,
    )


def _summary(bench: BenchResult, groups: Sequence[Group]) -> str:
    """Say in a line what was compared, and what was best at the lowest level."""
    metric = bench.metrics[0]
    methods = len({one.name for group in groups for one in group.methods})
    images = max(len(measured.images) for measured in bench.rows)
    text = f"{methods} methods on {images} images of the split "
    text += f"{bench.selection.split}, protocol {bench.protocol}."
    for group in noisiest(groups):
        if ranked := group.ranked(metric):
            best, mean = ranked[0]
            text += f" Best by {metric} at {group.title}: {best.name}, {mean.mean:.4g}."
    return text


class Cell(NamedTuple):
    """A cell of a table: a figure, its mark if it is among the best, its interval."""

    text: str
    mark: str = ""
    interval: str = ""


TableRow = tuple[str, list[Cell]]  # what the row is called, and its cells
BEST, NEAR = "\u2605", "\u2248"
NONE = "\u2013"  # in place of a figure that there is not


def method_rows(
    group: Group, metrics: Sequence[str], *, papers: bool
) -> Iterator[TableRow]:
    """Yield the methods of a group with their means, beside the papers' if asked."""
    ranked = {metric: group.ranked(metric) for metric in metrics}
    near = {metric: group.near_best(metric) for metric in metrics}
    for row in group.results:
        images, failed = len(row.measured.images), len(row.measured.failed)
        cells = [Cell(f"{images} ({failed} refused)" if failed else str(images))]
        for metric in metrics:
            best = bool(ranked[metric]) and ranked[metric][0][0] is row
            mark = BEST if best else NEAR if row in near[metric] else ""
            cells += _score_cells(row, metric, mark, papers=papers)
        seconds = f"{row.measured.seconds:.3g}" if row.measured.done else NONE
        cells.append(Cell(seconds, BEST if row is group.fastest else ""))
        yield row.name, cells


def _score_cells(
    row: RankedRow, metric: str, mark: str, *, papers: bool
) -> Iterator[Cell]:
    """Yield the mean of a metric, then the printed figure and the difference."""
    mean, printed = row.means[metric], row.printed.get(metric)
    if mean is None:
        yield Cell(NONE)
    elif mean.low is None or mean.high is None:
        yield Cell(f"{mean.mean:.4g}", mark)
    else:
        interval = f"[{mean.low:.4g}, {mean.high:.4g}]"
        yield Cell(f"{mean.mean:.4g}", mark, interval)
    if papers:
        yield Cell(NONE if printed is None else f"{printed:g}")
        differs = mean.mean - printed if mean and printed is not None else None
        yield Cell(NONE if differs is None else f"{differs:+.2g}")


def image_rows(group: Group, metric: str) -> Iterator[TableRow]:
    """Yield the scores of each image by a metric, a cell for each method."""
    columns = [{one.name: one for one in row.measured.images} for row in group.results]
    fields = {one.name: one.group for column in columns for one in column.values()}
    for name, field in fields.items():
        cells = [Cell(field)]
        for column in columns:
            if name not in column:
                text = NONE
            elif column[name].error:
                text = "refused"
            else:
                text = f"{column[name].scores[metric]:.4g}"
            cells.append(Cell(text))
        yield name, cells
