"""The papers' tables, and which rows stand beside which."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from w2s_cli.bench.config import CLEAN, NOISY, Row
from w2s_cli.bench.published_tables import (
    Table,
    lacking,
    printed,
    tables,
    tables_for,
    unlike,
)
from w2s_cli.metrics import METRICS
from w2s_cli.networks.esrgan import ShuffledESRGAN
from w2s_cli.networks.n2n_unet import Noise2SRPaper
from w2s_cli.weights import checkpoint

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
        by_name["w2s-3"].rows["Ours"] == reference["w2s_table3_jdsr_rmse_ssim"]["Ours"]
    )
    types = reference["noise2sr_table2_fmd_raw"]
    found = by_name["noise2sr-2"].figures("N2SR", "Confocal_MICE")
    place = types["methods"].index("N2SR")
    assert [*found.values()] == types["Confocal_MICE"][place]


@pytest.mark.parametrize(
    ("name", "row", "names"),
    [
        ("w2s-1", Row("vst+bm3d", "", 1), "VST+BM3D"),
        ("w2s-1", Row("dncnn-w2s-avg4", "", 4), "DnCNN"),
        ("w2s-1", Row("memnet-w2s-avg1", "", 1), "MemNet"),
        ("w2s-1", Row("dncnn-fmd", "", 1), ""),
        ("w2s-2", Row("dncnn", "rcan", 1), "DnCNN+RCAN"),
        ("w2s-2", Row(CLEAN, "rrdb", 400), "noise-free+ESRGAN"),
        ("w2s-2", Row("denoise", "rcan", 1), ""),
        ("w2s-2", Row(NOISY, "n", 1, labels=("", "RCAN")), "noisy+RCAN"),
        ("w2s-3", Row("", "jdsr-w2s-avg1", 1), "Ours"),
        ("w2s-3", Row("", "rcan", 1), ""),  # the compact one has never seen noise
        ("w2s-2", Row("", "rcan", 1), "noisy+RCAN"),
        ("w2s-2", Row("", "esrgan", 1), "noisy+ESRGAN"),
        ("w2s-2", Row("", "jdsr-rcan", 1), ""),
        ("w2s-3", Row("", "jdsr-rcan", 1), "JDSR-RCAN"),
        ("w2s-3", Row("", "jdsr-texture", 1), "Ours"),
        ("w2s-2", Row(NOISY, "esrgan", 1), "noisy+ESRGAN"),
        ("w2s-3", Row("", "rrdb", 1, labels=("", "Ours")), "Ours"),
        ("w2s-3", Row("dncnn", "jdsr-w2s-avg1", 1), ""),
        ("noise2sr-2", Row("n2sr", "", 1), "N2SR"),
        ("noise2sr-2", Row("n2v", "", 1), "N2V"),
        ("noise2sr-2", Row("n2s", "", 1), "N2S"),
        ("noise2sr-2", Row("n2n", "", 1), "N2N"),
        ("noise2sr-2", Row("n2n-fmd", "", 1), ""),
        ("noise2sr-2", Row("vst+bm3d", "", 1), ""),
        ("noise2sr-2", Row("n2n-unet", "", 1, labels=("N2N", "")), "N2N"),
        ("fmd", Row("n2n-fmd", "", 1), "N2N"),
        ("fmd", Row("n2n", "", 1), ""),
        ("fmd", Row("n2s", "", 1), ""),
        ("fmd", Row("n2n-unet", "", 1, labels=("N2S", "")), "N2S"),
        ("video-rate-nuc", Row(NOISY, "r", 1, labels=("", "B2")), "B2"),
        ("video-rate-nuc", Row("", "r", 1, labels=("", "BFULL")), "BFULL"),
        ("video-rate-nuc", Row("denoise", "r", 1, labels=("", "B")), ""),
        ("video-rate-nuc", Row(NOISY, "real-esrgan-x2", 1), ""),
    ],
)
def test_rows_stand_beside_those_of_the_papers(name: str, row: Row, names: str) -> None:
    """The same word means another thing in each paper: N2N, BM3D, B."""
    table = next(table for table in tables() if table.name == name)
    assert table.row_of(row) == names


def test_labels_beside_the_figures_of_video_rate() -> None:
    [nuclei] = tables_for("video-rate", "NUC", 2, "basicsr")
    rows = [Row(NOISY, "real-esrgan", 1, labels=("", "B"))]
    assert printed(rows[0], "NUC", [nuclei]) == {"psnr": 22.83, "ssim": 0.676}
    first, *ways = lacking(rows, [nuclei])
    assert first.endswith("NUC: B2, B4, B8 and 1 more")
    assert ways[0] == (
        'to measure B2: --sr "B2=FILE", weights trained so; none are published'
    )


def _rrdb(path: Path, blocks: int, adversary: str | None = None) -> Path:
    """Save a small RRDB as a recipe would, or as others do."""
    state = ShuffledESRGAN(blocks, 4, 4).state_dict()
    recipe = {"recipe": {"discriminator": {"network": adversary}, "phases": []}}
    checkpoint.save(path, state, {} if adversary is None else recipe)
    return path


@pytest.mark.parametrize(
    ("blocks", "adversary", "name"),
    [
        (12, None, "Ours"),
        (16, None, "Ours"),
        (23, None, "JDSR-ESRGAN"),
        (2, "", "Ours"),
        (2, "vgg-discriminator", "JDSR-ESRGAN"),
    ],
)
def test_which_of_its_networks_w2s_means(tmp_path, blocks, adversary, name) -> None:
    path = _rrdb(tmp_path / "a.safetensors", blocks, adversary)
    found = tables_for("w2s-raw", "", 2, "w2s")
    joint = Row("", "rrdb", 1, (path,))
    assert found[1].row_of(joint) == name
    rmse = {"Ours": 0.34, "JDSR-ESRGAN": 0.351}[name]
    assert printed(joint, "", found)["rmse"] == rmse
    after = Row("dncnn", "rrdb", 1, (None, path))
    assert found[0].row_of(after) == ("" if name == "Ours" else "DnCNN+ESRGAN")
    [size] = unlike([joint], found)
    usual = {"Ours": "11.9", "JDSR-ESRGAN": "16.9"}[name]
    assert size.startswith(f"{name}: a.safetensors has 0.")
    assert size.endswith(f" million parameters, the paper's network {usual} million")


def test_what_is_not_as_in_the_paper_is_said() -> None:
    [first] = tables_for("w2s-raw", "", 1, "w2s")
    [prior] = unlike([Row("vst+epll", "", n) for n in (1, 2)], [first])
    assert prior == (
        "VST+EPLL: the paper's prior, learned from photographs, is not public; "
        "vst+epll has another, learned from fluorescence images"
    )
    assert [*unlike([Row("dncnn-w2s-avg1", "", 1)], [first])] == []
    [types] = tables_for("fmd", "Confocal_MICE", 1, "noise2sr")
    assert [*unlike([Row("n2sr", "", 1), Row(NOISY, "", 1)], [types])] == [
        "N2SR: the paper has trained on other fields of view; n2sr learns from each "
        "image itself",
        "N2SR: the paper restores the image alone; n2sr averages thinned copies too, "
        "unless -O n2sr.mosaics=0",
    ]
    whole = Row("n2sr", "", 1, options=("n2sr.mosaics=0",))
    assert [*unlike([whole], [types])] == [
        "N2SR: the paper has trained on other fields of view; n2sr learns from each "
        "image itself"
    ]


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
    row = replace(row, denoiser="n2n", level=1)
    assert printed(row, "Confocal_MICE", [types]) == {"psnr": 37.74, "ssim": 0.9652}
    assert printed(row, "", [types]) == {}
    assert "to measure BM3D: no method here is BM3D alone; vst+bm3d" in "\n".join(
        lacking([row], [types])
    )
    assert (
        "to measure N2N: --denoiser n2n --weights n2n=FILE, after w2s train n2n data="
        "FOLDER" in lacking([], [types])
    )
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
        "--denoiser ridnet; compact weights ship, none are published"
    )


def test_each_part_of_many_rows_is_explained_once() -> None:
    lines = [*lacking([], tables_for("w2s-raw", "", 2, "w2s"))]
    assert lines[:2] == [
        "not measured: W2S Table 2: denoising, then super-resolution: all 48 rows",
        "not measured: W2S Table 3: joint denoising and super-resolution: all 5 rows",
    ]
    assert len(lines) == len(set(lines)) == 2 + 6 + 6 + 2 + 3
    assert (
        "to measure RCAN: --sr rcan; compact weights ship, none are published" in lines
    )
    assert any(line.startswith("to measure JDSR-RCAN: --jdsr jdsr-r") for line in lines)
    assert (
        "to measure Ours: --jdsr jdsr-w2s-avg1, after w2s fetch jdsr-w2s-avg1" in lines
    )
    assert "to measure noisy: --sr alone, with which it comes" in lines


def test_compact_weights_are_smaller_than_the_paper_s_network() -> None:
    [said] = unlike([Row("dncnn", "", 1)], tables_for("w2s-raw", "", 1, "w2s"))
    assert said == (
        "DnCNN: dncnn-compact.safetensors has 0.14 million parameters, the paper's "
        "network 0.556 million"
    )


def test_what_was_measured_in_another_row_needs_no_telling() -> None:
    found = tables_for("w2s-raw", "", 2, "w2s")
    rows = [Row(NOISY, "rcan", 1), Row("dncnn", "rcan", 1), Row(CLEAN, "rcan", 400)]
    ways = [line for line in lacking(rows, found) if line.startswith("to measure")]
    told = {way.removeprefix("to measure ").partition(":")[0] for way in ways}
    assert told == {
        *("PURE-LET", "VST+EPLL", "VST+BM3D", "MemNet", "RIDNet"),
        *("RDN", "SAN", "SRFBN", "EPSR", "ESRGAN"),
        *("JDSR-RCAN", "JDSR-ESRGAN", "Ours"),
    }


def test_the_published_network_restores_the_image_alone(tmp_path: Path) -> None:
    path = tmp_path / "n2sr.safetensors"
    with torch.no_grad():
        state = Noise2SRPaper(1, 8, 2, 4, 2, (5, 3)).state_dict()
    checkpoint.save(path, state, {}, halve=False)
    for data in ("fmd", "fmd-simulated"):
        [table] = tables_for(data, "Confocal_MICE", 1, "noise2sr")
        row = Row("n2sr", "", 1, weights=(path,))
        [said] = unlike([row], [table])
        assert "million parameters, the paper's network 1.39 million" in said
        recipe, split = ("fmd", "noise2sr-test") if data == "fmd" else ("paper", "test")
        assert table.split == split
        way = f"--weights n2sr=FILE, after w2s train noise2sr-{recipe}"
        assert way in "\n".join(lacking([], [table]))
