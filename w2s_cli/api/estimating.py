"""What is measured or simulated: `estimate_noise`, `simulate`, `score` and so on."""

import warnings as python_warnings
from collections.abc import Iterable, Sequence
from inspect import signature
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from w2s_cli.api.images import Array, as_stack
from w2s_cli.errors import UsageError
from w2s_cli.metrics import METRICS
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.stack import Stack

Image = TypeVar("Image", Stack, NDArray[Any])


def estimate_noise(
    image: Stack | Array, *, axes: str | None = None
) -> tuple[NoiseModel, ...]:
    """Estimate the noise of the camera, as `restore` does where none is given.

    Parameters
    ----------
    image
        Camera counts: a stack, or an array whose last two axes are Y and X.
    axes
        Names of the axes of an array with more than two, such as "CYX".

    Returns
    -------
    tuple of NoiseModel
        One per channel. Doubts about them are given as Python `warnings`.

    Raises
    ------
    InputError
        When the image is too small, constant, clipped, or shows no noise.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> light = np.tile(np.linspace(20, 90, 256), (256, 1))
    >>> counts = np.random.default_rng(0).poisson(light) * 2 + 100
    >>> [camera] = w2s.estimate_noise(counts.astype(np.uint16))
    >>> round(camera.gain, 1)
    2.0
    """
    found = diagnose(as_stack(image, axes))
    models = tuple(found.noise.values())
    for warning in found.warnings:
        python_warnings.warn(warning, UserWarning, stacklevel=2)
    return models


def estimate_psf(
    low: Array | Sequence[Array], sharp: Array | Sequence[Array], *, side: int = 35
) -> PSF:
    """Estimate the blur kernel between widefield and sharp images of the same fields.

    Parameters
    ----------
    low, sharp
        A (Y, X) image or several, and as many sharp ones, which are twice as large, or
        as large.
    side
        Pixels along each side of the kernel, odd.

    Returns
    -------
    PSF
        On the grid of the sharp images.

    Raises
    ------
    InputError
        When the images do not fit each other, or hold nothing to go by.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> from w2s_cli.microscope.psf import gaussian_psf
    >>> sharp = 100 * np.random.default_rng(0).gamma(0.1, size=(128, 128))
    >>> low = gaussian_psf(2.0).blur(sharp.astype(np.float32))
    >>> w2s.estimate_psf(low, sharp, side=15).weights.shape
    (15, 15)
    """
    from w2s_cli.microscope.psf_estimation import fit_psf

    lows, sharps = ([one] if np.ndim(one) == 2 else [*one] for one in (low, sharp))
    if len(lows) != len(sharps):
        raise UsageError(f"{len(lows)} widefield images for {len(sharps)} sharp ones")
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(lows, sharps, strict=True)]
    return fit_psf(pairs, side).psf


def simulate(
    truth: Image,
    noise: NoiseModel,
    *,
    psf: PSF | None = None,
    numerical_aperture: float | None = None,
    wavelength: float | None = None,
    pixel_size: float | None = None,
    photons: float = 0.0,
    background: float = 0.0,
    haze: float = 0.0,
    multiplied: bool = False,
    scale: int = 2,
    seed: int = 0,
    axes: str | None = None,
) -> Image:
    """Simulate what a widefield microscope would show of a sharp image.

    Parameters
    ----------
    truth
        A stack, or an array whose last two axes are Y and X.
    noise
        Of the camera.
    psf
        The blur, on the grid of the truth; or instead:
    numerical_aperture, wavelength, pixel_size
        Of the objective; of the light, and of a pixel of the truth, in micrometres.
    photons
        Expected in a camera pixel as bright as the truth's 99.8th percentile; 0 where
        the truth is in photons a camera pixel already.
    background, haze
        Even light, in photons a camera pixel; light from out of focus, as a share of
        that in focus.
    multiplied
        Whether an EMCCD multiplies the electrons.
    scale
        Pixels of the truth along the side of a camera pixel, 1 or 2.
    seed
        Chooses the noise.
    axes
        Names of the axes of an array with more than two.

    Returns
    -------
    Stack or array
        uint16 counts; lazy for a stack.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> truth = np.zeros((64, 64), np.float32)
    >>> truth[32, 8:56] = 1
    >>> camera = w2s.NoiseModel(gain=2.0, offset=100.0, read_noise=3.0)
    >>> lens = {"numerical_aperture": 1.2, "wavelength": 0.52, "pixel_size": 0.05}
    >>> w2s.simulate(truth, camera, photons=200, **lens).shape
    (32, 32)
    """
    from w2s_cli.pipeline.file_simulation import (
        camera_image,
        checked_truth,
        photons_per_unit,
        square_pixel,
    )
    from w2s_cli.pipeline.simulated_microscope import (
        SimulationSettings,
        microscope_from_options,
    )

    recording = SimulationSettings(
        noise, photons, background, haze, multiplied, scale, seed
    )
    known = checked_truth(as_stack(truth, axes), scale, pixel_size)
    if psf is None:
        lens = microscope_from_options(None, numerical_aperture, wavelength)
        psf = lens.psf(square_pixel(known))
    made = camera_image(known, psf, recording, photons_per_unit(known, recording))
    return made if isinstance(truth, Stack) else np.asarray(made)


def score(
    reference: Array,
    image: Array,
    metrics: Iterable[str] = ("psnr", "ssim"),
    *,
    data_range: float | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> dict[str, float]:
    """Score an image against a reference.

    Parameters
    ----------
    reference, image
        (Y, X), of one shape and in one unit.
    metrics
        Names of metrics that take two images: w2s-evaluate(1) lists them.
    data_range
        Of the values, for metrics that need it; None for that of the reference.
    valid
        The pixels that count; None for all.

    Returns
    -------
    dict
        The score by the name of the metric.

    Raises
    ------
    UnknownNameError
        When there is no such metric.
    UsageError
        When a metric is not computed from two images.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> reference = np.arange(4096.0).reshape(64, 64) / 4095
    >>> w2s.score(reference, reference + 0.01, ["rmse", "psnr"], data_range=1)
    {'rmse': 0.01, 'psnr': 40.0}
    """
    found = {}
    for name in metrics:
        row = METRICS[name]
        if row.needs != "reference":
            raise UsageError(f"{name} is not computed from a reference and an image")
        metric = row.load()
        span = float(np.ptp(reference)) if data_range is None else data_range
        given = {"data_range": span, "valid": valid}
        takes = signature(metric).parameters
        how = {key: value for key, value in given.items() if key in takes}
        found[name] = round(float(metric(reference, image, **how)), 9)
    return found
