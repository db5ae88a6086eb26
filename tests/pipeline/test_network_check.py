"""A network's residual against the noise of the image."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.network_check import NetworkCheck
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Traits
from w2s_cli.stack import Stack

NOISE = NoiseModel(2.0, 100.0, 3.0)


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """The noisy counts and the true ones."""
    rng = np.random.default_rng(0)
    light = 120 * gaussian_filter(rng.random((128, 128)) ** 12, 1.5)
    light = (1 + 60 * light / light.max()).astype(np.float32)
    return NOISE.sample(light, rng), NOISE.counts(light)


def doubt(noisy: np.ndarray, made: np.ndarray, **facts: bool) -> str:
    check = NetworkCheck(NOISE, len(made) // len(noisy))
    check.add(noisy, np.asarray(made, np.float32))
    return check.doubt("net", **{"shipped": False, **facts})


def test_the_truth_fits_at_both_scales(pair: tuple[np.ndarray, np.ndarray]) -> None:
    noisy, true = pair
    assert doubt(noisy, true) == ""
    assert doubt(noisy, zoom(true, 2, order=3)) == ""
    assert doubt(noisy, 3 * zoom(true, 2, order=3) - 50) == ""  # of another brightness
    assert doubt(noisy, 0.8 * true + 0.2 * noisy) == ""  # nearly all noise is gone


def test_what_does_not_fit_is_said(pair: tuple[np.ndarray, np.ndarray]) -> None:
    noisy, true = pair
    left = doubt(noisy, 0.6 * noisy + 0.4 * true)
    assert left.startswith("net does not fit this image: it has taken only 1")
    assert left.endswith("% of the noise away; compare with --method denoise")
    assert "only 0% of the noise" in doubt(noisy, noisy, shipped=True)
    assert doubt(noisy, noisy, shipped=True).endswith("--method pure-let")
    blurred = gaussian_filter(true, 6.0)
    assert "times the noise away, and structure; compare with" in doubt(noisy, blurred)
    dim = 0.85 * (true - 100) + 100
    assert "it has changed the light by -15%" in doubt(noisy, dim)
    dim = doubt(noisy, zoom(dim, 2, order=3), shipped=True)
    assert "it has changed the light by -15%" in dim
    assert dim.endswith("compare with --method pure-let+bicubic")


def test_noise_that_is_enlarged_with_the_image_is_said(pair) -> None:
    noisy, _ = pair
    left = doubt(noisy, np.repeat(np.repeat(noisy, 2, 0), 2, 1))
    assert left.endswith("of the noise away; compare with --method jdsr")


def test_blank_surroundings_and_dim_pixels_are_left_out(pair) -> None:
    noisy, true = (one.copy() for one in pair)
    noisy[:, :60] = 0
    true[:, :60] = 50
    assert doubt(noisy, true) == ""
    few = noisy[:9, :9]
    assert doubt(few, few) == ""


def test_light_that_is_added_to_single_photons_is_said() -> None:
    rng = np.random.default_rng(0)
    true = np.full((128, 128), 0.01, np.float32)
    true[40:60, 30:70] = 0.6
    check = NetworkCheck(NoiseModel(1.0, 0.0, 0.0))
    check.add(rng.poisson(true).astype(np.float32), true)
    assert check.doubt("net", shipped=True) == ""
    check.add(rng.poisson(true).astype(np.float32), true + np.float32(0.04))
    assert "it has changed the light by +" in check.doubt("net", shipped=True)


class Leaves:
    """A network that leaves everything as it is."""

    traits = Traits(provenance={"weights_sha256": "0"})

    def __call__(self, blocks: np.ndarray) -> np.ndarray:
        return blocks


def test_a_restoration_says_it_once_a_channel(pair) -> None:
    stack = Stack(np.stack([pair[0], pair[0]]).round().astype(np.uint16), "CYX")
    chain = Chain([Leaves()])
    spec = RestoreSpec(method="dncnn", weights=(Path("a.pth"),), tile=64)
    result = restore_stack(spec, stack, chain=chain)
    assert result.warnings == []  # no plane was read yet
    np.asarray(result.image)
    assert [one.partition(": it has")[0] for one in result.warnings] == [
        f"channel {number}: dncnn does not fit this image" for number in (1, 2)
    ]
    quiet = restore_stack(spec, stack, chain=chain, judge=False)
    np.asarray(quiet.image)
    assert quiet.warnings == []


@pytest.mark.parametrize("method", ["denoise-fast", "jdsr-fast"])
def test_the_shipped_networks_fit_what_they_are_made_for(method, pair) -> None:
    stack = Stack(pair[0].round().astype(np.uint16), "YX")
    result = restore_stack(RestoreSpec(method=method, device="cpu"), stack)
    np.asarray(result.image)
    assert len(result.checks) == 1
    assert not [one for one in result.warnings if "does not fit" in one]


@pytest.mark.parametrize("scale", [1, 2])
def test_the_middle_of_a_large_tile_is_enough(scale: int) -> None:
    rng = np.random.default_rng(4)
    before = rng.normal(1000, 10, (600, 500)).astype(np.float32)
    after = np.full((600 * scale, 500 * scale), 1000, np.float32)
    check = NetworkCheck(NoiseModel(1.0, 900.0), scale)
    check.add(before, after)
    assert 300_000 > 448**2 >= check.sums.seen > 0.9 * 448**2


def test_light_removed_on_purpose_is_told(pair: tuple[np.ndarray, np.ndarray]) -> None:
    noisy, true = pair
    assert doubt(noisy, true, hazeless=True) == ""
    said = doubt(noisy, 0.5 * (true + NOISE.offset), hazeless=True)
    assert said == (
        "net has taken 50% of the light away as out of focus; even light of the sample "
        "may be among it: compare with -O haze=keep"
    )
