"""What the figures of a report say about the numbers behind them."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from w2s_cli.bench.pictures import Inset, Panel, busiest
from w2s_cli.bench.plots import (
    GrayScale,
    error_limits,
    gallery,
    gray_limits,
    residual_limits,
    series_style,
)
from w2s_cli.bench.report import examples as report_examples
from w2s_cli.bench.report.examples import MOST, examples, residual
from w2s_cli.bench.report.figures import radial_spectrum
from w2s_cli.bench.report.ranking import grouped
from w2s_cli.bench.results import BenchResult

RNG = np.random.default_rng(1)


def pixels(png: bytes) -> np.ndarray:
    with Image.open(BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_black_and_white_are_those_of_the_truth() -> None:
    truth = np.linspace(0, 1000, 10_001).reshape(73, 137)
    assert gray_limits(truth) == pytest.approx((5, 997))
    assert gray_limits(np.full((9, 9), 7.0)) == (6.5, 7.5)


def test_errors_and_residuals_share_a_scale() -> None:
    small, large = np.full((10, 10), 1.0), np.full((10, 10), -3.0)
    large[0, 0] = np.nan
    assert error_limits([small, abs(large)]) == (0, 3)
    assert residual_limits([small, large]) == (-3, 3)
    assert error_limits([0 * small]) == (-0.5, 0.5)


@pytest.mark.parametrize("count", [2, 9])
def test_all_panels_share_their_grays(count: int) -> None:
    """The same value is the same gray beside panels of any brightness and scale."""
    same = [Panel(str(n), np.full((20 * n, 20 * n), 40.0), n) for n in (1, 2)]
    others = [Panel("other", RNG.random((20, 20)) * 200) for _ in range(count - 2)]
    drawn = pixels(gallery([*same, *others], GrayScale(0, 100, "counts")))
    gray = 102  # 40 of 100
    row = np.flatnonzero((abs(drawn - gray).max(-1) < 3).sum(1) > 300)[0]
    assert (abs(drawn[row + 5] - gray).max(-1) < 3).sum() > 0.35 * 1200


def test_insets_show_the_same_place_on_any_pixels() -> None:
    coarse = np.zeros((40, 40))
    coarse[20:30, 8:18] = 100
    fine = coarse.repeat(2, 0).repeat(2, 1)
    panels = [Panel("coarse", coarse), Panel("fine", fine, 2)]
    drawn = pixels(gallery(panels, GrayScale(0, 100, "counts"), busiest(coarse, 10)))
    white = (drawn.min(-1) > 250)[320:560]  # below the whole images
    half = drawn.shape[1] // 2
    assert white[:, :half].mean() == pytest.approx(white[:, half:].mean(), abs=0.01)


def test_the_busiest_square_holds_the_structure() -> None:
    image = np.zeros((100, 80), np.float32)
    image[61:69, 42:50] = RNG.random((8, 8))
    inset = busiest(image, 20)
    assert isinstance(inset, Inset)
    assert inset.y <= 61 < 69 <= inset.y + 20
    assert inset.x <= 42 < 50 <= inset.x + 20


def test_looks_differ() -> None:
    looks = [series_style(number) for number in range(30)]
    assert len({(one.colour, one.marker) for one in looks}) == 30
    assert len({(one.colour, str(one.dashes)) for one in looks}) == 30


@pytest.mark.parametrize("pitch", [1, 2])
def test_the_spectrum_of_noise_is_flat(pitch: int) -> None:
    frequency, power = radial_spectrum(RNG.normal(50, 3, (384, 256)), pitch)
    assert frequency[-1] == 0.5 / pitch
    assert power.mean() == pytest.approx(9 * pitch**2, rel=0.1)
    assert power[-24:].mean() == pytest.approx(power[24:48].mean(), rel=0.1)


def test_the_spectrum_of_a_wave_is_a_peak() -> None:
    wave = np.sin(2 * np.pi * 0.2 * np.arange(100))
    frequency, power = radial_spectrum(np.tile(wave, (100, 1)))
    assert frequency[power.argmax()] == pytest.approx(0.2)


def test_residuals_are_the_noise_that_was_added() -> None:
    y, x = np.mgrid[:64, :64] / 10
    truth = 100 * np.sin(y) * np.cos(x)
    noise = RNG.normal(0, 2, truth.shape)
    np.testing.assert_allclose(residual(truth + noise, truth), noise, atol=1e-6)
    fine = truth.repeat(2, 0).repeat(2, 1)
    assert abs(residual(truth + noise, fine) - noise).max() < 1
    flat = residual(truth + noise, np.zeros_like(fine))
    np.testing.assert_allclose(flat, truth + noise - (truth + noise).mean())


def test_examples_are_what_was_scored(bench: BenchResult) -> None:
    group = grouped(bench)[0]
    shown = {one.why: one for one in examples(bench, group)}
    assert set(shown) == {"median", "worst"}
    for example in shown.values():
        assert len(example.outputs) <= MOST
        for output in example.outputs:
            error = (output.plane - example.truth)[example.valid]
            rmse = np.sqrt((error**2).mean())
            assert rmse == pytest.approx(output.scores["rmse"], rel=1e-4)


def test_the_best_are_shown_where_there_are_too_many(bench, monkeypatch) -> None:
    monkeypatch.setattr(report_examples, "MOST", 1)
    group = grouped(bench)[1]
    best = group.ranked("rmse")[0][0].name
    left = ({"gaussian", "median"} - {best}).pop()
    for example in examples(bench, group):
        assert [one.name for one in example.outputs] == [best]
        assert example.left_out == [left]


def test_what_was_refused_is_not_shown(bench: BenchResult) -> None:
    group = grouped(bench)[0]
    [median] = (one for one in group.results if one.name == "median")
    for example in examples(bench, group):
        failed = example.name in [one.name for one in median.measured.failed]
        assert example.refused == ["median"] * failed
        assert ("median" in [one.name for one in example.outputs]) != failed
