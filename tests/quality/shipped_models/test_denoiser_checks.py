"""The checks of denoisers, with a Gaussian that is good at smooth images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shipped_models import denoising, evenness, linearity, robustness, speed
from shipped_models.finding import Finding
from shipped_models.setting import Setting, Subject
from w2s_cli.bench.timing import MethodSpeed
from w2s_cli.errors import InputError

Rival = Callable[[str], None]

IDENTITY, GAUSSIAN = Subject("identity"), Subject("gaussian")
BLUR = Subject("gaussian", options=("sigma=30",))


def all_met(found: list[Finding]) -> bool:
    return all(finding.met for finding in found)


@pytest.fixture
def rival(monkeypatch: pytest.MonkeyPatch) -> Rival:
    """Put another method into the place of VST+BM3D, which takes long."""

    def put(method: str) -> None:
        for module in (denoising, robustness, speed):
            monkeypatch.setattr(module, "BM3D", method)

    return put


def test_a_better_denoiser_passes_and_a_worse_one_falls_short(
    setting: Setting, rival: Rival
) -> None:
    rival("identity")
    better = denoising.denoising(GAUSSIAN, setting)
    assert all_met(better)
    assert len(better) == 5 * 2 * 2  # levels, noise given or not, two scores
    rival("gaussian")
    assert not any(finding.met for finding in denoising.denoising(IDENTITY, setting))


def test_figures_of_denoising_are_those_of_the_images(
    setting: Setting, rival: Rival
) -> None:
    rival("identity")
    found = denoising.denoising(IDENTITY, setting)
    ratios = [one for one in found if "z-RMSE" in one.what]
    assert [one.value for one in ratios] == [1.0] * 10
    drawn = [float(one.beside.split()[0]) for one in ratios[2::2]]
    assert np.array(drawn[:-1]) / drawn[1:] == pytest.approx(np.sqrt(2), rel=0.05)


def test_goals_come_from_the_paper() -> None:
    levels = {2: 0.060 / 0.072, 4: 0.049 / 0.059, 8: 0.041 / 0.050, 16: 0.033 / 0.043}
    for level, ratio in levels.items():
        assert denoising.paper_ratio(level) == pytest.approx(ratio)


def test_robust_on_real_pairs(setting: Setting, rival: Rival) -> None:
    rival("identity")
    assert all_met(robustness.real(GAUSSIAN, setting))
    rival("gaussian")
    before, bm3d = robustness.real(IDENTITY, setting)
    assert (before.met, bm3d.met) == (True, False)
    assert (before.value, before.beside) == (1, "cell")
    worse, _ = robustness.real(BLUR, setting)
    assert not worse.met


def test_a_folder_without_pairs(setting: Setting, data: Path) -> None:
    for path in (data / "pairs_hagen").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="pairs_hagen holds no pair") as caught:
        robustness.real(IDENTITY, setting)
    assert caught.value.hint == "expected NAME_low.png and NAME_high.png"


def test_the_part_with_most_structure_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    low = np.arange(64.0).reshape(8, 8)
    high = np.zeros((8, 8), np.float32)
    high[4:, 4:6] = 9
    monkeypatch.setattr(robustness, "SIDE", 4)
    monkeypatch.setattr(robustness, "STRIDE", 2)
    part, structure = robustness.part(low, high)
    assert structure.tolist() == [[0, 0, 9, 9]] * 4 or structure.tolist() == (
        [[9, 9, 0, 0]] * 4
    )
    assert part.shape == (4, 4)


def test_robust_under_any_camera(
    setting: Setting, rival: Rival, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "SIMULATED_SIDE", 64)
    monkeypatch.setattr(robustness, "SWEEPS", {"gain": (0.3, 40.0)})
    rival("identity")
    found = robustness.simulated(IDENTITY, setting)
    assert all_met(found)
    assert [one.what.split(",")[0] for one in found[1::2]] == [
        "gain 0.3",
        "gain 40",
        "usual camera",
    ]
    assert not robustness.simulated(BLUR, setting)[0].met


def test_cameras_differ_by_what_they_are_called_for() -> None:
    cameras = robustness.cameras()
    assert cameras["gain 40"].gain == 40
    assert cameras["offset 2000"].offset == 2000
    assert cameras["sigma 4"].sigma == pytest.approx(4)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evenness, "SIDE", 96)
    monkeypatch.setattr(linearity, "SIDE", 64)
    monkeypatch.setattr(linearity, "CELLS", 1)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("method", ["identity", "bicubic"])
def test_what_does_nothing_is_linear(setting: Setting, method: str) -> None:
    found = linearity.linearity(Subject(method), setting)
    assert len(found) == 3 * 2 * 2  # exposures, noise given or not, parts
    assert all_met(found)
    assert all(one.value < 1e-3 for one in found if "whole" in one.what)


@pytest.mark.usefixtures("small")
def test_a_median_is_not_linear_in_dim_light(setting: Setting) -> None:
    dim = [
        one
        for one in linearity.linearity(Subject("median"), setting)
        if one.what.startswith("10 photons")
    ]
    assert not all_met(dim)


@pytest.mark.usefixtures("small")
def test_noise_that_stays_is_neither_flat_nor_empty(setting: Setting) -> None:
    means = [one for one in evenness.flat(IDENTITY, setting) if "mean" in one.what]
    assert all_met(means)
    assert not all_met(evenness.flat(IDENTITY, setting))
    assert not all_met(evenness.empty(IDENTITY, setting))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("method", ["gaussian", "gaussian+bicubic"])
def test_a_wide_blur_is_flat_and_empty(setting: Setting, method: str) -> None:
    subject = Subject(method, options=("sigma=4",))
    assert all_met(evenness.flat(subject, setting))
    assert all_met(evenness.empty(subject, setting))


def test_the_largest_connected_part() -> None:
    mask = np.zeros((6, 6), bool)
    assert evenness.largest(mask) == 0
    mask[0, 0] = mask[1, 1] = mask[2, 1] = mask[5, 5] = True
    assert evenness.largest(mask) == 3


class _Speeds:
    def __init__(self, *seconds: float) -> None:
        sides = (512, 2048)
        self.rows = [
            MethodSpeed(method, side, (took * side,) if took else ())
            for method, took in zip(("denoise", "vst+bm3d"), seconds, strict=True)
            for side in sides
        ]
        self.remarks = ["busy"]


@pytest.mark.parametrize(
    ("ours", "passes", "met"),
    [
        (1.0, 0.95, [True, True]),
        (1.0, 0.8, [False, True]),
        (3.0, None, [False]),
        (0.0, 0.8, [False, False]),
    ],
)
def test_speed_is_over_that_of_the_passes_and_of_bm3d(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, ours, passes, met
) -> None:
    monkeypatch.setattr(speed, "run_speed", lambda *_, **__: _Speeds(ours, 2.0))
    monkeypatch.setattr(speed, "bare", lambda _, side: passes and passes * side)
    found = speed.speed(Subject("denoise"), setting)
    assert [one.met for one in found] == met * 2
    assert all("the machine was busy" in one.beside for one in found)


def test_the_bare_network_runs_alone(setting: Setting) -> None:
    setup = speed._setup(Subject("denoise"), setting)
    assert (speed.bare(setup, 64) or 0) > 0
    assert speed.bare(speed._setup(GAUSSIAN, setting), 64) is None
