"""Richardson-Lucy and Wiener, on light that was blurred and counted here."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io.psf_file import write_psf
from w2s_cli.methods.build import build, chain_record
from w2s_cli.methods.deblurring import Deconvolution, RichardsonLucy, Wiener
from w2s_cli.metrics.fidelity import rmse
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, gaussian_psf, halved
from w2s_cli.microscope.simulation import CAMERA, simulate_field, simulate_scene

SIGMA = 1.5  # of the blur, in pixels
FWHM = SIGMA * np.sqrt(8 * np.log(2))
NOISE = NoiseModel(gain=1, read_noise=1)
BOTH = [RichardsonLucy, Wiener]


def scene(seed: int, photons: float, side: int = 128) -> tuple[FloatArray, FloatArray]:
    """Return the light of a cell, and what a camera counts of it when blurred."""
    rng = np.random.default_rng(seed)
    light = np.float32(photons) * (simulate_field(side, rng) + np.float32(0.02))
    return light, NOISE.sample(gaussian_psf(SIGMA).blur(light), rng)


def deblurred(method: Deconvolution, image: FloatArray) -> FloatArray:
    return method.with_noise(NOISE)(image[None])[0]


def test_the_steps_stop_near_the_best_of_them() -> None:
    losses = []
    for seed in range(20, 23):
        light, image = scene(seed, 300)
        steps = {1, 2, 4, 8, 12, 16, 20, 26, 32, 40}
        errors = [
            rmse(light, deblurred(RichardsonLucy(fwhm=FWHM, iterations=n), image))
            for n in sorted(steps)
        ]
        found = rmse(light, deblurred(RichardsonLucy(fwhm=FWHM), image))
        losses.append(found / min(errors))
    assert np.mean(losses) < 1.03
    assert max(losses) < 1.1


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_total_variation_holds_back_noise_where_steps_are_many(seed: int) -> None:
    light, image = scene(seed, 20)
    plain, held = (
        rmse(light, deblurred(RichardsonLucy(fwhm=FWHM, iterations=30, tv=tv), image))
        for tv in (0, 0.05)
    )
    assert held < 0.8 * plain


@pytest.mark.parametrize("photons", [20, 300])
@pytest.mark.parametrize("method", BOTH)
def test_deconvolution_comes_nearer_to_the_truth(
    method: type[Deconvolution], photons: float
) -> None:
    for seed in (20, 21, 22):
        light, image = scene(seed, photons)
        assert rmse(light, deblurred(method(fwhm=FWHM), image)) < 0.9 * rmse(
            light, image
        )


@pytest.mark.parametrize("method", BOTH)
def test_the_light_is_kept(method: type[Deconvolution]) -> None:
    _, image = scene(21, 300)
    assert deblurred(method(fwhm=FWHM), image).sum() == pytest.approx(
        image.sum(), rel=0.01
    )


@pytest.mark.parametrize(
    "method",
    [RichardsonLucy(), RichardsonLucy(scale=2), RichardsonLucy(tv=0.1), Wiener()],
)
@pytest.mark.parametrize("level", [0, 0.3, 50, 60_000])
def test_an_even_field_stays_even(method: Deconvolution, level: float) -> None:
    flat = np.full((40, 50), level, np.float32)
    result = deblurred(method, flat)
    np.testing.assert_allclose(result, level, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", [RichardsonLucy(fwhm=0.1), Wiener(fwhm=0.1)])
def test_without_blur_a_clear_image_stays(method: Deconvolution) -> None:
    light = 1e5 * (1 + simulate_field(64, np.random.default_rng(0)))
    result = method(light[None].astype(np.float32))[0]
    np.testing.assert_allclose(result, light, rtol=0.01)


def test_scale_two_estimates_the_light_on_the_finer_grid() -> None:
    rng = np.random.default_rng(22)
    light = np.float32(500) * (simulate_field(128, rng) + np.float32(0.02))
    image = NOISE.sample(halved(gaussian_psf(2 * SIGMA).blur(light)), rng)
    fine = deblurred(RichardsonLucy(fwhm=FWHM, scale=2), image)
    repeated = image.repeat(2, 0).repeat(2, 1)
    assert fine.shape == (128, 128)
    assert fine.mean() == pytest.approx(image.mean(), rel=0.01)
    assert rmse(light, fine) < 0.8 * rmse(light, repeated)


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("method", BOTH)
def test_the_default_kernel_does_no_harm(
    method: type[Deconvolution], seed: int
) -> None:
    seen = simulate_scene(seed, side=256)
    image, truth = seen.seen.astype(np.float32), halved(seen.truth)
    restored = CAMERA.counts(
        method().with_noise(CAMERA)(CAMERA.photons(image)[None])[0]
    )
    assert rmse(truth, restored) < 0.9 * rmse(truth, image)


def test_nothing_moves() -> None:
    light = np.zeros((41, 41), np.float32)
    light[20, 13] = 5000
    image = gaussian_psf(SIGMA).blur(light) + 1
    for method in (Wiener(fwhm=FWHM), RichardsonLucy(fwhm=FWHM)):
        result = deblurred(method, image)
        assert np.unravel_index(result.argmax(), result.shape) == (20, 13)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 3)])
@pytest.mark.parametrize(
    "method",
    [RichardsonLucy(fwhm=20), RichardsonLucy(fwhm=20, scale=2), Wiener(fwhm=20)],
)
def test_tiny_and_negative_images(
    method: Deconvolution, shape: tuple[int, int]
) -> None:
    for image in (np.full(shape, -3, np.float32), np.eye(*shape, dtype=np.float32)):
        assert np.isfinite(deblurred(method, image)).all()


@pytest.mark.parametrize("side", [9, 36])
def test_a_kernel_file_does_what_the_kernel_does(tmp_path: Path, side: int) -> None:
    _, image = scene(21, 300)
    place = np.arange(side) - side // 2
    line = np.exp(-0.5 * (place / SIGMA) ** 2)
    path = tmp_path / "k.tif"
    write_psf(PSF.normalised(np.outer(line, line)), path)
    for method in BOTH:
        np.testing.assert_allclose(
            deblurred(method(kernel=path), image),
            deblurred(method(fwhm=FWHM), image),
            atol=0.02 * np.ptp(image),
        )


def test_the_record_names_the_kernel(tmp_path: Path) -> None:
    path = tmp_path / "k.tif"
    write_psf(gaussian_psf(1), path)
    text = "richardson-lucy+wiener"
    chain = build(text, [f"{name}.kernel={path}" for name in text.split("+")])
    first, second = json.loads(json.dumps(chain_record(text, chain)))
    assert first["options"]["kernel"] == second["options"]["kernel"] == "k.tif"
    assert len(first["kernel_sha256"]) == 64
    assert chain_record("wiener", build("wiener"))[0]["options"]["kernel"] is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (None, "k.npy"),
        (np.zeros((5, 5)), "sum to 0"),
        (np.full((5, 5), np.nan), "NaN"),
        (np.ones((2, 5, 5)), "one plane"),
    ],
)
def test_bad_kernels(tmp_path: Path, weights: np.ndarray | None, message: str) -> None:
    path = tmp_path / "k.npy"
    if weights is not None:
        np.save(path, weights)
    with pytest.raises(InputError, match=message):
        build("wiener", [f"kernel={path}"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Wiener(fwhm=0),
            "option fwhm must be above 0 and at most 200, found 0",
        ),
        (lambda: Wiener(fwhm=1e6), "at most 200, found 1e"),
        (lambda: Wiener(balance=0), "option balance must be above 0, found 0"),
        (lambda: RichardsonLucy(tv=1), "option tv must be 0 to 0.25, found 1"),
        (lambda: RichardsonLucy(iterations=-1), "must be 0 or more, found -1"),
    ],
)
def test_bad_options(make: Callable[[], Deconvolution], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()
