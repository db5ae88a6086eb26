"""`w2s estimate-noise`, and its way into `w2s restore`."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image


@pytest.fixture
def images(here: Path) -> Path:
    """A working folder: a field of two channels, repeats, dark frames, no image."""
    rng = np.random.default_rng(0)
    light = np.tile(np.linspace(2, 90, 128), (5, 128, 1))
    counts = rng.poisson(light) * 2 + 100 + 3 * rng.standard_normal(light.shape)
    dark = 100 + 3 * rng.standard_normal(light.shape)
    for name, data, axes in (
        ("two", counts[:2], "CYX"),
        ("repeats", counts, "TYX"),
        ("dark", dark, "TYX"),
    ):
        pixels = data.round().astype(np.uint16)
        tifffile.imwrite(f"{name}.tif", pixels, imagej=True, metadata={"axes": axes})
    Path("bad.tif").write_text("no image")
    return here


def test_table(w2s, images: Path) -> None:
    result = w2s("estimate-noise", "two.tif", "bad.tif", "repeats.tif", code=1)
    head, *rows = result.stdout.splitlines()
    assert head.startswith("file         channel  gain ")
    assert [row.split()[0] for row in rows] == ["two.tif", "two.tif", "repeats.tif"]
    assert all(float(row.split()[2]) == pytest.approx(2, rel=0.3) for row in rows)
    assert all(row.endswith("yes") and "+-" not in row for row in rows)
    verbose = w2s("estimate-noise", "two.tif", "--verbose").stdout.splitlines()
    assert verbose[0].split()[-2:] == ["a", "b"]
    assert all(row.count(" +- ") == 2 for row in verbose[1:])
    assert result.stderr.startswith("error: bad.tif is not a TIFF")


def test_json_is_what_restore_takes(w2s, images: Path) -> None:
    result = w2s("estimate-noise", "two.tif", "--json")
    [entry] = json.loads(result.stdout)
    assert [row["gain"] for row in entry["channels"]] == pytest.approx([2, 2], rel=0.3)
    Path("noise.json").write_text(result.stdout)
    words = ["restore", "two.tif", "-o", "out.tif", "--noise", "noise.json", "--json"]
    [done] = json.loads(w2s(*words, "--method", "vst+bm3d", "-O", "profile=lc").stdout)
    assert [row["gain"] for row in done["record"]["noise"]] == [
        row["gain"] for row in entry["channels"]
    ]
    one = [*words, "--channel", "2", "--overwrite", "--method", "vst+bm3d"]
    [done] = json.loads(w2s(*one, "-O", "profile=lc").stdout)
    assert done["record"]["noise"][0]["gain"] == entry["channels"][1]["gain"]


def test_json_of_several_files(w2s, images: Path) -> None:
    result = w2s("estimate-noise", "repeats.tif", "dark.tif", "bad.tif", "--json")
    assert result.exit_code == 1
    assert [("error" in row) for row in json.loads(result.stdout)] == [
        False,
        False,
        True,
    ]
    Path("noise.json").write_text(result.stdout)
    words = ["-o", "out/", "--noise", "noise.json", "--method", "vst+bm3d"]
    result = w2s("restore", "two.tif", "bad.tif", *words, code=1)
    assert "noise.json has no noise model for two.tif" in result.stderr
    assert "hint: it is about repeats.tif, dark.tif, bad.tif" in result.stderr


def test_csv(w2s, images: Path) -> None:
    result = w2s("estimate-noise", "two.tif", "repeats.tif", "--csv")
    rows = [*csv.DictReader(result.stdout.splitlines())]
    assert [row["file"] for row in rows] == ["two.tif", "two.tif", "repeats.tif"]
    assert float(rows[2]["a"]) == pytest.approx(2, rel=0.1)
    assert rows[0]["warnings"] == ""


def test_repeats_and_dark(w2s, images: Path) -> None:
    words = ["repeats.tif", "--repeats", "T", "--dark", "dark.tif", "--json"]
    [entry] = json.loads(w2s("estimate-noise", *words).stdout)
    [row] = entry["channels"]
    assert row["gain"] == pytest.approx(2, rel=0.03)
    assert row["offset"] == pytest.approx(100, abs=0.1)
    assert row["read_noise"] == pytest.approx(3, rel=0.03)


def test_plot(w2s, images: Path) -> None:
    result = w2s("estimate-noise", "two.tif", "--plot", "noise.png")
    assert result.stderr == "look at noise.png\n"
    with Image.open("noise.png") as picture:
        assert picture.size == (900, 600)
    again = w2s("estimate-noise", "two.tif", "--plot", "noise.png")
    assert (again.exit_code, again.stdout) == (7, "")
    assert again.stderr.startswith("error: noise.png exists\n")
    words = ["--plot", "noise.png", "--overwrite", "--quiet"]
    assert w2s("estimate-noise", "two.tif", *words).stderr == ""


def test_a_plot_never_takes_the_place_of_its_image(w2s, images: Path) -> None:
    Image.fromarray(tifffile.imread("repeats.tif")[0]).save("a.png")
    result = w2s("estimate-noise", "a.png", "--plot", "a.png", "--overwrite", code=2)
    assert result.stderr.startswith("error: the output a.png is an input")
    with Image.open("a.png") as image:
        assert image.size == (128, 128)


def test_a_failed_file_has_no_plot(w2s, images: Path) -> None:
    w2s("estimate-noise", "bad.tif", "--plot", "noise.png", code=4)
    assert not Path("noise.png").exists()


def test_warnings_say_where(w2s, images: Path) -> None:
    mean = tifffile.imread("repeats.tif")[:4].mean(0).astype(np.float32)
    tifffile.imwrite("mean.tif", mean)
    result = w2s("estimate-noise", "mean.tif", code=0)
    assert result.stdout.rstrip().endswith("no")
    assert "+-" not in w2s("estimate-noise", "mean.tif", "--verbose").stdout
    assert result.stderr.startswith(
        "warning: mean.tif: every value is a multiple of 1/4"
    )


def test_restored_images_are_said_to_be(w2s, images: Path) -> None:
    camera = ["--gain", 2, "--offset", 100, "--read-noise", 3]
    for name, *words in (
        ("done.tif", "nlm", *camera),
        ("grown.tif", "bicubic"),
        ("copy.tif", "identity"),
    ):
        w2s("restore", "repeats.tif", "-o", name, "--method", *words)
    told = "restored by w2s with nlm: the noise of its input was gain 2, offset 100, "
    result = w2s("estimate-noise", "done.tif", "grown.tif", "copy.tif", "two.tif")
    assert result.exit_code == 0
    assert [row.split()[0] for row in result.stdout.splitlines()[1:]] == [
        *("copy.tif", "two.tif", "two.tif")
    ]
    assert result.stderr.splitlines() == [
        f"done.tif: {told}read noise 3",
        "grown.tif: restored by w2s with bicubic: the noise of its input was not "
        "measured",
    ]
    alone = w2s("estimate-noise", "done.tif", "--json", code=4)
    assert alone.stderr.splitlines() == [
        f"error: done.tif: {told}read noise 3",
        "hint: measure the image that it was made from",
    ]
    Path("camera.json").write_text(alone.stdout)
    used = w2s("restore", "done.tif", "-o", "x.tif", "--noise", "camera.json", code=2)
    assert "camera.json has no noise model for done.tif: restored by w2s" in used.stderr


def test_standard_input(w2s, images: Path) -> None:
    image = Path("repeats.tif").read_bytes()
    [entry] = json.loads(w2s("estimate-noise", "-", "--json", stdin=image).stdout)
    assert entry["source"] == "-"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--json", "--csv"], 2, "--json and --csv both want standard output"),
        (["dark.tif", "--plot", "a.png"], 2, "a plot shows one file, not 2"),
        (
            ["--repeats", "Z"],
            4,
            "two.tif: there are no repeats along 'Z': the axes are",
        ),
        (["--repeats", "TZ"], 4, "two.tif: there are no repeats along 'TZ'"),
        (["--plot", "a.tif"], 2, "the plot a.tif is no .png file"),
        (["--plot", "no/a.png"], 7, "there is no folder no to write a.png into"),
        (["--channel", "7"], 2, "two.tif: there is no channel '7' among 2"),
        (["--axes", "YX"], 4, "axes 'YX' name 2 dimensions, but two.tif has shape"),
        (["--dark", "no.tif"], 4, "there is no file no.tif"),
        (["--dark", "bad.tif"], 4, "bad.tif is not a TIFF"),
    ],
)
def test_wrong_words(w2s, images, words, code, message) -> None:
    result = w2s("estimate-noise", "two.tif", *words, code=code)
    assert result.stderr.startswith(f"error: {message}")
    assert result.stdout == ""


NOISY = np.random.default_rng(0).poisson(40, (64, 64)).astype(np.uint16)
BAD = {
    "tiny": (NOISY[:20], "20 x 64 pixels are too few to estimate noise, which takes"),
    "constant": (0 * NOISY + 7, "every pixel of the image is 7"),
    "saturated": (np.minimum(NOISY, 30), "nearly the whole image is clipped at its"),
    "clean": (NOISY[:1, :1] + np.arange(64.0) + 0 * NOISY, "the image shows no noise"),
    "nan": (NOISY * np.nan, "no pixel of the image is a number"),
}


@pytest.mark.parametrize("name", BAD)
def test_images_without_an_answer(w2s, here: Path, name: str) -> None:
    pixels, message = BAD[name]
    tifffile.imwrite(f"{name}.tif", pixels.astype(np.float32))
    result = w2s("estimate-noise", f"{name}.tif")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith(f"error: {name}.tif: ")
    assert message in result.stderr
    assert "\nhint: " in result.stderr


def test_what_repeats_and_dark_frames_may_be(w2s, images: Path) -> None:
    same = np.repeat(tifffile.imread("repeats.tif")[:1], 3, axis=0)
    tifffile.imwrite("same.tif", same, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite("bright.tif", tifffile.imread("dark.tif") + 400)
    for words, message in (
        (["same.tif", "--repeats", "T"], "the repeats do not differ from one another"),
        (["two.tif", "--dark", "bright.tif"], "below the dark frame with 500"),
        (["repeats.tif", "--dark", "two.tif"], "2 channels of dark frames for an"),
    ):
        result = w2s("estimate-noise", *words, code=2 if "channels" in message else 4)
        assert result.stderr.startswith(f"error: {words[0]}: ")
        assert message in result.stderr


def test_a_folder_without_images(w2s, here: Path) -> None:
    Path("empty").mkdir()
    result = w2s("estimate-noise", "empty")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: no image in the folder empty\n")


def test_the_mean_over_a_data_set(w2s, here: Path) -> None:
    """As in Fig. 2a of W2S: of all channels, and of gray values in [0, 1]."""
    rng = np.random.default_rng(0)
    light = np.tile(np.linspace(2, 30, 128), (128, 1))
    for name, gain in (("one", 3), ("two", 5)):
        gray = (gain * rng.poisson(light) + 20).clip(0, 255).astype(np.uint8)
        Image.fromarray(gray).save(f"{name}.png")
    Image.fromarray(np.full((128, 128), 9, np.uint8)).save("flat.png")
    shown = w2s("estimate-noise", "one.png", "two.png", "--mean", code=0)
    found = json.loads(
        w2s("estimate-noise", "one.png", "two.png", "--mean", "--json").stdout
    )
    assert (found["images"], found["left_out"]) == (2, 0)
    each = json.loads(w2s("estimate-noise", "one.png", "two.png", "--json").stdout)
    slopes = [one["channels"][0]["a"] for one in each]
    assert found["a"] == pytest.approx(np.mean(slopes)) == pytest.approx(4, rel=0.1)
    assert found["a_error"] == pytest.approx(np.std(slopes, ddof=1) / 2**0.5)
    assert found["unit"]["a"] == pytest.approx(found["a"] / 255)
    assert found["unit"]["b"] == pytest.approx(found["b"] / 255**2)
    assert shown.stdout.splitlines()[0] == "images  2, 0 not trusted left out"
    assert f"a       {found['a']:.4g} +- " in shown.stdout
    alone = w2s("estimate-noise", "one.png", "--mean", "--json")
    assert json.loads(alone.stdout)["a_error"] is None
    deep = np.asarray(Image.open("one.png"), np.uint16)
    tifffile.imwrite("deep.tif", deep)
    mixed = w2s("estimate-noise", "deep.tif", "two.png", "--mean", "--json")
    assert json.loads(mixed.stdout)["unit"] is None
    both = w2s("estimate-noise", "one.png", "--mean", "--csv")
    assert (both.exit_code, both.stdout) == (2, "")
    assert "--mean is one result for all images, as text or --json" in both.stderr
