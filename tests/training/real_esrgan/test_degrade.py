from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from w2s_cli.training.patches import real_esrgan_patches
from w2s_cli.training.patches.real_esrgan_patches import Degraded, degrade
from w2s_cli.training.recipe_tables import RealEsrgan, SecondStage, Stage

DRAWS = 400
MILD = RealEsrgan(
    first=Stage(sinc=0, sigma=(0.5, 1), noise=(1, 3), gaussian=1, jpeg=(90, 95)),
    second=SecondStage(sinc=0, sigma=(0.5, 1), noise=(1, 3), gaussian=1, jpeg=(90, 95)),
    final_sinc=0.5,
)


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.standard_normal((120, 120)), 2.5)
    return np.clip(0.4 + smooth * 2.5, 0, 1).astype(np.float32)


def _made(
    sharp: np.ndarray, seed: int, options: RealEsrgan, scale: int = 2
) -> Degraded:
    return degrade(sharp, scale, options, np.random.default_rng(seed))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_input_is_small_and_of_eight_bits(sharp: np.ndarray, scale: int) -> None:
    for seed in range(5):
        made = _made(sharp, seed, RealEsrgan(), scale)
        assert made.low.shape == (120 // scale, 120 // scale)
        assert made.low.dtype == np.float32
        grays = np.round(made.low * 255)
        np.testing.assert_array_equal(
            made.low, grays.astype(np.float32) / np.float32(255)
        )
        assert 0 <= grays.min() <= grays.max() <= 255
        assert made.high is sharp
        assert made.sharpened.shape == sharp.shape


def test_the_generator_decides_everything(sharp: np.ndarray) -> None:
    first, again, other = (_made(sharp, seed, RealEsrgan()).low for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_input_and_truth_lie_on_each_other(sharp: np.ndarray) -> None:
    """Whatever sizes an image goes through, nothing in it moves."""
    for seed in range(30):
        low = _made(sharp, seed, MILD).low
        half = sharp.reshape(60, 2, 60, 2).mean((1, 3))

        def likeness(y: int, x: int, low: np.ndarray = low, half=half) -> float:
            moved = np.roll(half, (y, x), (0, 1))[4:-4, 4:-4]
            return float(np.corrcoef(moved.ravel(), low[4:-4, 4:-4].ravel())[0, 1])

        shifts = [(y, x) for y in range(-2, 3) for x in range(-2, 3)]
        assert max(shifts, key=lambda shift: likeness(*shift)) == (0, 0), seed


def test_steps_happen_in_order_and_as_often_as_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[str] = []

    def spy(place: object, name: str, step: str) -> None:
        real = getattr(place, name)

        def spied(*given: object) -> object:
            steps.append(step)
            return real(*given)

        monkeypatch.setattr(place, name, spied)

    spy(real_esrgan_patches, "draw_kernel", "blur")
    spy(real_esrgan_patches, "draw_low_pass", "filter")
    spy(real_esrgan_patches, "resized", "size")
    spy(real_esrgan_patches, "add_noise", "noise")
    spy(real_esrgan_patches, "compress", "jpeg")
    image = np.full((16, 16), 0.5, np.float32)
    rows = []
    for seed in range(DRAWS):
        steps.clear()
        _made(image, seed, RealEsrgan())
        rows.append(" ".join(steps))
    first, second = "blur size noise jpeg ", "size noise "
    ends = ("size jpeg", "size filter jpeg", "jpeg size", "jpeg size filter")
    known = {
        first + blur + second + end: share * half
        for blur, share in (("blur ", 0.8), ("", 0.2))
        for end, half in zip(ends, (0.1, 0.4, 0.1, 0.4), strict=True)
    }
    assert set(rows) <= set(known)
    for row, share in known.items():
        spread = np.sqrt(share * (1 - share) / DRAWS)
        assert abs(rows.count(row) / DRAWS - share) < 4 * spread, row


def test_without_noise_blur_or_rings_only_the_sizes_are_left(sharp: np.ndarray) -> None:
    none = {"blur": 0.0, "gaussian": 1.0, "noise": (0.0, 0.0), "jpeg": (100.0, 100.0)}
    keep = {**none, "resize": (0.0, 0.0, 1.0)}
    options = RealEsrgan(replace(Stage(), **keep), replace(SecondStage(), **keep), 0)
    errors = []
    for seed in range(8):
        made = _made(sharp, seed, options)
        half = made.sharpened.reshape(60, 2, 60, 2).mean((1, 3))
        errors.append(abs(made.low - half)[2:-2, 2:-2].max())
    assert max(errors) < 0.06  # a bicubic half is not the mean
    assert min(errors) < 2 / 255  # any other is: rounding alone
