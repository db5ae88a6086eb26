from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli.estimate.noise import fit_noise
from w2s_cli.evaluation.noise_plot import plot_noise
from w2s_cli.evaluation.plot import Series, line_plot

X = np.linspace(0, 10, 50)
BLUE, ORANGE = (31, 102, 173), (214, 96, 28)


def colours(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture)


def places(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return where a colour is inside the frame."""
    inside = pixels[75:530, 100:865].astype(int)
    return np.argwhere(np.abs(inside - colour).sum(axis=-1) < 12)


def test_a_line_rises_from_corner_to_corner(tmp_path: Path) -> None:
    line_plot(path := tmp_path / "a.png", [Series("a", X, X**2 / 10)], "x", "y", "t")
    down, across = places(colours(path), BLUE).T
    assert across.min() < 45
    assert across.max() > 720
    assert np.corrcoef(down, across)[0, 1] < -0.9
    assert down[across < 60].min() > down[across > 700].max()


def test_points_bands_and_numbers_that_are_none(tmp_path: Path) -> None:
    y = np.where(X[3] == X, np.nan, X)
    series = [
        Series("points", X, y, "points", colour=1),
        Series("band", X, X - 1e9, "band", X + 1e9),
    ]
    line_plot(path := tmp_path / "b.png", series, "x", "y", "t")
    pixels = colours(path)
    assert len(places(pixels, ORANGE)) > 49 * 12
    band = tuple(255 - (255 - level) // 4 for level in BLUE)
    assert len(places(pixels, band)) > 0.8 * 455 * 700


@pytest.mark.parametrize("value", [0.0, 5.0, -3e-7])
def test_a_constant_has_room_around_it(tmp_path: Path, value: float) -> None:
    line_plot(path := tmp_path / "c.png", [Series("", X, 0 * X + value)], "x", "y", "t")
    down, _ = places(colours(path), BLUE).T
    assert down.mean() == pytest.approx(232, abs=5)


def test_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zero-size"):
        line_plot(tmp_path / "d.png", [Series("", X, X * np.nan)], "x", "y", "t")


@pytest.mark.parametrize("channels", [1, 3])
def test_noise(tmp_path: Path, channels: int) -> None:
    light = np.tile(np.linspace(2, 60, 96), (96, 1))
    fit = fit_noise([np.random.default_rng(0).poisson(light) * 3 + 100])
    fits = {str(number): fit for number in range(channels)}
    plot_noise(path := tmp_path / "noise.png", fits, "cell.tif")
    assert colours(path).shape == (600, 900, 3)
    assert len(places(colours(path), BLUE if channels == 1 else (44, 140, 75)))
