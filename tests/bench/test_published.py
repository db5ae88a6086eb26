"""The papers' tables, and which rows stand beside which."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from w2s_cli.bench.config import CLEAN, NOISY, Row
from w2s_cli.bench.published_tables import (
    Table,
    lacking,
    paper_name,
    printed,
    tables,
    tables_for,
)
from w2s_cli.metrics import METRICS

REFERENCE = Path(__file__).parents[3] / "shared/reference/published_tables.json"


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_a_table_is_whole(table: Table) -> None:
    assert table.title
    assert table.source
    assert set(table.metrics) <= {metric.name for metric in METRICS}
    for cells in table.rows.values():
        assert len(cells) == len(table.conditions)
        assert {len(cell) for cell in cells} <= {0, len(table.metrics)}


@pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference tables are not here")
def test_figures_are_those_of_the_papers() -> None:
    reference = json.loads(REFERENCE.read_text())
    by_name = {table.name: table for table in tables()}
    first = reference["w2s_table1_denoise_rmse_ssim"]
    assert by_name["w2s-1"].rows == {k: v for k, v in first.items() if k != "averages"}
    second = reference["w2s_table2_sequential_avg1_rmse_ssim"]
    rows = by_name["w2s-2"].rows
    for place, sr in enumerate(second["sr"]):
        assert rows[f"DnCNN+{sr}"] == [second["DnCNN"][place]]
        assert rows[f"{NOISY}+{sr}"] == [second["Noisy LR"][place]]
    assert len(rows) == 8 * 6
    assert (
        by_name["w2s-3"].rows["W2S"] == reference["w2s_table3_jdsr_rmse_ssim"]["Ours"]
    )
    types = reference["noise2sr_table2_fmd_raw"]
    found = by_name["noise2sr-2"].figures("N2SR", "Confocal_MICE")
    place = types["methods"].index("N2SR")
    assert [*found.values()] == types["Confocal_MICE"][place]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (Row("vst+bm3d", "", 1), "VST+BM3D"),
        (Row("dncnn-w2s-avg4", "", 4), "DnCNN"),
        (Row("memnet-w2s-avg1", "", 1), "MemNet"),
        (Row("dncnn", "rcan", 1), "DnCNN+RCAN"),
        (Row(CLEAN, "rrdb", 400), "noise-free+ESRGAN"),
        (Row("", "jdsr-w2s-avg1", 1), "W2S"),
        (Row("", "rcan", 1), "JDSR-RCAN"),
        (Row("dncnn-fmd", "", 1), ""),
        (Row("denoise", "rcan", 1), ""),
    ],
)
def test_rows_have_the_names_of_the_papers(row: Row, name: str) -> None:
    assert paper_name(row) == name


def test_tables_are_only_compared_where_they_apply() -> None:
    def names(*asked: object) -> list[str]:
        return [table.name for table in tables_for(*asked)]  # type: ignore[arg-type]

    assert names("w2s-normalized", "", 1, "w2s") == ["w2s-1"]
    assert names("w2s-png", "", 2, "w2s") == ["w2s-2", "w2s-3"]
    assert names("w2s-png", "", 1, "w2s-v1") == ["w2s-v1"]
    assert names("w2s-raw", "", 1, "fmd") == names("simulated", "", 1, "plain") == []


def test_figures_beside_a_row() -> None:
    found = tables_for("w2s-raw", "", 1, "w2s")
    assert printed(Row("vst+bm3d", "", 16), "", found) == {"rmse": 0.043, "ssim": 0.962}
    assert printed(Row("vst+bm3d", "", 3), "", found) == {}
    assert printed(Row("denoise", "", 1), "", found) == {}
    larger = tables_for("w2s-raw", "", 2, "w2s")
    assert printed(Row(CLEAN, "rcan", 400), "", larger) == {
        "rmse": 0.255,
        "ssim": 0.836,
    }
    assert printed(Row("dncnn", "rcan", 4), "", larger) == {
        "rmse": 0.332,
        "ssim": 0.797,
    }


def test_a_part_of_a_data_set_is_a_column_or_a_table() -> None:
    [mixed] = tables_for("fmd", "test_mix", 1, "fmd")
    row = Row("n2n-fmd", "", 4)
    assert printed(row, "test_mix", [mixed]) == {"psnr": 37.635, "ssim": 0.9482}
    [types] = tables_for("fmd", "Confocal_MICE", 1, "noise2sr")
    row = replace(row, level=1)
    assert printed(row, "Confocal_MICE", [types]) == {"psnr": 37.74, "ssim": 0.9652}
    assert printed(row, "", [types]) == {}
    [video] = tables_for("video-rate", "NUC", 2, "basicsr")
    assert len(video.rows) == 5
    assert tables_for("video-rate", "", 2, "basicsr") == []


def test_rows_that_are_missing_say_how_to_get_them() -> None:
    found = tables_for("w2s-raw", "", 1, "w2s")
    rows = [Row("pure-let", "", 1), Row("vst+bm3d", "", 1)]
    first, *ways = lacking(rows, found)
    assert first == (
        "not measured: W2S Table 1: denoising: VST+EPLL, MemNet, DnCNN and 1 more"
    )
    by_part = dict(way.removeprefix("to measure ").split(": ") for way in ways)
    assert set(by_part) == {"VST+EPLL", "MemNet", "DnCNN", "RIDNet"}
    assert by_part["VST+EPLL"] == "--denoiser vst+epll"
    assert by_part["DnCNN"].startswith(
        "--denoiser dncnn-w2s-avg{level}, after w2s fetch dncnn-w2s-avg1 dncnn"
    )
    assert by_part["RIDNet"] == (
        "--denoiser ridnet --weights ridnet=FILE; none are published"
    )


def test_each_part_of_many_rows_is_explained_once() -> None:
    lines = [*lacking([], tables_for("w2s-raw", "", 2, "w2s"))]
    assert lines[:2] == [
        "not measured: W2S Table 2: denoising, then super-resolution: all 48 rows",
        "not measured: W2S Table 3: joint denoising and super-resolution: all 5 rows",
    ]
    assert len(lines) == len(set(lines)) == 2 + 6 + 6 + 2 + 3
    assert "to measure RCAN: --sr rcan --weights rcan=FILE; none are published" in lines
    assert (
        "to measure JDSR-RCAN: --jdsr rcan --weights rcan=FILE; none are published"
        in lines
    )
    assert (
        "to measure W2S: --jdsr jdsr-w2s-avg1, after w2s fetch jdsr-w2s-avg1" in lines
    )
    assert "to measure noisy: --sr alone, with which it comes" in lines
