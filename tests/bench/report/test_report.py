"""A report holds all that a bench found out, and needs nothing else."""

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from w2s_cli.bench.claims.claim import Claim, Difference
from w2s_cli.bench.config import Row
from w2s_cli.bench.plots import PageFigure
from w2s_cli.bench.report import report_file
from w2s_cli.bench.report.claim_figures import claim_figures
from w2s_cli.bench.report.figures import row_styles
from w2s_cli.bench.report.ranking import grouped
from w2s_cli.bench.report.report_file import check_report, figures_folder, write_report
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult
from w2s_cli.bench.run_image import ImageResult
from w2s_cli.bench.scores.intervals import Interval
from w2s_cli.errors import OutputError, UsageError


class Reader(HTMLParser):
    """Gathers what a page shows, and what it asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.lines: list[list[str]] = []
        self.text = ""
        self.cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag == "tr":
            self.lines.append([])
        if tag in ("td", "th"):
            self.lines[-1].append("")
            self.cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.cell:
            self.lines[-1][-1] += data


@pytest.fixture(scope="module")
def page(report: Path) -> Reader:
    return Reader(report.read_text("utf-8"))


def test_every_row_is_there_with_its_interval(page: Reader, bench: BenchResult) -> None:
    for measured in bench.rows:
        lines = [line for line in page.lines if line[0] == measured.row.name]
        means = [measured.interval(metric) for metric in bench.metrics]
        said = [
            f"{one.mean:.4g} [{one.low:.4g}, {one.high:.4g}]" if one else "\u2013"
            for one in means
        ]
        cells = [[cell.strip("\u2605\u2248 ") for cell in line[2:4]] for line in lines]
        assert said in cells


def test_a_refused_image_leaves_no_mean_but_a_remark(page: Reader) -> None:
    [line] = (line for line in page.lines if line[:2] == ["median", "5 (1 refused)"])
    assert line[2:4] == ["\u2013"] * 2
    assert "median at level 1: 1 of 5 images were refused, the first 2<b>" in page.text
    assert "it is too dark & small" in page.text
    assert ["2<b>", "refused"] in [[line[0], line[-1]] for line in page.lines]


def test_the_best_of_each_column_is_marked_with_more_than_colour(page, bench) -> None:
    marked = [line for line in page.lines if any("\u2605" in cell for cell in line)]
    for group in grouped(bench):
        for at, metric in enumerate(bench.metrics):
            best = group.ranked(metric)[0][0]
            [line] = (
                line
                for line in marked
                if line[0] == best.name
                and f"{best.means[metric].mean:.4g}" in line[2 + at]
            )
            assert line[2 + at].startswith("\u2605")


def test_what_the_numbers_mean_is_said(page: Reader, bench: BenchResult) -> None:
    for subject, text in bench.stated.items():
        assert subject in page.text
        assert text in page.text
    for remark in bench.remarks:
        assert remark in page.text
    assert "no printed table is of made" in page.text
    assert "Pixels in pale blue are not scored" in page.text


def test_every_image_is_listed(page: Reader, bench: BenchResult) -> None:
    heads = [line for line in page.lines if line[:2] == ["image", "field"]]
    assert len(heads) == 4 * 2
    assert ["image", "field", "noisy", "gaussian", "median"] in heads
    scored = bench.rows[1].images[3]
    rows = [line for line in page.lines if line[0] == scored.name]
    assert f"{scored.scores['rmse']:.4g}" in [line[3] for line in rows]
    assert page.tags.count("details") == 4 * 2


def test_claims_stand_before_the_figures(bench: BenchResult) -> None:
    better = Difference("gaussian & median", "rmse", "z", Interval(2, 1, 3, 9))
    worse = Difference("median over noisy", "psnr", "dB", Interval(-2, -3, -1, 9))
    unknown = Difference("one over other", "ssim", "", None)
    claims = [
        Claim("a", "smoothing <b>helps</b>", "Table 1", [better, unknown]),
        Claim("b", "medians help", "Table 2", [worse]),
        Claim("c", "nobody knows", "Table 3", [unknown]),
    ]
    found, groups = replace(bench, claims=claims), grouped(bench)
    figures = list(claim_figures(found, groups, row_styles(groups)))
    assert [one.name for one in figures] == [
        *("claim-a", "claim-b", "levels-x1", "levels-x2")
    ]
    assert all(one.png.startswith(b"\x89PNG") for one in figures)
    assert not list(claim_figures(bench, groups, row_styles(groups)))
    files = {one.name: f"{one.name}.png" for one in figures}
    page = Reader(report_file.page(found, groups, figures, [], [], files))
    assert "#claims" in page.links
    for claim in claims:
        assert claim.sentence in page.text
    cells = ["b", "median over noisy", "psnr", "-2 dB [-3 to -1]", "does not hold"]
    assert cells in page.lines


def test_names_are_no_markup(page: Reader) -> None:
    assert "cells <i>made</i> & simulated" in page.text
    assert not {"b", "i"} & set(page.tags)


def test_nothing_is_fetched_and_nothing_runs(page: Reader, report: Path) -> None:
    assert page.links
    for link in page.links:
        assert link.startswith(("#", "data:image/png;base64,"))
    assert not {"script", "link", "iframe"} & set(page.tags)
    style = re.search("<style>(.*)</style>", report.read_text("utf-8"), re.DOTALL)
    assert style
    assert not re.search("url\\(|@import", style[1])


def test_each_figure_is_a_png_in_the_page_and_beside(page, report) -> None:
    sources = [link for link in page.links if link.startswith("data:")]
    inside = [b64decode(source.partition(",")[2]) for source in sources]
    beside = sorted(figures_folder(report).iterdir())
    assert inside == [path.read_bytes() for path in beside]
    assert len(inside) == 4 + 2 * 2 * 4
    for picture, path in zip(inside, beside, strict=True):
        assert f"{path.parent.name}/{path.name}" in page.text
        with Image.open(BytesIO(picture)) as image:
            assert image.format == "PNG"
            low, high = image.convert("L").getextrema()
            assert high - low > 100
    assert [path.name for path in beside][:5] == [
        "01-ranks-x1-level-1.png",
        "02-ranks-x1-level-4.png",
        "03-ranks-x2-level-1.png",
        "04-ranks-x2-level-4.png",
        "05-gallery-median-x1-level-1.png",
    ]


def test_printed_figures_stand_beside(bench: BenchResult) -> None:
    row = Row("vst+bm3d", "", 1)
    scores = {"rmse": 0.09, "ssim": 0.9}
    images = [ImageResult(str(n), str(n), "", scores, 1.0) for n in range(3)]
    named = replace(bench.selection.data, name="w2s-raw")
    found = replace(
        bench,
        rows=[MethodResult(row, images)],
        selection=replace(bench.selection, data=named),
        protocol="w2s",
        config=replace(bench.config, metrics=("rmse", "ssim")),
    )
    [group] = grouped(found)
    table = Reader(report_file.page(found, [group], [], [], [], {}))
    assert table.lines[1][2:8] == [
        *("\u2605 0.09 [0.09, 0.09]", "0.08", "+0.01"),
        *("\u2605 0.9 [0.9, 0.9]", "0.897", "+0.003"),
    ]


@pytest.mark.parametrize("name", ["out.txt", "out"])
def test_a_report_is_a_page(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is no .html file") as caught:
        check_report(tmp_path / name)
    assert caught.value.hint == "name it FILE.html"


def test_nothing_is_replaced_unless_asked(tmp_path: Path) -> None:
    path, folder = tmp_path / "out.html", tmp_path / "out_figures"
    check_report(path)
    path.touch()
    with pytest.raises(OutputError, match=r"out\.html exists"):
        check_report(path)
    path.unlink()
    folder.mkdir()
    with pytest.raises(OutputError, match="out_figures exists, where the fig") as told:
        check_report(path)
    assert told.value.hint == "replace them with --overwrite"
    check_report(path, overwrite=True)
    folder.rmdir()
    folder.touch()
    with pytest.raises(OutputError, match="out_figures exists") as told:
        check_report(path, overwrite=True)
    assert told.value.hint == "name another report"
    with pytest.raises(OutputError, match="there is no folder"):
        check_report(tmp_path / "none" / "out.html")


def test_figures_of_before_go_and_other_files_stay(bench, tmp_path) -> None:
    noisy = bench.rows[0]
    few = replace(bench, rows=[replace(noisy, images=noisy.images[:1])])
    folder = tmp_path / "out_figures"
    folder.mkdir()
    for name in ("99-errors-of-before.png", "mine.png"):
        (folder / name).touch()
    write_report(few, path := tmp_path / "out.html")
    names = {one.name for one in folder.iterdir()}
    assert "mine.png" in names
    assert "99-errors-of-before.png" not in names
    assert {"01-ranks-x1-level-1.png", "02-gallery-median-x1-level-1.png"} < names
    assert len(names) == 1 + 1 + 1
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == [path.name]


def test_a_folder_that_cannot_be_made(bench, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(
        report_file, "rank_figure", lambda *_: PageFigure("ranks", "", "", b"")
    )
    monkeypatch.setattr(report_file, "example_figures", lambda *_: [])
    (tmp_path / "out_figures").touch()
    with pytest.raises(OutputError, match=r"cannot make the folder .*out_figures"):
        write_report(bench, tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()
