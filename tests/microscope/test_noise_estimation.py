import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

from w2s_cli.errors import InputError
from w2s_cli.microscope import noise_estimation
from w2s_cli.microscope.noise_estimation import Dark, fit_noise
from w2s_cli.microscope.noise_model import NoiseModel

W2S = Path(__file__).parents[2] / "../shared/data/w2s"
HINT = "w2s restore takes a noise model that you know: --gain, --offset, --read-noise"


def structured(size=384, peak=60.0, seed=0):
    """Blobs, filaments and background, blurred as by a microscope, in photons."""
    rng = np.random.default_rng(seed)
    spots = (rng.random((size, size)) > 0.997) * rng.exponential(1, (size, size))
    y, x = np.mgrid[:size, :size] / size
    lines = np.abs(np.sin(9 * x + 4 * np.sin(5 * y + seed))) < 0.04
    haze = np.exp(-((x - 0.4) ** 2 + (y - 0.6) ** 2) / 0.08)
    image = 2 * gaussian_filter(spots, 1.6) / 0.03 + 2 * gaussian_filter(
        lines * 1.0, 1.6
    )
    return peak * ((image + 2 * haze) / 4 + 0.05).astype(np.float32)


def exposure(model, photons, seed=1):
    noisy = model.sample(photons, np.random.default_rng(seed))
    return np.clip(np.rint(noisy), 0, 65535).astype(np.uint16)


def noise_at(fit, counts):
    return np.sqrt(fit.slope * counts + fit.intercept)


@pytest.mark.parametrize("peak", [5, 40, 400])
@pytest.mark.parametrize(
    ("gain", "offset", "read_noise"), [(1.0, 100, 1.0), (13, 105, 8), (40, 0, 0)]
)
def test_recovers_the_noise_of_a_structured_field(gain, offset, read_noise, peak):
    model = NoiseModel(gain, offset, read_noise)
    photons = structured(peak=peak)
    fit = fit_noise([exposure(model, photons)])
    assert fit.slope == pytest.approx(gain, rel=0.1)
    for level in np.percentile(photons, [10, 50, 99]) * gain + offset:
        truth = np.sqrt(model.variance(np.float32(level)))
        assert noise_at(fit, level) == pytest.approx(truth, rel=0.06)


def test_the_model_has_the_variance_of_the_line_fitted():
    fit = fit_noise([exposure(NoiseModel(13, 105, 8), structured())])
    counts = np.array([200, 400, 900], np.float32)
    expected = fit.slope * counts + fit.intercept
    assert fit.model.gain == fit.slope
    assert fit.model.variance(counts) == pytest.approx(expected, rel=1e-5)


def test_a_negative_intercept_is_an_offset():
    fit = fit_noise([exposure(NoiseModel(13, 105, 0), structured())])
    assert fit.model.read_noise == pytest.approx(0, abs=1e-3)
    assert fit.model.offset == pytest.approx(105, abs=0.6 * 13)


def test_a_positive_intercept_is_read_noise():
    model = NoiseModel(2, 0, 6)
    fit = fit_noise([model.sample(structured(), np.random.default_rng(1)) + 10])
    assert fit.model.offset == 0
    assert fit.model.read_noise == pytest.approx(np.sqrt(36 - 2 * 10), rel=0.25)


def test_stabilised_noise_is_one():
    model = NoiseModel(5, 200, 12)
    photons = structured(peak=80)
    frames = [exposure(model, photons, seed) for seed in (1, 2)]
    first, second = (fit_noise(frames[:1]).model.stabilise(frame) for frame in frames)
    assert np.std(first - second) / np.sqrt(2) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("peak", [3, 8])
def test_few_photons_in_a_small_image_still_tell_the_gain(peak):
    model, found = NoiseModel(2.2, 100, 3), []
    for seed in range(8):
        photons = structured(128, peak, seed)
        fit = fit_noise([exposure(model, photons, seed)])
        counts = model.counts(np.percentile(photons, [1, 50, 99]))
        truth = model.variance(counts) + 1 / 12
        assert fit.line.variance(counts) == pytest.approx(truth, rel=0.2)
        assert fit.slope == pytest.approx(2.2, abs=3 * fit.line.slope_error)
        found.append(fit.slope)
    assert np.median(found) == pytest.approx(2.2, rel=0.15)
    assert max(found) / min(found) < 2.5


