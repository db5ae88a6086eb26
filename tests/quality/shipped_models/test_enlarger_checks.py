"""The checks of what enlarges, each with a method that passes and one that does not."""

import numpy as np
import pytest

from shipped_models import enlarging, resolution, sim_structures
from shipped_models.enlarging import er, rivals_at
from shipped_models.long_exposure import long_exposure, unlike
from shipped_models.scoring import held
from shipped_models.setting import Setting, Subject
from w2s_cli.bench.config import Row
from w2s_cli.microscope.simulation import CAMERA, simulate_scene

BICUBIC, SMOOTH = Subject("bicubic"), Subject("gaussian+bicubic")


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bicubic interpolation be the only rival, and a cell at 20 photons the set."""
    scene = simulate_scene(2, photons=20, side=96)
    data = held("a cell", {20: {"a": scene.seen.astype("f4")}}, {2: {"a": scene.truth}})
    for module in (enlarging, resolution):
        monkeypatch.setattr(module, "find", lambda _: data)
        monkeypatch.setattr(module, "SPLIT", "all")
    monkeypatch.setattr(
        enlarging,
        "rivals_at",
        lambda level, _: {"bicubic": [Row("", "bicubic", level)]},
    )


@pytest.mark.usefixtures("simple")
@pytest.mark.parametrize("check", [enlarging.real, enlarging.simulated])
def test_better_than_bicubic_or_not(check, setting: Setting) -> None:
    better, same = (check(subject, setting) for subject in (SMOOTH, BICUBIC))
    assert [one.met for one in better] == [True, True]
    assert [one.met for one in same] == [False, False]
    assert [one.value for one in same] == [one.goal for one in same]


def test_the_best_of_a_tuned_rival_counts(setting, monkeypatch) -> None:
    monkeypatch.setattr(enlarging, "STEPS", (1, 5, 15))
    monkeypatch.setattr(enlarging, "REAL_WIDTHS", (2.4,))
    monkeypatch.setattr(enlarging, "BM3D", "gaussian")
    found = enlarging.real(BICUBIC, setting)
    assert "gaussian+richardson-lucy" in found[0].beside
    tuned = [
        Subject("richardson-lucy", options=("scale=2", "fwhm=2.4", f"iterations={n}"))
        for n in (1, 5, 15)
    ]
    alone = [enlarging.real(subject, setting)[0].value for subject in tuned]
    assert f"richardson-lucy {max(alone):.4g}," in found[0].beside
    assert len({*alone}) == 3


def test_rivals_enlarge() -> None:
    rivals = rivals_at(7, (2.4, 3.0))
    assert [*rivals] == [
        *("bicubic", "denoise+bicubic"),
        *("richardson-lucy", "vst+bm3d+richardson-lucy"),
    ]
    rows = [row for several in rivals.values() for row in several]
    assert len(rows) == 2 + 2 * 2 * len(enlarging.STEPS) == len({*rows})
    assert {(row.level, row.scale) for row in rows} == {(7, 2)}


def test_every_exposure_of_er_has_the_one_truth(setting: Setting) -> None:
    data = er(setting)
    names = data.names("all", 1, 2)
    assert names == ["exposure 0", "exposure 1"]
    first, second = (data.pair(name, 1, 2) for name in names)
    assert not np.array_equal(first.image, second.image)
    assert np.array_equal(first.truth, second.truth)


@pytest.mark.usefixtures("simple")
@pytest.mark.parametrize("check", [resolution.real, resolution.simulated])
def test_interpolation_is_no_finer_than_the_input(check, setting: Setting) -> None:
    [same] = check(BICUBIC, setting)
    assert not same.met
    assert same.value == same.goal < 32


@pytest.mark.usefixtures("simple")
def test_resolution_of_the_truth_itself(setting, monkeypatch) -> None:
    scene = simulate_scene(2, photons=2000, side=96)
    noisy = CAMERA.sample(CAMERA.photons(scene.clean) / 100, np.random.default_rng(0))
    images = {5: {"a": noisy}, 2000: {"a": scene.seen.astype("f4")}}
    data = held("a cell", images, {2: {"a": scene.truth}})
    monkeypatch.setattr(resolution, "find", lambda _: data)
    dim, bright = resolution.simulated(BICUBIC, setting)
    assert bright.value < dim.value


def test_a_long_exposure_is_like_a_bright_capture(setting, brighter, data) -> None:
    [noisy] = long_exposure(BICUBIC, setting)
    assert not noisy.met
    brighter()
    [bright] = long_exposure(BICUBIC, setting)
    assert bright.met


def test_unlike_is_blind_to_gain_and_offset() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 64, 64))
    assert unlike(one, 3 * one + 5) == pytest.approx(0, abs=1e-6)
    assert unlike(one, other) == pytest.approx(1, abs=0.01)
    assert unlike(one, one + other) == pytest.approx(np.sqrt(0.5), abs=0.02)


def test_real_structures_beside_deconvolution(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        **{"STRUCTURES": ("er",), "NUMBERS": (33,), "PHOTONS": (20, 500)},
        **{"STEPS": (1,), "TV": (0.0,)},
    }.items():
        monkeypatch.setattr(sim_structures, name, value)
    found = sim_structures.structures(SMOOTH, setting)
    assert [one.rule for one in found] == ["above"] * 4
    assert all("Richardson-Lucy" in one.beside for one in found)
    dim, bright = found[0], found[2]
    assert bright.goal > dim.goal
    same = Subject("richardson-lucy", options=("scale=2", "fwhm=4", "iterations=1"))
    assert not any(one.met for one in sim_structures.structures(same, setting))
    light, top = sim_structures.brightest(BICUBIC, setting)[:2]
    assert light.met
    assert not top.met  # blurred as it is
