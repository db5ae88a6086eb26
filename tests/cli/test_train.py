"""`w2s train` turns a recipe into weights that `w2s restore` takes."""

from pathlib import Path

RECIPE = """
name = "tiny"
steps = 3
simulated_fields = 2
validate_every = 3
seen = {photons = [1, 2], sigma = 0.1}
network = {width = 4, levels = 1, blocks = 1}
patches = {side = 16, batch = 2}
"""


def test_train_and_use(w2s, here: Path) -> None:
    Path("tiny.toml").write_text(RECIPE)
    done = w2s("train", "tiny.toml", "precision=fp32", "runs=out")
    weights = Path("out/tiny/tiny.safetensors")
    assert done.stdout.strip() == str(weights)
    assert "step 3: validation loss" in done.stderr
    done = w2s(
        *("restore", "cell.tif", "-o", "clean.tif"),
        *("--method", "denoise", "--weights", str(weights)),
    )
    assert Path("clean.tif").is_file()
    assert "meant for 1 to 2" in done.stderr


def test_settings_that_are_wrong(w2s, here: Path) -> None:
    assert "no recipe is called 'jdrs'" in w2s("train", "jdrs").stderr
    done = w2s("train", "jdsr", "stops=1")
    assert done.exit_code == 2
    assert "did you mean 'steps'?" in done.stderr


def test_missing_images(w2s, here: Path) -> None:
    done = w2s("train", "jdsr", "data=nowhere", f"runs={here}")
    assert done.exit_code == 4
    assert "there is no nowhere/w2s/index.csv" in done.stderr
