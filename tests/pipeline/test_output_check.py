"""What agrees with its input, and what does not, and how that is said."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

from w2s_cli.microscope.noise_estimation import NoiseFit
from w2s_cli.microscope.noise_levels import BrightnessLevels, VarianceLine
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA, Scene, simulate_scene
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.output_check import OutputCheck
from w2s_cli.stack import Stack

Image = NDArray[np.float32]

KNOWN = Diagnosis((ChannelDiagnosis(model=CAMERA),))


@pytest.fixture(scope="module")
def scenes() -> dict[int, Scene]:
    return {light: simulate_scene(2, photons=light, side=128) for light in (10, 300)}


def checked(
    seen: NDArray[np.generic],
    made: NDArray[np.generic],
    axes: str = "YX",
    known: Diagnosis = KNOWN,
    *,
    rescaled: bool = False,
) -> OutputCheck:
    stack = Stack(seen, axes)
    check = OutputCheck(stack, known, rescaled=rescaled)
    for index in stack.indices():
        check.add(index, made[index])
    return check


@pytest.mark.parametrize("light", [10, 300])
def test_the_truth_agrees_at_both_scales(scenes: dict[int, Scene], light: int) -> None:
    scene = scenes[light]
    for truth in scene.clean, scene.truth:
        check = checked(scene.seen, truth)
        assert check.verdict == "consistent"
        [plane] = check.planes.values()
        assert plane.left == pytest.approx(1, abs=0.1)
        assert plane.p > 0.001
        assert plane.denoised
        assert plane.numbers["denied_objects"] == 0 < plane.numbers["objects"]
        assert plane.numbers["contrast"] == pytest.approx(1, abs=0.1)


def test_the_input_agrees_with_itself_but_is_not_denoised(
    scenes: dict[int, Scene],
) -> None:
    seen = scenes[300].seen
    for made in seen, seen.repeat(2, 0).repeat(2, 1):
        check = checked(seen, made)
        assert check.consistent
        assert check.sentence.startswith(
            "consistent with the input, but not denoised: 100% of the noise is in it"
        )


def test_noise_that_could_not_be_measured_is_a_doubt_not_a_verdict() -> None:
    scene = simulate_scene(2, photons=300, side=128)
    levels = BrightnessLevels(*np.ones((3, 1)), 1.0)
    line = VarianceLine(2.2, -211.0, 1.5, 150.0, -200.0)
    fit = NoiseFit(CAMERA, line, levels, 0.0)
    unsure = ChannelDiagnosis(model=CAMERA, origin="estimated", fit=fit)
    flat = 0.6 * (scene.clean - scene.clean.mean()) + scene.clean.mean()
    check = checked(scene.seen, flat, known=Diagnosis((unsure,)))
    assert (check.verdict, check.consistent) == ("in doubt", True)
    assert check.sentence.startswith(
        "in doubt: the noise of the input could not be measured well enough "
        "(say it with --noise); by its estimate its contrast is 0."
    )
    check = checked(scene.seen, np.rot90(scene.clean), known=Diagnosis((unsure,)))
    assert check.verdict == "not consistent"


def drawn(image: Image) -> Image:
    """Draw a filament of 20 pixels into the dark, brighter than the noise there."""
    y, x = np.mgrid[: len(image), : len(image)] * 128 / len(image)
    line = np.exp(-((y - 20) ** 2) / 2 / 1.2**2) * (abs(x - 25) < 10)
    return np.asarray(image + 90 * line, np.float32)


def erased(image: Image) -> Image:
    image = image.copy()
    y, x = np.unravel_index(gaussian_filter(image, 8).argmax(), image.shape)
    reach = len(image) // 8
    image[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach] = image.min()
    return image


def textured(image: Image) -> Image:
    waves = np.random.default_rng(0).normal(size=image.shape)
    scale = len(image) // 128
    grain = gaussian_filter(waves, scale) - gaussian_filter(waves, 2 * scale)
    return np.asarray(
        image + 0.3 * grain / grain.std() * (image - image.min()), np.float32
    )


SPOILED: dict[str, tuple[Callable[[Image], Image], str]] = {
    "drawn": (drawn, "where it has light that the input lacks"),
    "erased": (erased, "where it lacks light of the input"),
    "stretched": (lambda a: 1.4 * (a - a.mean()) + a.mean(), "its contrast is 1."),
    "flattened": (lambda a: 0.6 * (a - a.mean()) + a.mean(), "its contrast is 0."),
    "moved": (
        lambda a: shift(a, (0, len(a) / 256), order=1, mode="nearest"),
        "it is shifted by",
    ),
    "smooth": (lambda a: gaussian_filter(a, len(a) / 48), "it is smoother than the"),
    "textured": (textured, "squares it differs by more than noise"),
    "another": (np.rot90, "is it of another image?"),
}


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("kind", SPOILED)
def test_what_does_not_agree_is_said(
    scenes: dict[int, Scene], kind: str, scale: int
) -> None:
    spoil, words = SPOILED[kind]
    scene = scenes[300]
    made = spoil(scene.clean if scale == 1 else scene.truth)
    check = checked(scene.seen, made)
    assert check.verdict == "not consistent"
    assert check.sentence.startswith("not consistent with the input: ")
    assert words in check.sentence


@pytest.mark.parametrize(("photons", "seen"), [(50, False), (500, True)])
def test_faint_texture_may_go_with_the_noise(photons: int, seen: bool) -> None:
    rng = np.random.default_rng(0)
    grain = gaussian_filter(rng.standard_normal((192, 192)), 1.2).astype(np.float32)
    wide = gaussian_filter(rng.standard_normal((192, 192)), 8).astype(np.float32)
    smooth = 1 + 0.15 * wide / wide.std()
    light = photons * (smooth + 0.06 * grain / grain.std()).clip(0.2)
    counts = CAMERA.sample(light, rng)
    made = CAMERA.counts(photons * gaussian_filter(light / photons, 1.5))
    [plane] = checked(counts, made).planes.values()
    assert any("smoother" in reason for reason in plane.reasons) is seen


def test_the_shift_is_that_of_the_output(scenes: dict[int, Scene]) -> None:
    made = shift(scenes[300].truth, (0.8, 0), order=1, mode="nearest")
    [plane] = checked(scenes[300].seen, made).planes.values()
    assert plane.numbers["shift_y"] == pytest.approx(0.4, abs=0.15)
    assert plane.numbers["shift_x"] == pytest.approx(0, abs=0.05)


def test_other_units_need_a_word(scenes: dict[int, Scene]) -> None:
    scene = scenes[300]
    made = (scene.truth - 90) / 1000
    assert "its contrast is 0.00" in checked(scene.seen, made).sentence
    check = checked(scene.seen, made, rescaled=True)
    assert check.consistent
    assert "contrast" not in check.as_json()["worst"][0]


@pytest.mark.parametrize("scale", [1, 2])
def test_structure_that_is_not_supported_is_marked(
    scenes: dict[int, Scene], scale: int
) -> None:
    for light, most in (300, 0.005), (10, 1.0):
        scene = scenes[light]
        truth = scene.clean if scale == 1 else scene.truth
        check = checked(scene.seen, truth)
        assert check.worst[0].agreement.structure.mean() > 0.05
        [plane] = check.planes.values()
        assert plane.unsupported <= most
    scene = scenes[300]
    made = drawn(scene.clean if scale == 1 else scene.truth)
    marked = checked(scene.seen, made).worst[0].agreement.unsupported
    # A sharper image may have more than its input can tell.
    assert marked[19:22, 18:32].mean() > (0.9 if scale == 1 else 0.5)
    assert marked[40:].mean() < 0.01


@pytest.mark.parametrize("scale", [1, 2])
def test_the_input_denies_what_was_drawn_and_upholds_the_rest(
    scenes: dict[int, Scene], scale: int
) -> None:
    scene = scenes[300]
    made = drawn(scene.clean if scale == 1 else scene.truth)
    check = checked(scene.seen, made)
    objects = check.worst[0].agreement.objects
    assert "lines and spots the input denies" in check.sentence
    assert 1 <= objects.denied.sum() <= 6
    y, x = np.nonzero(objects.mask)
    assert (abs(y - 20) < 6).all()
    assert (abs(x - 25) < 16).all()
    assert (objects.amount[objects.denied] < 0.3).all()
    assert (objects.log_ratio[objects.denied] < 0).all()
    [plane] = check.planes.values()
    assert plane.as_json()["denied_objects"] == objects.denied.sum()


def test_too_little_light_denies_nothing() -> None:
    """Of an object that the noise hides the input says nothing, for or against."""
    scene = simulate_scene(2, photons=1, side=128)
    found = checked(scene.seen, drawn(scene.clean) / 10 + 90).worst[0].agreement.objects
    assert not found.denied[found.error >= 0.2].any()


def test_what_says_nothing_of_the_light_is_left_out(scenes: dict[int, Scene]) -> None:
    scene = scenes[300]
    seen, made = scene.seen.astype(np.float32), scene.truth.copy()
    seen[:, 100:] = np.nan  # outside of a mosaic
    made[:, 200:] = np.nan
    assert checked(seen, made).consistent
    bright = np.minimum(scene.seen, top := 255)
    assert (bright == top).mean() > 0.01
    assert checked(bright.astype(np.uint8), scene.clean).consistent


def test_pixels_that_were_lost_are_told(scenes: dict[int, Scene]) -> None:
    made = scenes[300].truth.copy()
    made[:4] = np.nan
    check = checked(scenes[300].seen, made)
    assert check.sentence == (
        "not consistent with the input: 1.56% of its pixels are no numbers"
    )


def test_correlated_noise_is_no_structure(scenes: dict[int, Scene]) -> None:
    rng = np.random.default_rng(0)
    clean = scenes[300].clean
    noise = gaussian_filter(rng.normal(size=clean.shape), 0.7)
    seen = (clean + 20 * noise / noise.std()).astype(np.float32)
    lags = np.exp(-np.add.outer(np.arange(4) ** 2, np.arange(-3, 4) ** 2) / 4 / 0.7**2)
    table = tuple(tuple(float(one) for one in row) for row in lags)
    for correlation, verdict in (table, "consistent"), (None, "not consistent"):
        model = NoiseModel(1e-3, 0, 20, correlation)
        known = Diagnosis((ChannelDiagnosis(model=model),))
        assert checked(seen, clean, known=known).verdict == verdict


def test_of_a_stack_the_worst_plane_is_told(scenes: dict[int, Scene]) -> None:
    scene = scenes[300]
    seen = np.stack([scene.seen] * 3)
    made = np.stack([scene.clean, drawn(scene.clean), scene.clean])
    check = checked(seen, made, "TYX")
    assert check.sentence.startswith(
        "not consistent with the input: 1 of 3 planes, most frame 2: in "
    )
    assert [one.consistent for one in check.planes.values()] == [True, False, True]
    found = check.as_json()
    assert (found["planes"], found["inconsistent_planes"]) == (3, 1)
    assert found["worst"][0]["plane"] == "frame 2"
    assert found["worst"][0]["rsp"] > 0.9


def test_channels_have_noise_of_their_own_and_may_be_blank(
    scenes: dict[int, Scene],
) -> None:
    scene = scenes[300]
    dim, blank = scene.seen // 2, np.full_like(scene.seen, 90)
    seen = np.stack([scene.seen, dim, blank])
    half = NoiseModel(CAMERA.gain / 2, CAMERA.offset / 2, CAMERA.read_noise / 2)
    known = Diagnosis(
        (
            ChannelDiagnosis(model=CAMERA),
            ChannelDiagnosis(model=half),
            ChannelDiagnosis(model=CAMERA, origin="blank"),
        )
    )
    made = np.stack([scene.clean, scene.clean / 2, blank.astype(np.float32)])
    check = checked(seen, made, "CYX", known)
    assert check.consistent
    assert [one.channel for one in check.planes.values()] == [0, 1]
    assert len(check.as_json()["worst"]) == 2


def test_a_plane_that_is_too_small_is_not_compared() -> None:
    plane = np.random.default_rng(0).poisson(50, (20, 20)).astype(np.float32)
    check = checked(plane, plane)
    assert check.verdict == "not compared"
    assert check.sentence == "not compared: too few pixels say anything"
