"""`w2s restore --preview`: input, output and difference as a picture."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from w2s_cli.bench.preview import PreviewRow, drawn
from w2s_cli.microscope.noise_model import NoiseModel

CAMERA = NoiseModel(2.0, 100.0, 3.0)
WORDS = ["restore", "cell.tif", "-o", "out.tif", "--method", "gaussian+bicubic"]


def size(name: str) -> tuple[int, int]:
    with Image.open(name) as picture:
        return picture.size


def test_the_middle_plane_of_each_channel(w2s, here: Path) -> None:
    pixels = np.stack([tifffile.imread("cell.tif")] * 3, 1)  # TCYX
    tifffile.imwrite("c.tif", pixels, imagej=True, metadata={"axes": "TCYX"})
    for name, taken in ("all.png", []), ("one.png", ["--channel", 2]):
        words = ["restore", "c.tif", "-o", name.replace("png", "tif"), *taken]
        done = w2s(*words, "--method", "gaussian", "--preview", name, code=0)
        assert done.stderr.endswith(f"\nlook at {name}\n")
    sizes = [size(name) for name in ("all.png", "one.png")]
    assert sizes[0][0] == sizes[1][0] >= 3 * 440
    assert sizes[0][1] - 30 == 3 * (sizes[1][1] - 30)  # below the title


@pytest.mark.parametrize(
    ("output", "more", "panels"),
    [("out.tif", (), 3), ("out.npy", ("--uncertainty",), 4)],
)
def test_it_changes_no_pixel(
    w2s, here: Path, output: str, more: tuple[str, ...], panels: int
) -> None:
    words = [*WORDS[4:], *more]
    plain = w2s("restore", "cell.tif", "-o", f"plain_{output}", *words)
    drawn = w2s("restore", "cell.tif", "-o", output, *words, "--preview", "p.png")
    assert (plain.exit_code, drawn.exit_code) == (0, 0)
    assert Path(output).read_bytes() == Path(f"plain_{output}").read_bytes()
    width = size("p.png")[0]
    assert (width - 10) % panels == 0
    assert 440 <= (width - 10) // panels - 10 < 600


def test_large_planes_are_cut_where_most_is_to_be_seen(w2s, here: Path) -> None:
    plane = np.full((700, 900), 100, np.uint16)  # a mosaic, mostly empty
    plane[80:560, 300:780] += (
        np.random.default_rng(0).poisson(90, (480, 480)).astype("u2")
    )
    tifffile.imwrite("large.tif", plane)
    done = w2s(
        "restore",
        "large.tif",
        "-o",
        "l.tif",
        "--method",
        "median",
        "--preview",
        "l.png",
    )
    assert done.exit_code == 0
    assert size("l.png")[0] == 3 * 512 + 40


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2), (1, 600), (900, 20)])
def test_odd_shapes(w2s, here: Path, shape: tuple[int, int]) -> None:
    np.save("odd.npy", np.arange(np.prod(shape), dtype=np.uint16).reshape(shape))
    words = ["odd.npy", "-o", "o.npy", "--method", "bicubic"]
    assert w2s("restore", *words, "--preview", "p.png").exit_code == 0
    assert max(size("p.png")) < 4000


def test_the_difference_is_noise_where_only_noise_was_taken() -> None:
    light = np.full((100, 220), 50, np.float32)
    before = CAMERA.sample(light, np.random.default_rng(0))
    after = CAMERA.counts(light).repeat(2, 0).repeat(2, 1)
    row = PreviewRow("", before, after, CAMERA, 0.1)
    difference, unit = row.difference
    assert (difference.mean(), difference.std()) == pytest.approx((0, 1), abs=0.03)
    assert unit == "sd of the noise"
    picture = np.asarray(drawn([row], "cell.tif, nlm").convert("L"))
    panel = picture[-200:-20, -440:-20]  # the third
    assert panel.mean() == pytest.approx(127.5, abs=2)
    assert panel.std() == pytest.approx(255 / 8, rel=0.05)
    bar = picture[-23, 10:450]  # of the first panel: 5 um are 50 pixels, enlarged x2
    assert (bar[331:430] == 255).all()
    assert (bar[330], bar[430]) == (0, 0)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("cell.tif -o x.tif --preview p.jpg", 2, "the plot p.jpg is no .png file"),
        ("cell.tif -o x.tif --preview old.png", 7, "old.png exists"),
        ("cell.tif -o x.tif --preview no/p.png", 7, "there is no folder no"),
        ("cell.tif -o p.png --preview p.png", 2, "the output p.png is an input"),
        ("cell.tif -o - --preview p.png", 2, "a preview needs files to look at"),
        ("cell.tif b.tif -o d/ --preview p.png", 2, "a preview shows one image, not 2"),
    ],
)
def test_refusals(w2s, here: Path, words: str, code: int, message: str) -> None:
    Path("old.png").write_text("mine")
    Path("b.tif").write_bytes(Path("cell.tif").read_bytes())
    result = w2s("restore", *words.split(), "--method", "identity", code=code)
    assert result.stderr.startswith(f"error: {message}")
    assert "\nhint: " in result.stderr
    assert sorted(path.name for path in here.iterdir()) == [
        "b.tif",
        "cell.tif",
        "old.png",
    ]


def test_nothing_is_drawn_in_a_dry_run(w2s, here: Path) -> None:
    assert w2s(*WORDS, "--preview", "p.png", "--dry-run").exit_code == 0
    assert not Path("p.png").exists()
