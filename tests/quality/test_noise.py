"""How near an estimate of the noise comes to the camera, simulated and real.

`pytest -m quality -rP` prints the figures.
"""

import csv
from functools import cache
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from PIL import Image

from w2s_cli._typing import FloatArray
from w2s_cli.io import write_image
from w2s_cli.microscope.noise_estimation import NoiseFit, fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import widefield_psf
from w2s_cli.microscope.simulation import (
    NUMERICAL_APERTURE,
    WAVELENGTH,
    Exposure,
    camera_counts,
    simulate_field,
    widefield,
)
from w2s_cli.pipeline.noise_report import NoiseRequest, report_noise
from w2s_cli.pipeline.noise_warnings import white
from w2s_cli.stack import Stack

DATA = Path(__file__).parents[3] / "shared" / "data" / "w2s"
W2S_GAIN = 13.1  # counts a photon, by photon transfer between noisy and clean images
GAINS = (0.2, 0.7, 2.0, 7.0, 20.0, 50.0)
READ_NOISES = (0.0, 1.0, 3.0, 10.0)  # counts
FIELDS = 8
A_CAMERA = 8  # fields
ROUNDING = 1 / 12  # variance of whole counts

pytestmark = pytest.mark.quality
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real images are not here")


@cache
def _truth(number: int) -> FloatArray:
    return simulate_field(1024, np.random.default_rng(number))


def _seen(number: int, rng: np.random.Generator) -> FloatArray:
    """Return the expected photons on 512 x 512 pixels, 20 to 2000 in bright parts."""
    kernel = widefield_psf(NUMERICAL_APERTURE, WAVELENGTH, pixel_size=0.04)
    photons = 20 * 100 ** rng.random()
    light = Exposure(photons, background=rng.uniform(0.01, 0.1), haze=rng.random())
    return widefield(_truth(number), kernel, light)


def _of_deviation(fit: NoiseFit, noise: NoiseModel, photons: FloatArray) -> float:
    """Return the mean error of the noise standard deviation over the pixels."""
    counts = noise.counts(photons[::4, ::4]).astype(np.float64)
    true = np.sqrt(noise.variance(counts.astype(np.float32)) + ROUNDING)
    return float(np.mean(np.abs(np.sqrt(fit.line.variance(counts)) / true - 1)))


def _simulated(gain: float, read_noise: float, seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    photons = _seen(seed % FIELDS, rng)
    noise = NoiseModel(gain, 100, read_noise)
    fit = fit_noise([camera_counts(photons, noise, rng)])
    off = fit.slope - gain
    return [
        gain,
        read_noise,
        abs(off) / gain,
        _of_deviation(fit, noise, photons),
        abs(off) < 2 * fit.line.slope_error,
        white(fit.correlation, photons.size),
    ]


def test_simulated_fields() -> None:
    cameras = [(gain, read) for gain in GAINS for read in READ_NOISES]
    found = np.array(
        [
            _simulated(*camera, A_CAMERA * number + field)
            for number, camera in enumerate(cameras)
            for field in range(A_CAMERA)
        ]
    )
    print(f"\n{len(found)} simulated fields of 512 x 512; errors of a, of the noise sd")
    for column, name, values in ((0, "gain", GAINS), (1, "read noise", READ_NOISES)):
        for value in values:
            _, _, a, deviation, *_ = found[found[:, column] == value].T
            print(
                f"{name:10} {value:4g}: {np.median(a):6.1%} {np.median(deviation):6.1%}"
            )
    _, _, a, deviation, covered, called_white = found.T
    print(f"all: median {np.median(a):.1%} {np.median(deviation):.1%}")
    print(f"nine in ten {np.quantile(a, 0.9):.1%} {np.quantile(deviation, 0.9):.1%}")
    print(f"within two standard errors {covered.mean():.0%}")
    print(f"called white {called_white.mean():.0%}")
    assert np.median(a) <= 0.03
    assert np.median(deviation) <= 0.05
    assert called_white.mean() >= 0.95


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as lines:
        return [*csv.DictReader(lines)]


def _gain(row: dict[str, str]) -> float:
    """Return the gain of a real capture, in counts a photon."""
    with Image.open(DATA / "avg1" / f"{row['image']}.png") as image:
        return fit_noise([np.asarray(image)]).slope / float(row["grey_per_count"])


def _told(name: str, errors: np.ndarray) -> tuple[float, float]:
    """Print and return the median and the ninth decile."""
    half, most = np.quantile(errors, [0.5, 0.9])
    print(f"{name}: median {half:.1%}, nine in ten within {most:.1%}")
    return float(half), float(most)


@real
def test_real_captures_have_the_gain_of_their_camera() -> None:
    rows = _rows("index.csv")
    gains = np.array([_gain(row) for row in rows])
    error = np.abs(gains / W2S_GAIN - 1)
    # Elsewhere the grey values are known from that gain itself.
    exact = np.array([row["scale_exact"] == "1" for row in rows])
    print(f"\n{len(rows)} captures of W2S: median gain {np.median(gains):.2f} counts")
    half, most = _told("error", error)
    _told(f"error, the {exact.sum()} whose grey values are known exactly", error[exact])
    assert len(rows) == 240
    assert half <= 0.05
    assert most <= 0.15


@real
def test_the_fits_of_the_authors_beside() -> None:
    """Their grey values are not known exactly: three ways to put them on a scale."""
    fits, rows = _rows("authors_noise_ab.csv"), _rows("index.csv")
    one, sixteen = (
        255 * np.array([float(fit[f"a_avg{frames}"]) for fit in fits])
        for frames in (1, 16)
    )
    grey = np.array([float(row["grey_per_count"]) for row in rows])
    assert [fit["image"] for fit in fits] == [row["image"] for row in rows]
    print("\nthe authors' a of the same captures")
    _told("0.65 grey a count", np.abs(one / 0.65 / W2S_GAIN - 1))
    in_ours = one / grey
    best = np.abs(in_ours / np.median(in_ours) - 1)
    _told("in our grey values, times what suits them best", best)
    half, _ = _told("against their own of 16 frames", np.abs(one / (16 * sixteen) - 1))
    assert half < 0.1


def test_a_large_image_takes_less_than_a_second(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    small = _seen(0, rng)
    counts = camera_counts(np.tile(small, (4, 4)), NoiseModel(2.2, 100, 3), rng)
    write_image(Stack(counts, "YX"), tmp_path / "large.tif")
    report_noise(NoiseRequest(), tmp_path / "large.tif")
    start = process_time()
    [channel] = report_noise(NoiseRequest(), tmp_path / "large.tif").channels
    seconds = process_time() - start
    print(f"\n2048 x 2048 pixels: {seconds:.2f} CPU s, gain {channel.fit.slope:.3f}")
    assert seconds < 1
