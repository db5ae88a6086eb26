"""`w2s bench` as a user meets it."""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import Result

from w2s_cli.microscope.simulation import simulate_scene
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.rdn import RDN
from w2s_cli.weights import checkpoint

W2S = Callable[..., Result]
QUICK = ("--split", "validation", "--levels", "20", "--fields", "001,002")


@pytest.fixture
def bench(w2s: W2S, here: Path) -> W2S:
    """Run a bench that keeps its scores in the working folder."""
    return partial(w2s, "bench", "--cache", here / "cache")


@pytest.fixture
def gray(here: Path) -> Path:
    """A folder of 8-bit W2S images: two channels of field 081, two levels."""
    rng = np.random.default_rng(0)
    for channel in (0, 1):
        clean = simulate_scene(channel, side=64).clean / 4
        for level, spread in (("avg1", 12), ("avg2", 8), ("avg400", 0)):
            path = here / "gray" / "test" / level / f"081_{channel}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noisy = clean + rng.normal(0, 1, clean.shape) * spread
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
    return here / "gray"


def test_a_table_with_what_its_numbers_mean(bench: W2S) -> None:
    result = bench("--denoiser", "gaussian,median", *QUICK, code=0)
    said, _, table = result.stdout.partition("\n\n")
    assert "data: simulated cells" in said
    assert "split: validation" in said
    assert "unit: counts" in said
    assert "noise: estimated" in said
    head, *lines = table.strip().splitlines()
    assert head.split()[:4] == ["method", "level", "images", "rmse"]
    assert [line.split()[:3] for line in lines] == [
        [name, "20", "2"] for name in ("noisy", "gaussian", "median")
    ]


def test_it_says_which_weights_each_method_has(bench: W2S, here: Path) -> None:
    torch.manual_seed(0)
    checkpoint.save(here / "b.safetensors", DnCNN(1, 4, 3).state_dict(), {"units": "z"})
    words = ("--denoiser", "median,dncnn,B=b.safetensors", *QUICK, "--json")
    said = json.loads(bench(*words).stdout)["stated"]
    compact, other = said["weights of dncnn"].split("; ")
    assert compact.startswith("dncnn-compact, 0.14 M parameters, the paper's has 0.6 M")
    assert other.startswith("b.safetensors, SHA-256 ")
    assert "weights of median" not in said


def test_enlarged_images_are_compared_with_a_finer_truth(bench: W2S) -> None:
    result = bench("--denoiser", "gaussian", "--sr", "bicubic", *QUICK, "--json")
    rows = json.loads(result.stdout)["rows"]
    assert [row["method"] for row in rows] == ["noisy+bicubic", "gaussian+bicubic"]
    assert [row["scale"] for row in rows] == [2, 2]
    first, second = (row["rmse"]["mean"] for row in rows)
    assert second < first


def test_names_count_once(bench: W2S) -> None:
    result = bench("--denoiser", "median,median", "-m", "rmse, rmse", *QUICK)
    head, *lines = result.stdout.partition("\n\n")[2].strip().splitlines()
    assert head.split() == ["method", "level", "images", "rmse", "95", "%", "seconds"]
    assert [line.split()[0] for line in lines] == ["noisy", "median"]


def test_json_and_csv_hold_every_image(bench: W2S, here: Path) -> None:
    result = bench("--denoiser", "gaussian", *QUICK, "--json", "--csv", "all.csv")
    assert "the scores of each image are in all.csv" in result.stderr
    found = json.loads(result.stdout)
    assert found["stated"]["unit"].startswith(found["convention"]["unit"])
    rows = [*csv.DictReader((here / "all.csv").read_text().splitlines())]
    kept = [(row["method"], one) for row in found["rows"] for one in row["scores"]]
    assert len(rows) == len(kept) == 4
    for row, (method, one) in zip(rows, kept, strict=True):
        assert (row["method"], row["image"]) == (method, one["name"])
        assert float(row["ssim"]) == one["scores"]["ssim"]
    [gaussian] = [row for row in found["rows"] if row["method"] == "gaussian"]
    values = [one["scores"]["rmse"] for one in gaussian["scores"]]
    assert gaussian["rmse"]["mean"] == pytest.approx(np.mean(values))


