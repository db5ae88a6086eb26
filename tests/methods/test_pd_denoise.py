import numpy as np
import pytest

from w2s_cli.errors import UsageError
from w2s_cli.methods.pd_denoise import PdDenoise
from w2s_cli.methods.shipped import Denoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.tiling import restore_plane


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_each_nth_pixel_is_denoised_apart(stride: int) -> None:
    rng = np.random.default_rng(0)
    planes = rng.normal(10, 1, (2, 24 * stride, 32 * stride)).astype(np.float32)
    made = PdDenoise(stride, 0.0, device="cpu", precision="fp32")(planes)
    apart = np.ascontiguousarray(planes[:, 1 % stride :: stride, ::stride])
    alone = Denoise(None, "cpu", "fp32")(apart)
    np.testing.assert_allclose(
        made[:, 1 % stride :: stride, ::stride], alone, atol=1e-4
    )


def test_tiles_make_no_difference_and_any_size_will_do() -> None:
    method = PdDenoise(2, 0.7, device="cpu", precision="fp32")
    plane = np.random.default_rng(1).normal(10, 1, (139, 151)).astype(np.float32)
    whole, tiled = (restore_plane(plane, method, tile=tile) for tile in (512, 64))
    np.testing.assert_allclose(whole, tiled, atol=1e-3)


def test_noise_counts_once_it_is_known() -> None:
    dark = np.full((1, 32, 32), 6, np.float32)
    noise = NoiseModel(1.0, 0.0, 50.0)
    plain, told = PdDenoise(device="cpu"), PdDenoise(device="cpu").with_noise(noise)
    assert np.abs(plain(dark) - told(dark)).max() > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "option stride must be 1 or more, found 0"),
        ({"sigma": -1.0}, "option sigma must be 0 or more, found -1"),
        ({"sigma": float("nan")}, "option sigma must be 0 or more, found nan"),
    ],
)
def test_impossible_options(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PdDenoise(**options)
