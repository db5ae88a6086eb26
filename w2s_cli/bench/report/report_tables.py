"""The tables of a report: rows with their intervals, and the scores of each image."""

from collections.abc import Sequence
from html import escape

from w2s_cli.bench.journal import ImageResult
from w2s_cli.bench.report.ranking import Group, Result
from w2s_cli.bench.scores.intervals import Interval
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


def _best(group: Group, metric: str) -> Result | None:
    ranked = group.ranked(metric)
    return ranked[0][0] if ranked else None


def _count(result: Result) -> str:
    """Say how many images a row has, and how many were refused."""
    images, failed = len(result.measured.images), len(result.measured.failed)
    return f"{images} ({failed} refused)" if failed else str(images)


def _heads(metrics: Sequence[str], *, papers: bool) -> list[str]:
    heads = ["method", "images"]
    for metric in metrics:
        heads.append(f"{metric}, {METRICS[metric].better} is better")
        heads += ["printed", "difference"] if papers else []
    return [*heads, "seconds"]


def _scores(result: Result, metric: str, mark: str, *, papers: bool) -> list[Markup]:
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