def test_figures_of_the_papers_stand_beside(bench: W2S, gray: Path) -> None:
    words = ("--data", gray, "--denoiser", "pure-let", "--noise", "known")
    result = bench(*words, "--levels", "1,2", "--against", "paper")
    head, *lines = result.stdout.partition("\n\n")[2].strip().splitlines()
    assert "paper psnr" not in head
    assert "paper ssim" in head
    [line] = [line for line in lines if line.startswith("pure-let  1")]
    assert " 0.939 " in line
    assert "not measured: W2S, first version" in result.stderr
    assert "to measure VST+BM3D: --denoiser vst+bm3d\n" in result.stderr
    assert "the papers score 120 images, 2 of them are here" in result.stderr
    assert "another range, window or fit" not in result.stderr


def test_figures_of_a_paper_are_not_of_another_split_or_convention(bench, gray) -> None:
    words = ("--data", gray, "--denoiser", "median", "--levels", "1", "--split", "all")
    said = bench(*words, "--fit", "affine", "--against", "paper").stderr
    assert "the papers score the test split, this is all" in said
    assert "by the protocol w2s-v1 as it is, this is another range" in said


def test_intervals_over_few_fields_are_doubted(bench: W2S) -> None:
    result = bench("--denoiser", "gaussian", *QUICK)
    assert "intervals over 2 fields of view are too narrow" in result.stderr


def test_an_option_is_for_the_rows_that_have_it(bench: W2S) -> None:
    words = ("--denoiser", "gaussian,median", *QUICK)
    plain = json.loads(bench(*words, "--json").stdout)["rows"]
    other = json.loads(bench(*words, "-O", "gaussian.sigma=3", "--json").stdout)
    assert other["stated"]["options"] == "gaussian.sigma=3"
    assert [row["options"] for row in other["rows"]] == [[], ["gaussian.sigma=3"], []]
    same = [
        one["rmse"] == two["rmse"]
        for one, two in zip(plain, other["rows"], strict=True)
    ]
    assert same == [True, False, True]


