"""The report of a bench: a page, and its figures as files beside."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from w2s_cli import __version__
from w2s_cli.bench.journal import ImageResult
from w2s_cli.bench.plots import PageFigure
from w2s_cli.bench.report.figures import (
    ExampleFigures,
    example_figures,
    rank_figure,
    row_styles,
)
from w2s_cli.bench.report.ranking import Group, RankedRow, grouped, noisiest
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.scores.intervals import Interval
from w2s_cli.errors import OutputError, UsageError
from w2s_cli.io.targets import check_writable, replacing
from w2s_cli.metrics import METRICS


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str) -> Markup:
    """Return an element.

    Parameters
    ----------
    name
        Such as "p".
    content
        What is inside: `Markup` as it is, any other text escaped.
    attributes
        Those of the element; an underscore at the end of a name is dropped, for names
        that Python keeps for itself.
    """
    said = "".join(
        f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{said}>{joined(*content)}</{name}>")


def void(name: str, /, **attributes: str) -> Markup:
    """Return an element that has no inside, such as "img"."""
    return Markup(str(element(name, **attributes)).removesuffix(f"</{name}>"))


def joined(*content: str) -> Markup:
    """Return what stands in a row, escaped where it is no `Markup`."""
    return Markup(
        "".join(one if isinstance(one, Markup) else escape(one) for one in content)
    )


BEST, NEAR = "\u2605", "\u2248"
LEGEND = (
    f"{BEST} is the best method of a column; {NEAR} differs from it by what chance may "
    "explain: over fields of view, the 95 % interval of the mean difference holds 0. "
    "Intervals in brackets are those of the means; seconds are the median of an image."
)
PAPERS = " Differences are ours less the printed figure."
NONE = "\u2013"


def standings_table(group: Group, metrics: Sequence[str], *, papers: bool) -> Markup:
    """Return the rows of a group, one a line.

    Parameters
    ----------
    group
        The rows.
    metrics
        The columns.
    papers
        Whether printed figures stand beside.
    """
    best = {metric: _best(group, metric) for metric in metrics}
    near = {metric: group.near_best(metric) for metric in metrics}
    lines = []
    for result in group.results:
        cells = [element("th", result.name, scope="row"), _cell(_count(result))]
        for metric in metrics:
            mark = BEST if result is best[metric] else ""
            mark = NEAR if result in near[metric] else mark
            cells += _scores(result, metric, mark, papers=papers)
        mark = BEST if result is group.fastest else ""
        seconds = f"{result.measured.seconds:.3g}" if result.measured.done else NONE
        cells.append(_cell(seconds, mark))
        lines.append(element("tr", *cells))
    return _table(_heads(metrics, papers=papers), lines)


def image_table(group: Group, metric: str) -> Markup:
    """Return the scores of each image by a metric, a column a row of the bench."""
    columns = [
        {scored.name: scored for scored in result.measured.images}
        for result in group.results
    ]
    fields = {
        scored.name: scored.group for column in columns for scored in column.values()
    }
    lines = [
        element(
            "tr",
            element("th", name, scope="row"),
            _cell(field),
            *(_cell(_score(column.get(name), metric)) for column in columns),
        )
        for name, field in fields.items()
    ]
    return _table(["image", "field", *(result.name for result in group.results)], lines)


def _best(group: Group, metric: str) -> RankedRow | None:
    ranked = group.ranked(metric)
    return ranked[0][0] if ranked else None


def _count(result: RankedRow) -> str:
    """Say how many images a row has, and how many were refused."""
    images, failed = len(result.measured.images), len(result.measured.failed)
    return f"{images} ({failed} refused)" if failed else str(images)


def _heads(metrics: Sequence[str], *, papers: bool) -> list[str]:
    heads = ["method", "images"]
    for metric in metrics:
        heads.append(f"{metric}, {METRICS[metric].better} is better")
        heads += ["printed", "difference"] if papers else []
    return [*heads, "seconds"]


def _scores(result: RankedRow, metric: str, mark: str, *, papers: bool) -> list[Markup]:
    """Return the cells of a metric: the mean with its interval, and the paper's."""
    mean, printed = result.means[metric], result.printed.get(metric)
    cells = [_mean_cell(mean, mark)]
    if papers:
        cells.append(_cell(NONE if printed is None else f"{printed:g}"))
        differs = mean.mean - printed if mean and printed is not None else None
        cells.append(_cell(NONE if differs is None else f"{differs:+.2g}"))
    return cells


def _mean_cell(mean: Interval | None, mark: str) -> Markup:
    if mean is None:
        return _cell(NONE)
    said = f"{mean.mean:.4g}"
    if mean.low is None or mean.high is None:
        return _cell(said, mark)
    ends = element("small", f" [{mean.low:.4g}, {mean.high:.4g}]")
    return _cell(said, mark, ends)


def _cell(said: str, mark: str = "", *more: Markup) -> Markup:
    """Return a cell, in bold with a mark where it has one."""
    if mark:
        how = "best" if mark == BEST else "near"
        said = element(
            "strong" if mark == BEST else "span", f"{mark} {said}", class_=how
        )
    return element("td", said, *more)


