import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from w2s_cli.microscope.defects import (
    BLINKING,
    DEAD,
    HOT,
    LINE,
    filled,
    find_defects,
    map_defects,
    no_defects,
)
from w2s_cli.microscope.line_defects import find_line_defects
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.noise_with_defects import fit_noise_with_defects

CAMERA = NoiseModel(2.2, 100, 3)
SIDE = 192


def light(seed=0, photons=40.0, side=SIDE, blur=1.0, count=60):
    """Return beads as narrow as a blur of `blur` pixels on even light, in photons."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    field = np.full((side, side), 4.0)
    for _ in range(count):
        at = rng.uniform(4, side - 5, 2)
        field += photons * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 2 / blur**2)
    return field + photons / 4 * np.exp(-((x - side / 2) ** 2) / side * 0.05)


def exposure(photons, seed=1):
    noisy = CAMERA.sample(photons.astype(np.float32), np.random.default_rng(seed))
    return np.clip(np.rint(noisy), 0, 65535).astype(np.uint16)


def with_hot(counts, share=0.003, most=1500, seed=2):
    rng = np.random.default_rng(seed)
    hot = rng.random(counts.shape) < share
    worse = counts.copy()
    worse[hot] += rng.uniform(100, most, hot.sum()).astype(counts.dtype)
    return worse, hot


@pytest.mark.parametrize("photons", [10, 100, 1000])
@pytest.mark.parametrize("blur", [0.8, 1.3])
def test_a_bead_as_wide_as_the_blur_is_no_defect(photons, blur):
    found = find_defects(exposure(light(3, photons, blur=blur)), CAMERA)
    assert not found.found
    assert found.words == "no defects"


def test_hot_pixels_are_found_and_filled():
    truth = light()
    counts, hot = with_hot(exposure(truth))
    found = find_defects(counts, CAMERA)
    assert np.count_nonzero(hot & ~found.unknown) <= 0.05 * hot.sum()
    assert np.count_nonzero(found.unknown & ~hot) == 0
    error = found.repaired(counts) - CAMERA.counts(truth.astype(np.float32))
    assert np.abs(error[found.unknown]).mean() < 15


@pytest.mark.parametrize("deviations", [15, 50])
def test_hot_pixels_of_many_standard_deviations_are_not_missed(deviations):
    counts = exposure(np.full((SIDE, SIDE), 20.0))
    hot = np.random.default_rng(4).random(counts.shape) < 2e-3
    spread = np.sqrt(CAMERA.variance(np.float32(144)))
    counts[hot] += np.uint16(deviations * spread)
    assert (hot == find_defects(counts, CAMERA).unknown).mean() > 0.9999


def test_dead_pixels_are_found():
    counts = exposure(np.full((SIDE, SIDE), 60.0))
    dead = np.random.default_rng(5).random(counts.shape) < 2e-3
    counts[dead] = 100
    found = find_defects(counts, CAMERA)
    assert (found.kinds[dead] == DEAD).all()
    assert found.as_json()["dead"] == dead.sum()
    assert found.as_json()["hot"] == 0


@pytest.mark.parametrize("share", [0.001, 0.005])
def test_the_gain_is_right_in_spite_of_hot_pixels(share):
    counts = exposure(light(6, 80, side=256))
    worse, _ = with_hot(counts, share)
    fit, found = fit_noise_with_defects([worse])
    assert found[0].found
    assert fit.model.gain == pytest.approx(fit_noise([counts]).model.gain, rel=0.07)


def test_without_defects_the_noise_is_that_of_before():
    counts = exposure(light(7))
    fit, found = fit_noise_with_defects([counts])
    assert fit.model == fit_noise([counts]).model
    assert (found[0].repaired(counts) == counts).all()


def test_correlated_noise_has_smeared_every_defect():
    rng = np.random.default_rng(8)
    sharp = light(7) + rng.normal(0, 3, (SIDE, SIDE))
    smeared = (sharp + np.roll(sharp, 1, 0)) / 2
    assert not fit_noise_with_defects([smeared])[1][0].found


def test_lost_columns_are_unknown():
    truth = light(9, 100)
    counts = exposure(truth)
    counts[:, 77] = 0
    counts[:, 130:132] = 100
    found = find_defects(counts, CAMERA)
    assert np.flatnonzero(found.columns.lost).tolist() == [77, 130, 131]
    assert (found.kinds[:, [77, 130, 131]] == LINE).all()
    assert "3 lost columns" in found.words


@pytest.mark.parametrize("axis", [0, 1])
def test_offsets_of_lines_are_taken_out(axis):
    counts = exposure(light(10, side=256)).astype(np.float32)
    shape = (256, 1) if axis == 0 else (1, 256)
    shift = np.random.default_rng(11).normal(0, 4, shape).astype(np.float32)
    found = find_defects(counts + shift, CAMERA)
    lines = found.rows if axis == 0 else found.columns
    assert np.corrcoef(lines.offset, shift.ravel())[0, 1] > 0.93
    left = found.repaired(counts + shift) - counts
    assert left.mean(axis=1 - axis).std() < 0.45 * shift.std()


def test_a_flickering_laser_is_evened_out():
    truth = light(12, side=256) * 5
    flicker = 1 + np.random.default_rng(13).normal(0, 0.08, (256, 1))
    lines = find_line_defects(exposure(truth * flicker).astype(np.float32), CAMERA)
    assert lines.flickers
    assert not lines.shifts
    assert np.corrcoef(lines.light, flicker.ravel())[0, 1] > 0.9


def test_two_amplifiers_a_few_counts_apart():
    counts = exposure(light(14, side=256)).astype(np.float32)
    counts[:, 128:] += 4
    found = find_defects(counts, CAMERA)
    assert found.columns.amplifiers == pytest.approx(4, abs=0.8)
    assert found.words.startswith("two amplifiers +")


def test_a_map_from_many_scenes_knows_weak_and_blinking_pixels():
    planes = [exposure(light(20 + n), 30 + n).astype(np.float32) for n in range(10)]
    for number, plane in enumerate(planes):
        plane[50, 60] += 45
        plane[90, 20] += 300 * (number % 3 == 0)
        plane[100, 100 + number] += 400
    kinds = map_defects(planes, [CAMERA] * 10)
    assert kinds[50, 60] == HOT
    assert kinds[90, 20] == BLINKING
    assert np.count_nonzero(kinds) == 2


def test_what_a_map_knows_is_filled():
    counts = exposure(light(15))
    known = np.zeros(counts.shape, np.uint8)
    known[40, 40] = HOT
    found = find_defects(counts, CAMERA, known)
    assert found.unknown[40, 40]
    assert found.repaired(counts)[40, 40] != counts[40, 40]


def test_filling_keeps_known_pixels_and_bridges_gaps():
    plane = np.arange(400, dtype=np.float32).reshape(20, 20)
    unknown = np.zeros((20, 20), bool)
    unknown[5:12, 6:13] = True
    result = filled(plane, unknown)
    assert (result[~unknown] == plane[~unknown]).all()
    assert np.abs(result - plane)[unknown].max() < 60


@pytest.mark.parametrize("side", [1, 8, 31])
def test_small_planes_have_no_lines(side):
    counts = exposure(np.full((side, 40), 20.0))
    assert not find_defects(counts, CAMERA).rows.found
    assert not no_defects(counts, CAMERA).found


def test_objects_in_rows_and_columns_are_no_flicker():
    truth = np.full((256, 256), 10.0)
    y, x = np.mgrid[:256, :256]
    rng = np.random.default_rng(16)
    for at in np.ndindex(10, 10):
        top, left = 20 + 24 * np.array(at) + rng.uniform(-0.5, 0.5, 2)
        truth += 300 * np.exp(-((y - top) ** 2 + (x - left) ** 2) / 1.3)
    counts = exposure(truth).astype(np.float32)
    assert find_line_defects(counts, CAMERA).flickers
    found = find_defects(counts, CAMERA, even_lines=True)
    assert not found.rows.found
    assert not found.columns.found
    assert np.array_equal(found.repaired(counts), counts)


def test_what_changes_by_degrees_is_no_line_defect():
    wave = 1 + 0.3 * gaussian_filter1d(np.random.default_rng(17).normal(size=256), 3)
    counts = exposure(np.full((256, 256), 200.0) * wave[:, None]).astype(np.float32)
    assert not find_line_defects(counts, CAMERA).found