def test_folders_of_pairs_have_no_splits(bench: W2S, here: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("noisy", "clean"):
        (here / "pairs" / folder).mkdir(parents=True)
        np.save(here / "pairs" / folder / "a.npy", rng.normal(9, 1, (32, 32)))
    result = bench("--data", here / "pairs", "--denoiser", "gaussian", code=0)
    assert "split: all" in result.stdout


def test_an_image_without_a_score_is_named(bench: W2S, here: Path) -> None:
    for folder in ("noisy", "clean"):
        (here / "pairs" / folder).mkdir(parents=True)
        np.save(here / "pairs" / folder / "flat.npy", np.full((32, 32), 7.0))
    result = bench("--data", here / "pairs", "--denoiser", "median", code=1)
    assert (
        "median at level 1: ssim has no finite value, and so no mean, for flat"
        in result.stderr
    )


def test_gray_values_have_no_z_scores(bench: W2S, gray: Path) -> None:
    result = bench("--data", gray, "--protocol", "w2s", code=2)
    assert "gray has gray values of 8 bit" in result.stderr


def test_no_table_was_printed_of_simulated_cells(bench: W2S) -> None:
    result = bench("--denoiser", "gaussian", *QUICK, "--against", "paper")
    assert "no printed table is of simulated" in result.stderr
    assert "but by --protocol" not in result.stderr


def test_a_protocol_that_has_tables_is_named(bench: W2S, gray: Path) -> None:
    words = ("--data", gray, "--denoiser", "median", "--levels", "1")
    said = bench(*words, "--protocol", "plain", "--against", "paper").stderr
    assert (
        "no printed table is of w2s-png by the protocol plain at this scale, but by "
        "--protocol w2s-v1\n" in said
    )


def test_noise_free_images_have_a_row(bench: W2S, gray: Path) -> None:
    (gray / "test" / "sim").mkdir()
    for channel in (0, 1):
        path = gray / "test" / "sim" / f"081_{channel}.png"
        Image.fromarray(np.full((128, 128), 9, np.uint8)).save(path)
    result = bench("--data", gray, "--sr", "bicubic", "--levels", "1", "--json")
    found = json.loads(result.stdout)
    assert [row["method"] for row in found["rows"]] == [
        *("noisy+bicubic", "noise-free+bicubic")
    ]
    assert found["protocol"] == "w2s-v1-sr"


def test_an_image_that_is_refused_is_told(bench: W2S, here: Path) -> None:
    for folder, value in (("low", 7), ("high", 7)):
        (here / folder).mkdir()
        for name in ("a", "b"):
            image = np.full((48, 48), value, np.uint16)
            image[:, :24] += 100 * np.uint16(name == "b" or folder == "high")
            np.save(here / folder / f"{name}.npy", image)
    result = bench("--data", here, "--split", "all", "--denoiser", "pure-let", code=1)
    assert "pure-let at level 1: 2 of 2 images were refused, the first a" in (
        result.stderr
    )
    assert result.stdout.splitlines()[-1].split()[3:] == ["-"] * 5
    again = bench("--data", here, "--split", "all", "--denoiser", "pure-let", "--json")
    assert json.loads(again.stdout)["rows"][1]["seconds"] is None


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--levels", "a"], 2, "--levels is a list of numbers and spans"),
        (["--levels", "7"], 2, "has no level 7"),
        (["--weights", "rcan"], 2, "weights are given as METHOD=FILE, found 'rcan'"),
        (["--fields", "5,999"], 3, "has no field of view 999"),
        (["--split", "tset"], 2, "did you mean 'test'"),
        (["--data", "nowhere"], 4, "there is no file or folder nowhere"),
        (["--protocol", "w2s-v2"], 2, "did you mean 'w2s-v1'"),
        (["--protocol", "fmd"], 2, "fmd scores images of 8 bit"),
        (["--denoiser", "auto"], 2, "auto takes another method for each image"),
        (["--sr", "rrdb"], 5, "rrdb has no weights of its own"),
        (["--denoiser", "dncnn", "--sr", "rrdb"], 5, "w2s train jdsr-texture-w2s"),
        (["--against", "a.json"], 2, "'a.json' is not one of 'paper'"),
        (["--speed"], 2, "No such option: --speed"),
    ],
)
def test_bad_words(bench: W2S, words: list[str], code: int, message: str) -> None:
    result = bench(*words, code=code)
    assert message in result.stderr


def test_weights_with_labels_and_by_name(bench: W2S, here: Path) -> None:
    for name in ("a", "b"):
        state = RDN(4, 1, 1).state_dict()
        checkpoint.save(here / f"{name}.safetensors", state, {"units": "unit"})
    words = ("--sr", "A=a.safetensors, B=b.safetensors", *QUICK, "--json")
    labelled = bench(*words, code=0)
    rows = json.loads(labelled.stdout)["rows"]
    assert [row["method"] for row in rows] == ["noisy+A", "noisy+B"]
    assert [row["weights"] for row in rows] == [["a.safetensors"], ["b.safetensors"]]
    words = ("--denoiser", "denoise", "--sr", "rdn", *QUICK, "--json")
    named = bench(*words, "--weights", "rdn=a.safetensors", code=0)
    found = json.loads(named.stdout)["rows"]
    assert [row["method"] for row in found] == ["noisy+rdn", "denoise+rdn"]
    assert found[0]["rmse"] == rows[0]["rmse"]


def test_units_that_a_file_does_not_tell_are_said_for_one_of_two(bench, here) -> None:
    """What the hint says to type must work, also where another network is there."""
    checkpoint.save(here / "d.safetensors", DnCNN(1, 4, 3).state_dict(), {})
    checkpoint.save(here / "r.safetensors", RDN(4, 1, 1).state_dict(), {})
    words = ["--denoiser", "D=d.safetensors", "--sr", "r=r.safetensors"]
    for name in ("rdn", "dncnn"):
        refused = bench(*words, *QUICK, code=5)
        assert f"say it: -O {name}.units=z, z/255, unit or centred" in refused.stderr
        words += ["-O", f"{name}.units=unit"]
    assert bench(*words, *QUICK).exit_code == 0
