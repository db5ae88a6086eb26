"""`w2s train` turns a recipe into weights that `w2s restore` takes."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

RECIPE = """
name = "tiny"
steps = 3
simulated_fields = 2
validate_every = 3
validation_batches = 2
trained_on = {photons = [1, 2], sigma = 0.1}
network = {name = "unet", options = {width = 4, levels = 1, blocks = 1}}
patches = {side = 16, batch = 2}
"""


def test_train_and_use(w2s, here: Path) -> None:
    Path("tiny.toml").write_text(RECIPE)
    done = w2s("train", "tiny.toml", "runs=out")
    weights = Path("out/tiny/tiny.safetensors")
    assert done.stdout.strip() == str(weights)
    assert "step 3 of 3: validation loss" in done.stderr
    done = w2s("restore", "cell.tif", "-o", "clean.tif", "--weights", weights)
    assert Path("clean.tif").is_file()
    assert "meant for 1 to 2" in done.stderr
    assert '"method": "denoise"' in w2s("info", "clean.tif", "--json").stdout


def test_curves_and_samples_are_drawn(w2s, here: Path) -> None:
    Path("tiny.toml").write_text(RECIPE)
    w2s("train", "tiny.toml", "-q")
    with Image.open("runs/tiny/losses.png") as picture:
        assert picture.width > 400
    with Image.open("runs/tiny/samples.png") as picture:
        shades = np.asarray(picture)
    assert shades.shape == (2 * (256 + 6) + 6 + 24, 3 * (256 + 6) + 6)
    assert shades.std() > 20


def test_time_left_is_told(w2s, here: Path) -> None:
    Path("tiny.toml").write_text(RECIPE)
    told = w2s("train", "tiny.toml", "validate_every=1").stderr
    assert re.search(r"step 2 of 3: validation loss [\d.]+, \d+ s left", told)


def test_recipes_are_listed(w2s) -> None:
    listed = w2s("train", "--list").stdout
    for name in ("denoise", "jdsr-texture-w2s", "real-esrgan-few", "n2n-fmd"):
        assert re.search(rf"^{name} +\S", listed, re.MULTILINE)


def test_settings_that_are_wrong(w2s, here: Path) -> None:
    assert "no recipe is called 'jdrs'" in w2s("train", "jdrs").stderr
    done = w2s("train", "jdsr", "stops=1", code=2)
    assert "did you mean 'steps'?" in done.stderr
    done = w2s("train", "--quiet", code=2)
    assert "no recipe is named" in done.stderr


def test_missing_images(w2s, here: Path) -> None:
    done = w2s("train", "jdsr", "data=nowhere", f"runs={here}", code=4)
    assert "there is no nowhere/w2s/index.csv" in done.stderr
