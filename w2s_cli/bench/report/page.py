"""A bench as one page: no network, no scripts, every figure inside."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

from w2s_cli import __version__
from w2s_cli.bench.drawing.plots import Drawn
from w2s_cli.bench.report.figures import Shown
from w2s_cli.bench.report.ranking import Group, noisiest
from w2s_cli.bench.report.report_tables import (
    LEGEND,
    PAPERS,
    Markup,
    element,
    image_table,
    joined,
    standings_table,
    void,
)
from w2s_cli.bench.results import BenchResult

_STYLE = Path(__file__).with_name("page.css")


def page(
    standings: BenchResult,
    groups: Sequence[Group],
    ranks: Sequence[Drawn],
    shown: Sequence[Shown],
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


def _ranks(ranks: Sequence[Drawn], files: dict[str, str]) -> Iterator[Markup]:
    yield element("h2", "Ranks, and what they cost", id="ranks")
    for figure in ranks:
        yield _figure(figure, files)


def _examples(shown: Sequence[Shown], files: dict[str, str]) -> Iterator[Markup]:
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


def _figure(figure: Drawn, files: dict[str, str]) -> Markup:
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
