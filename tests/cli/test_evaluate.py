"""`w2s evaluate`."""

import csv
import json
import re
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

from w2s_cli.bench.scores.convention import PROTOCOLS, Convention, RangeRule
from w2s_cli.bench.scores.intervals import interval
from w2s_cli.cli import score_options
from w2s_cli.metrics import METRICS

FIELDS = ("001_0", "001_1", "002_0", "003_0", "004_0", "005_0", "006_0")


@pytest.fixture
def folders(here: Path) -> Path:
    """A working folder: restored/ is off by 1 to 7 grays from truth/."""
    truth = np.add.outer(np.arange(40), np.arange(48)).astype(np.uint8)
    for folder in ("restored", "truth"):
        Path(folder).mkdir()
    for number, name in enumerate(FIELDS, 1):
        Image.fromarray(truth + 20).save(f"truth/{name}.png")
        Image.fromarray(truth + 20 + np.uint8(number)).save(f"restored/{name}.png")
    return here


def test_words_are_those_of_a_convention(w2s) -> None:
    fields = get_type_hints(Convention)
    for option in ("unit", "window", "fit"):
        words, _ = get_args(get_args(getattr(score_options, option.title()))[0])
        assert words == fields[option]
    page = w2s("evaluate", "--help").stdout
    for name in (*PROTOCOLS, *get_args(RangeRule)):
        assert name in page


def test_table(w2s, folders: Path) -> None:
    result = w2s("evaluate", "restored", "truth", "-m", "rmse", "--range", "255")
    assert result.exit_code == 0
    assert result.stderr == ""
    found = interval([*range(1, 8)], [name[:3] for name in FIELDS])
    assert (
        result.stdout
        == f"""\
metric  mean   95 % interval   unit    better
rmse    4.000  {found.low:.3f} to {found.high:.3f}  counts  lower

images    7, of 6 fields of view
protocol  plain
unit      counts: the numbers of the files
fit       none
pixels    all
interval  bootstrap over fields, 10000 draws, seed 0
"""
    )


def test_every_convention_stands_beside_the_numbers(w2s, folders: Path) -> None:
    words = ["--protocol", "w2s-v1", "--border", "2", "--per-image"]
    result = w2s("evaluate", "restored", "truth", *words)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["image", "rmse", "psnr", "ssim"]
    assert lines[1].split()[:3] == ["001_0", "0.003922", "48.13"]
    facts = dict(line.split(maxsplit=1) for line in lines if "  " in line)
    assert facts["range"] == "1"
    assert facts["unit"] == "[0, 1] from 0 counts to 255 counts, clipped"
    assert facts["SSIM"] == "7 x 7 uniform window, sample variances"
    assert facts["pixels"] == "all but 2 at each edge"
    assert facts["rmse"].split()[-3:] == ["[0,", "1]", "lower"]
    assert facts["psnr"].split()[-2:] == ["dB", "higher"]


