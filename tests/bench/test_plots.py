from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli.bench.plots import Series, line_plot, plot_noise
from w2s_cli.microscope.noise_estimation import fit_noise

X = np.linspace(0, 10, 50)
BLUE, ORANGE, GREEN = (0, 114, 178), (213, 94, 0), (0, 158, 115)


def colours(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def places(pixels: np.ndarray, colour: tuple[int, ...]) -> np.ndarray:
    """Return where a colour is below the legend."""
    inside = pixels[75:].astype(int)
    return np.argwhere(np.abs(inside - colour).sum(axis=-1) < 24)


def test_a_line_rises_from_corner_to_corner(tmp_path: Path) -> None:
    line_plot(path := tmp_path / "a.png", [Series("a", X, X**2 / 10)], "x", "y", "t")
    down, across = places(colours(path), BLUE).T
    assert across.min() < 130
    assert across.max() > 820
    assert np.corrcoef(down, across)[0, 1] < -0.9
    assert down[across < 160].min() > down[across > 800].max()


def test_points_bands_and_numbers_that_are_none(tmp_path: Path) -> None:
    y = np.where(X[3] == X, np.nan, X)
    series = [
        Series("band", X, X - 1e9, "band", X + 1e9),
        Series("points", X, y, "points", colour=1),
    ]
    line_plot(path := tmp_path / "b.png", series, "x", "y", "t")
    pixels = colours(path)
    assert len(places(pixels, ORANGE)) > 49 * 12
    band = tuple(round(255 - (255 - level) / 4) for level in BLUE)
    assert len(places(pixels, band)) > 0.8 * 455 * 700


@pytest.mark.parametrize("value", [0.0, 5.0, -3e-7])
def test_a_constant_has_room_around_it(tmp_path: Path, value: float) -> None:
    line_plot(path := tmp_path / "c.png", [Series("", X, 0 * X + value)], "x", "y", "t")
    down, _ = places(colours(path), BLUE).T
    assert down.mean() == pytest.approx(232, abs=25)


@pytest.mark.parametrize("channels", [1, 3])
def test_noise(tmp_path: Path, channels: int) -> None:
    light = np.tile(np.linspace(2, 60, 96), (96, 1))
    fit = fit_noise([np.random.default_rng(0).poisson(light) * 3 + 100])
    fits = {str(number): fit for number in range(channels)}
    plot_noise(path := tmp_path / "noise.png", fits, "cell $1$ 細胞.tif")
    assert colours(path).shape == (600, 900, 3)
    assert len(places(colours(path), BLUE if channels == 1 else GREEN))