def test_what_cannot_be_told_has_a_large_error():
    for light in 0.3, 40.0:
        flat = np.full((128, 128), light, np.float32)
        fit = fit_noise([exposure(NoiseModel(2.2, 100, 3), flat)])
        assert fit.line.slope_error > 0.5 * fit.slope
        truth = 9 + 2.2**2 * light
        assert fit.line.variance(100 + 2.2 * light) == pytest.approx(truth, rel=0.1)


def test_a_line_that_is_known_is_left_as_it_is(monkeypatch):
    counts = exposure(NoiseModel(13, 105, 8), structured())
    monkeypatch.setattr(noise_estimation, "faint_line", None)
    assert fit_noise([counts]).slope == pytest.approx(13, rel=0.1)


@pytest.mark.parametrize("scale", [0.01, 7.0])
def test_scaling_the_counts_scales_the_gain(scale):
    counts = exposure(NoiseModel(13, 105, 8), structured())
    fit, scaled = fit_noise([counts]), fit_noise([counts * scale])
    assert scaled.slope == pytest.approx(scale * fit.slope, rel=0.01)
    assert scaled.model.offset == pytest.approx(scale * fit.model.offset, rel=0.02)


def test_counts_added_move_the_offset():
    counts = exposure(NoiseModel(13, 105, 8), structured())
    fit, moved = fit_noise([counts]), fit_noise([counts + np.uint16(500)])
    assert moved.slope == pytest.approx(fit.slope, rel=0.01)
    assert moved.model.offset == pytest.approx(fit.model.offset + 500, rel=0.01)


def test_negative_counts_keep_their_noise():
    model = NoiseModel(13, 105, 8)
    counts = exposure(model, structured()).astype(np.float32)
    fit = fit_noise([counts - 5000])
    truth = model.variance(np.float32(300))
    assert fit.model.variance(np.float32(300 - 5000)) == pytest.approx(truth, rel=0.1)


def test_planes_of_a_channel_are_pooled():
    model = NoiseModel(13, 105, 8)
    planes = [exposure(model, structured(96, seed=n), seed=n) for n in range(6)]
    assert fit_noise(planes).slope == pytest.approx(13, rel=0.1)


def test_noise_that_light_does_not_change_is_read_noise():
    photons = structured(peak=3000)
    read = np.random.default_rng(1).normal(0, 25, photons.shape)
    fit = fit_noise([photons + read])
    level = np.float32(photons.mean())
    assert fit.slope > 0
    assert np.sqrt(fit.model.variance(level)) == pytest.approx(25, rel=0.05)


def test_a_black_level_cut_at_zero_does_not_hide_the_noise():
    model = NoiseModel(13, -4, 10)
    photons = structured(peak=40)
    counts = exposure(model, photons)
    assert np.mean(counts == 0) > 0.03
    level = np.float32(20 * 13 - 4)
    truth = np.sqrt(model.variance(level))
    assert noise_at(fit_noise([counts]), level) == pytest.approx(truth, rel=0.1)


def test_a_saturated_part_does_not_hide_the_noise():
    model = NoiseModel(13, 105, 8)
    counts = np.minimum(exposure(model, structured(peak=60)), 600)
    assert np.mean(counts == 600) > 0.02
    assert fit_noise([counts]).slope == pytest.approx(13, rel=0.15)


def test_a_blank_border_does_not_hide_the_noise():
    counts = exposure(NoiseModel(13, 105, 8), structured())
    counts[:, :120] = 0
    assert fit_noise([counts]).slope == pytest.approx(13, rel=0.1)


@pytest.mark.parametrize("peak", [20, 400])
def test_hot_pixels_do_not_count(peak):
    counts = exposure(NoiseModel(2.2, 100, 3), structured(512, peak))
    rng = np.random.default_rng(2)
    hot = rng.random(counts.shape) < 2e-4
    counts[hot] += rng.exponential(800, hot.sum()).astype(np.uint16)
    assert fit_noise([counts]).slope == pytest.approx(2.2, rel=0.1)


def test_a_dark_frame_tells_offset_from_read_noise():
    counts = exposure(NoiseModel(2.2, 100, 3), structured())
    fit = fit_noise([counts], Dark(100.4, 3.1))
    assert (fit.model.offset, fit.model.read_noise) == (100.4, 3.1)
    assert fit.model.gain == pytest.approx(2.2, rel=0.03)
    assert fit.line.slope_error < fit_noise([counts]).line.slope_error