def test_json_and_csv_say_the_same(w2s, folders: Path) -> None:
    words = ["--csv", "scores.csv", "--json", "--seed", "1", "-m", "rmse", "-m", "psnr"]
    found = json.loads(w2s("evaluate", "restored", "truth", *words).stdout)
    assert (found["images"], found["fields"], found["protocol"]) == (7, 6, "plain")
    assert found["convention"]["data_range"] == "percentile"
    assert found["stated"]["unit"] == "counts: the numbers of the files"
    rmse = found["metrics"]["rmse"]
    assert rmse["mean"] == 4
    assert rmse["low"] < 4 < rmse["high"]
    assert (rmse["unit"], rmse["better"], rmse["images"]) == ("counts", "lower", 7)
    with Path("scores.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["name"] for row in rows] == [*FIELDS]
    for row, image in zip(rows, found["scores"], strict=True):
        assert row["field"] == image["field"] == row["name"][:3]
        assert row["prediction"] == image["prediction"]
        for metric in ("rmse", "psnr"):
            assert float(row[metric]) == image["scores"][metric]
        assert row["convention"].startswith("unit: counts: the numbers of the files; ")
    again = w2s("evaluate", "restored", "truth", *words, code=7)
    assert again.stderr.startswith("error: scores.csv exists")
    assert w2s("evaluate", "restored", "truth", *words, "--overwrite").exit_code == 0


def test_what_is_not_finite_is_null(w2s, folders: Path) -> None:
    result = w2s("evaluate", "truth", "truth", "-m", "psnr", "--json", code=0)
    assert json.loads(result.stdout)["metrics"]["psnr"]["mean"] is None
    assert result.stderr == (
        "warning: 001_0, 001_1, 002_0 and 4 more: prediction and reference are the "
        "same file\n"
        "warning: 001_0, 001_1, 002_0 and 4 more: psnr is infinite\n"
        "warning: the mean of psnr leaves out 7 of 7 images\n"
    )


def test_an_image_without_a_value(w2s, folders: Path) -> None:
    Image.fromarray(np.zeros((40, 48), np.uint8)).save("truth/003_0.png")
    result = w2s("evaluate", "restored", "truth", "-m", "rmse,ssim", code=1)
    assert "warning: 003_0: the reference is constant\n" in result.stderr
    assert "warning: 003_0: ssim has no value\n" in result.stderr
    assert "the mean of ssim leaves out 1 of 7 images" in result.stderr


def test_groups(w2s, folders: Path) -> None:
    words = ["evaluate", "restored", "truth", "-m", "rmse"]
    result = w2s(*words, "--group-by", "00")
    assert "of 1 field of view" in result.stdout
    assert result.stdout.splitlines()[1].split()[2] == "-"
    assert "bootstrap" not in result.stdout
    assert result.stderr == "no intervals: one field of view says nothing of others\n"
    result = w2s(*words, "--group-by", r"00([1-3])|\d+")
    assert "of 6 fields of view" in result.stdout
    result = w2s(*words, "--group-by", "x", code=4)
    assert result.stderr.startswith("error: --group-by x does not match 001_0")
    result = w2s(*words, "--group-by", "(", code=2)
    assert result.stderr.startswith("error: --group-by ( is no regular expression")


def test_few_fields(w2s, folders: Path) -> None:
    for name in FIELDS[3:]:
        Path(f"restored/{name}.png").unlink()
    words = ["evaluate", "restored", "truth", "-m", "rmse"]
    result = w2s(*words, code=4)
    assert result.stderr.startswith("error: 3 predictions and 7 references: no partner")
    result = w2s(*words, "--common")
    assert result.stderr == (
        "4 images of truth have no partner and are left out\n"
        "warning: intervals over 2 fields of view are too narrow: no draw goes beyond "
        "the fields at hand\n"
    )


def test_two_files_and_a_suffix(w2s, folders: Path) -> None:
    Path("restored/001_0.png").rename("restored/001_0_jdsr.png")
    one = ["restored/001_0_jdsr.png", "truth/001_0.png", "-m", "rmse"]
    assert w2s("evaluate", *one).exit_code == 0
    result = w2s("evaluate", "restored", "truth", "--strip", "_jdsr", code=2)
    assert "restored/001_1.png" in result.stderr


def test_without_references(w2s, folders: Path) -> None:
    noise = np.random.default_rng(0).normal(100, 9, (128, 128)).astype(np.float32)
    tifffile.imwrite("noise.tif", noise)
    result = w2s("evaluate", "noise.tif", "-m", "frc-single", "--json")
    assert json.loads(result.stdout)["scores"][0]["reference"] is None
    result = w2s("evaluate", "noise.tif", code=2)
    assert result.stderr.startswith("error: rmse needs references\n")


def test_input(w2s, folders: Path) -> None:
    words = ["evaluate", "restored", "truth", "-m", "rse,rsp"]
    result = w2s(*words, code=2)
    assert result.stderr == (
        "error: rse needs what the predictions were made of\n"
        "hint: name it with --input\n"
    )
    result = w2s(*words, "--input", "truth", "--json")
    assert json.loads(result.stdout)["metrics"]["rsp"]["mean"] > 0.99


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["-m", "psrn"], 2, "no metric is called 'psrn'"),
        (["-m", "fid"], 2, "no metric is called 'fid'"),
        (["--protocol", "w2s2"], 2, "no protocol is called 'w2s2'"),
        (["--range", "wide"], 2, "a range is dtype, max-min, percentile or a number"),
        (["--range", "-1"], 2, "a data range must be above 0, found -1"),
        (["--clip"], 2, "only [0, 1] can be clipped to, and the unit is counts"),
        (["--unit", "unit", "--white", "-1"], 2, "white must be above black"),
        (["--border", "20"], 4, "restored/001_0.png, truth/001_0.png: an image of"),
        (["--protocol", "fmd"], 4, "has no 256 x 256 corners"),
        (["--channel", "DAPI"], 2, "there is no channel 'DAPI' among 1"),
    ],
)
def test_refusals(w2s, folders, words, code, message) -> None:
    result = w2s("evaluate", "restored", "truth", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


@pytest.mark.usefixtures("publish")
@pytest.mark.parametrize(
    ("metric", "option", "asset"),
    [("niqe", "--pristine", "niqe"), ("vgg-distance", "--vgg", "vgg19")],
)
def test_a_model_that_is_not_there(
    w2s, folders: Path, publish, metric: str, option: str, asset: str
) -> None:
    publish(asset, b"model")
    result = w2s("evaluate", "restored", "truth", "-m", metric, code=5)
    error, hint = result.stderr.splitlines()
    assert error.startswith(f"error: {metric} needs ")
    assert error.endswith(", which has not been fetched")
    assert hint.startswith(f"hint: w2s fetch {asset}, or name ")
    assert hint.endswith(option)
    Path("model").write_bytes(b"no model")
    w2s("evaluate", "restored", "truth", "-m", metric, option, "model", code=5)


def test_sharp_images_of_ones_own_are_natural(w2s, here: Path) -> None:
    for folder in ("sharp", "seen"):
        (here / folder).mkdir()
    rng = np.random.default_rng(0)
    *ours, other = gaussian_filter(rng.normal(100, 40, (4, 480, 480)), (0, 1, 1))
    for number, image in enumerate(ours):
        np.save(here / "sharp" / f"{number}.npy", image)
    np.save(here / "seen" / "sharp.npy", other)
    np.save(here / "seen" / "blurred.npy", gaussian_filter(other, 2))
    words = ("-m", "niqe", "--pristine", "sharp", "--json")
    result = w2s("evaluate", "seen", *words, code=0)
    images = json.loads(result.stdout)["scores"]
    scores = {one["name"]: one["scores"]["niqe"] for one in images}
    assert scores["sharp"] < scores["blurred"]
    np.save(here / "sharp" / "even.npy", np.full((192, 192), 7, np.float32))
    result = w2s("evaluate", "seen", *words, code=4)
    assert "even.npy is constant" in result.stderr


def test_every_metric_stands_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "man" / "man1" / "w2s-evaluate.1").read_text()
    page = re.sub(r"\\f.", "", page)
    listed = page.partition(".SH METRICS")[2].partition(".SH PROTOCOLS")[0]
    for metric in METRICS:
        assert metric.name in listed.replace("\\-", "-").replace('"', "").split()


def test_published_z_scores_are_doubles(w2s, here: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("avg1", "avg400"):
        Path(folder).mkdir()
        np.save(f"{folder}/081_0.npy", rng.normal(size=(32, 32)))
    one, two = (np.load(f"{folder}/081_0.npy") for folder in ("avg1", "avg400"))
    words = ("--protocol", "w2s", "--unit", "counts", "-m", "rmse", "--json")
    [score] = json.loads(w2s("evaluate", "avg1", "avg400", *words).stdout)["scores"]
    assert score["scores"]["rmse"] == pytest.approx(np.sqrt(np.mean((one - two) ** 2)))
