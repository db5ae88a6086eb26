from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import fourier_shift

from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import simulate_field
from w2s_cli.training.patches.noisy_patches import drift, fit_patch_side
from w2s_cli.training.recipe import Recipe, UnitName, load
from w2s_cli.training.recipe_tables import Network, Patches

Plane = NDArray[np.float32]
UNIT = NoiseModel(1.0)


@pytest.fixture(scope="module")
def light() -> Plane:
    """Photons of a cell that fills its square."""
    return 30 * simulate_field(192, np.random.default_rng(4)) + 1


def _moved(light: Plane, y: float, x: float) -> Plane:
    spectrum = fourier_shift(np.fft.fft2(light), (y, x))
    return np.asarray(np.maximum(np.fft.ifft2(spectrum).real, 0), np.float32)


def _capture(light: Plane, seed: int) -> Plane:
    return UNIT.stabilise(UNIT.sample(light, np.random.default_rng(seed)))


def _noise(height: int, width: int, seed: int = 0) -> Plane:
    return np.random.default_rng(seed).standard_normal((height, width), np.float32)


def _recipe(name: str = "n2v", side: int = 64) -> Recipe:
    return replace(load(name), patches=Patches(side=side, batch=2))


@pytest.mark.parametrize(
    ("name", "shape", "side"),
    [
        *(("n2v", (64, 64), 64), ("n2v", (500, 65), 64), ("n2s", (512, 512), 64)),
        *(("n2sr", (64, 64), 32), ("n2sr", (512, 100), 48), ("n2sr", (128, 200), 64)),
    ],
)
def test_patches_fit_into_the_smallest_image(
    name: str, shape: tuple[int, int], side: int
) -> None:
    places = [[_noise(600, 700)], [_noise(*shape)]]
    recipe = fit_patch_side(_recipe(name), places)
    assert recipe.patches == Patches(side=side, batch=2)
    assert replace(recipe, patches=Patches()) == replace(
        _recipe(name), patches=Patches()
    )


def test_small_images_are_told() -> None:
    with pytest.raises(
        InputError,
        match=r"^an image of 63 x 200 pixels is too small to train on: "
        r"it takes 64 x 64$",
    ) as caught:
        fit_patch_side(_recipe(), [[_noise(100, 100)], [_noise(63, 200)]])
    assert "--train-on takes larger images" in caught.value.hint


def test_images_smaller_than_the_network_takes_are_told() -> None:
    deep = replace(_recipe("n2sr"), network=Network("unet", {"levels": 7, "scale": 2}))
    with pytest.raises(
        InputError, match=r"^an image of 120 x 90 pixels .*: it takes 128 x 128$"
    ):
        fit_patch_side(deep, [[_noise(300, 300)], [_noise(120, 90)]])


def test_constant_images_are_told() -> None:
    flat = np.full((70, 70), 3, np.float32)
    with pytest.raises(
        InputError,
        match=r"^an image without any structure or noise has nothing to fit$",
    ) as caught:
        fit_patch_side(_recipe(), [[_noise(70, 70)], [flat]])
    assert caught.value.hint == "is it the right channel, and exposed?"


def test_single_captures_are_told() -> None:
    with pytest.raises(
        InputError,
        match=r"^n2n is fitted to captures of the same place, and there is one of each",
    ) as caught:
        fit_patch_side(_recipe("n2n"), [[_noise(70, 70)], [_noise(70, 70)]])
    assert "--axes TYX" in caught.value.hint
    assert fit_patch_side(_recipe("n2v"), [[_noise(70, 70)]])


@pytest.mark.parametrize(
    ("units", "spread"), [("root", 1.0), ("z", 0.2), ("unit", 0.01), ("z", 50.0)]
)
def test_captures_that_have_moved_are_told(
    light: Plane, units: UnitName, spread: float
) -> None:
    planes = [
        np.float32(spread) * _capture(light, 0),
        np.float32(spread) * _capture(light, 1),
        np.float32(spread) * _capture(_moved(light, 3, -4), 2),
    ]
    n2n = replace(_recipe("n2n"), units=units)
    with pytest.raises(
        InputError,
        match=r"^captures 1 and 2 have moved by (4\.9|5\.0|5\.1) pixels against each "
        "other; n2n is fitted to what stays in place$",
    ) as caught:
        fit_patch_side(n2n, [planes])
    assert caught.value.hint == "register them, or use --method n2sr"
    assert fit_patch_side(n2n, [planes[:2]])
    assert fit_patch_side(_recipe("n2v"), [planes])


@pytest.mark.parametrize(
    ("y", "x"), [(0, 0), (0.3, 0), (0.4, -0.6), (-1.5, 2.25), (0, 7), (20, -3.5)]
)
def test_a_drift_is_found_under_noise(light: Plane, y: float, x: float) -> None:
    one, other = _capture(light, 1), _capture(_moved(light, y, x), 2)
    assert drift(one, other) == pytest.approx(np.hypot(y, x), abs=0.2)
    assert drift(other, one) == pytest.approx(np.hypot(y, x), abs=0.2)


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_has_no_drift(seed: int) -> None:
    assert drift(_noise(128, 160, seed), _noise(128, 160, seed + 100)) == 0.0