@pytest.mark.parametrize("offset", [130, 400])
def test_the_dark_frame_of_another_camera(offset):
    counts = exposure(NoiseModel(2.2, 100, 3), structured())
    with pytest.raises(InputError, match="the image goes down to 10") as caught:
        fit_noise([counts], Dark(offset, 3))
    assert str(caught.value).endswith(f"below the dark frame with {offset}")
    assert caught.value.hint.startswith("dark frames are of the same camera")


def test_structure_as_fine_as_a_pixel_is_overestimated():
    rng = np.random.default_rng(0)
    photons = (60 * (rng.random((256, 256)) > 0.95) + 5).astype(np.float32)
    fit = fit_noise([exposure(NoiseModel(2, 100, 2), photons)])
    assert fit.slope > 2


def test_a_white_image_has_no_correlation():
    fit = fit_noise([exposure(NoiseModel(13, 105, 8), structured())])
    assert fit.correlation == pytest.approx(0, abs=0.08)


@pytest.mark.parametrize("peak", [1000, 5000])
def test_fine_structure_in_much_light_is_no_correlation(peak):
    counts = exposure(NoiseModel(2.2, 100, 3), structured(512, peak))
    assert fit_noise([counts]).correlation == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("peak", [40, 400, 1500])
@pytest.mark.parametrize("side", [96, 128, 160])
def test_structure_of_a_small_bright_crop_is_no_correlation(peak, side):
    camera = NoiseModel(2.2, 100.0, 2.0)
    plane = exposure(camera, structured(side, peak))
    assert abs(fit_noise([plane]).correlation) < 0.1
    moved = shift(plane.astype(np.float32), (0.3, 0.5), order=1, mode="nearest")
    assert fit_noise([moved]).correlation > 0.3


@pytest.mark.parametrize("sigma", [1, (0, 1)], ids=["both axes", "along x"])
def test_a_smoothed_image_has_correlated_neighbours(sigma):
    counts = exposure(NoiseModel(13, 105, 8), structured()).astype(np.float32)
    fit = fit_noise([gaussian_filter(counts, sigma)])
    assert fit.correlation == pytest.approx(np.exp(-1 / 4), abs=0.1)


def test_the_smallest_image_gives_the_right_order():
    flat = np.full((32, 32), 20, np.float32)
    fit = fit_noise([exposure(NoiseModel(5, 100, 0), flat)])
    assert noise_at(fit, 200) == pytest.approx(np.sqrt(500), rel=0.5)


def clipped():
    counts = exposure(NoiseModel(13, 105, 8), structured(128))
    return np.minimum(counts, 150)


@pytest.mark.parametrize("light", [0.03, 0.1])
def test_few_photons_counted_are_noise(light):
    photons = light * (0.3 + structured(256, peak=1.0))
    fit = fit_noise([exposure(NoiseModel(1, 100, 0), photons)])
    assert fit.slope == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            np.ones((31, 400)),
            "31 x 400 pixels are too few to estimate noise, which takes 32 x 32",
        ),
        (np.zeros((64, 64), np.uint16), "every pixel of the image is 0"),
        (np.full((64, 64), 7.5), "every pixel of the image is 7.5"),
        (np.full((64, 64), np.nan), "the image holds NaN or infinite values"),
        (structured(128), "the image shows no noise from pixel to pixel"),
        (
            gaussian_filter(structured(128), 3).astype(np.uint8),
            "the image shows no noise from pixel to pixel",
        ),
        (np.eye(1, 4096).reshape(64, 64), "nearly the whole image is clipped"),
        (clipped(), "nearly the whole image is clipped at its lowest or highest value"),
    ],
    ids=["small", "zero", "constant", "nan", "clean", "rounded", "one", "saturated"],
)
def test_says_why_the_noise_cannot_be_estimated(image, message):
    with pytest.raises(InputError) as caught:
        fit_noise([image])
    assert str(caught.value).startswith(message)
    assert caught.value.hint == HINT


def test_no_plane_at_all():
    with pytest.raises(InputError, match=r"^no pixels are too few"):
        fit_noise([])


@pytest.mark.skipif(not W2S.exists(), reason="the W2S images are not here")
def test_real_single_captures_have_the_gain_of_their_camera():
    with (W2S / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::8]
    errors = []
    for row in rows:
        grey = np.asarray(Image.open(W2S / "avg1" / f"{row['image']}.png"))
        gain = 13.1 * float(row["grey_per_count"])
        errors.append(abs(fit_noise([grey]).slope / gain - 1))
    assert np.median(errors) < 0.03
    assert np.quantile(errors, 0.9) < 0.08