def _score(scored: ImageResult | None, metric: str) -> str:
    if scored is None:
        return NONE
    return "refused" if scored.error else f"{scored.scores[metric]:.4g}"


def _table(heads: Sequence[str], lines: Sequence[Markup]) -> Markup:
    """Return a table that scrolls by itself where the page is narrow."""
    head = element("tr", *(element("th", one, scope="col") for one in heads))
    table = element("table", element("thead", head), element("tbody", joined(*lines)))
    return element("div", table, class_="wide", tabindex="0")


_STYLE = Path(__file__).with_name("page.css")


def page(
    standings: BenchResult,
    groups: Sequence[Group],
    ranks: Sequence[PageFigure],
    shown: Sequence[ExampleFigures],
    files: dict[str, str],
) -> str:
    """Return the page.

    Parameters
    ----------
    standings, groups
        What was found out.
    ranks
        A figure a group.
    shown
        The examples.
    files
        Where the PNG of each figure lies, by its name.
    """
    title = f"Bench on {standings.selection.data.title}"
    head = element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(_STYLE.read_text())),
    )
    body = element(
        "body",
        element("h1", title),
        element("p", _summary(standings, groups)),
        _links(),
        _remarks(standings),
        *_measured(standings),
        *_results(standings, groups),
        *_ranks(ranks, files),
        *_examples(shown, files),
        *_images(standings, groups),
        element("footer", element("p", f"Made by w2s {__version__}.")),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _summary(standings: BenchResult, groups: Sequence[Group]) -> str:
    """Say in a line what was compared, and what was best where it is hardest."""
    metric = standings.metrics[0]
    methods = len({one.name for group in groups for one in group.methods})
    images = max(len(measured.images) for measured in standings.rows)
    said = f"{methods} methods on {images} images of the split "
    said += f"{standings.selection.split}, protocol {standings.protocol}."
    for group in noisiest(groups):
        if ranked := group.ranked(metric):
            best, mean = ranked[0]
            said += f" Best by {metric} at {group.title}: {best.name}, {mean.mean:.4g}."
    return said


def _links() -> Markup:
    names = ["measured", "results", "ranks", "examples", "images"]
    return element("nav", *(element("a", name, href=f"#{name}") for name in names))


def _remarks(standings: BenchResult) -> Markup:
    if not standings.remarks:
        return Markup()
    lines = element("ul", *(element("li", remark) for remark in standings.remarks))
    return element(
        "section", element("h2", "Before you believe it"), lines, class_="remarks"
    )


def _measured(standings: BenchResult) -> Iterator[Markup]:
    yield element("h2", "What was measured", id="measured")
    stated = {"protocol": standings.protocol, **standings.stated}
    yield element(
        "dl",
        *(
            joined(element("dt", subject), element("dd", text))
            for subject, text in stated.items()
        ),
    )


def _results(standings: BenchResult, groups: Sequence[Group]) -> Iterator[Markup]:
    papers = bool(standings.tables)
    yield element("h2", "Results", id="results")
    for group in groups:
        yield element("h3", group.title.capitalize())
        yield standings_table(group, standings.metrics, papers=papers)
    yield element("p", LEGEND + (PAPERS if papers else ""), class_="legend")
    if papers:
        yield element(
            "ul",
            *(element("li", f"{one.title}: {one.source}") for one in standings.tables),
            class_="legend",
        )


def _ranks(ranks: Sequence[PageFigure], files: dict[str, str]) -> Iterator[Markup]:
    yield element("h2", "Ranks, and what they cost", id="ranks")
    for figure in ranks:
        yield _figure(figure, files)


def _examples(
    shown: Sequence[ExampleFigures], files: dict[str, str]
) -> Iterator[Markup]:
    yield element("h2", "Examples", id="examples")
    if not shown:
        yield element("p", "No image could be restored.")
    for example in shown:
        yield element("h3", example.title)
        yield element("p", example.rule)
        for figure in example.figures:
            yield _figure(figure, files)


def _images(standings: BenchResult, groups: Sequence[Group]) -> Iterator[Markup]:
    yield element("h2", "Every image", id="images")
    for group in groups:
        for metric in standings.metrics:
            summary = element("summary", f"{metric} of each image at {group.title}")
            yield element("details", summary, image_table(group, metric))


def _figure(figure: PageFigure, files: dict[str, str]) -> Markup:
    """Return a figure that scrolls by itself where the page is narrow."""
    data = f"data:image/png;base64,{b64encode(figure.png).decode()}"
    picture = void("img", src=data, alt=figure.title)
    caption = element(
        "figcaption",
        element("strong", f"{figure.title}. "),
        figure.caption,
        f" File: {files[figure.name]}",
    )
    return element(
        "figure", element("div", picture, class_="wide", tabindex="0"), caption
    )


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
    looks = row_styles(groups)
    ranks = [rank_figure(group, standings.metrics, looks) for group in groups]
    shown = list(example_figures(standings, groups, looks))
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
