"""Which widefield images belong to which sharp ones, and their PSF."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from w2s_cli import __version__
from w2s_cli._typing import DoubleArray
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.microscope.psf import PSF, best_gaussian, radial_profile
from w2s_cli.microscope.psf_equations import Enlarging
from w2s_cli.microscope.psf_estimation import MOST_LEFTOVER, ImagePair, PSFFit, fit_psf
from w2s_cli.stack import Stack

LEAST_CERTAINTY = 0.98
MOST_SATURATED = 0.001
_FULL = [2**bits - 1 for bits in range(8, 17)]  # where cameras saturate
_UNLIKE = 0.05  # relative difference of pixel sizes that should agree
_WIDE = 0.22  # standard deviation as a part of the side: a twentieth of it is cut off
_NARROW = 0.3  # standard deviation in pixels: no blur to speak of

Sizes = Sequence[tuple[float | None, float | None]]
MOST_PLANES = 16


def psf_warnings(
    pairs: Sequence[ImagePair], sizes: Sizes, fit: PSFFit
) -> tuple[str, ...]:
    """Return why a PSF should be looked at twice."""
    warnings = []
    scale = pairs[0][1].shape[0] // pairs[0][0].shape[0]
    for low, sharp in sizes:
        if low and sharp and abs(low / sharp / scale - 1) > _UNLIKE:
            warnings.append(
                f"a pixel of the widefield image is {low:g} um wide, of the sharp one "
                f"{sharp:g} um, yet it has {scale} times as many pixels along an axis"
            )
            break
    peaks = [(image, image.max()) for pair in pairs for image in pair]
    worst = max(
        [float((image == peak).mean()) for image, peak in peaks if peak in _FULL],
        default=0.0,
    )
    if worst > MOST_SATURATED:
        warnings.append(f"up to {worst:.1%} of the pixels of an image are saturated")
    if fit.certainty is not None and fit.certainty < LEAST_CERTAINTY:
        warnings.append(
            "the images hold too little light or structure to determine the kernel: a "
            f"correlation of {fit.certainty:.3f} with the true one is to be expected. "
            "Join more pairs, or more light"
        )
    leftover = max(pair.leftover for pair in fit.pairs)
    if leftover > MOST_LEFTOVER:
        warnings.append(
            "what the kernel leaves unexplained is no noise (its neighbouring pixels "
            f"are correlated by {leftover:.2f}): light from out of focus, images that "
            "differ, or a widefield image that was filtered"
        )
    side = len(fit.psf.weights)
    if fit.width > _WIDE * side:
        warnings.append(
            f"the kernel reaches beyond its side of {side} pixels: give a larger --side"
        )
    if fit.width < _NARROW:
        warnings.append(
            "the kernel is narrower than a pixel: is the sharp image any sharper?"
        )
    return tuple(warnings)


@dataclass(frozen=True, slots=True, eq=False)
class FilesPSF:
    """A PSF from files."""

    fit: PSFFit  # the PSF and how it was found
    # The widefield and the sharp file of each pair of planes
    names: tuple[tuple[Path, Path], ...]
    warnings: tuple[str, ...]  # why the PSF should be looked at twice


def paired_files(paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return each widefield file with its sharp one."""
    folders = [path.is_dir() for path in paths]
    if any(folders) and not (all(folders) and len(paths) == 2):
        raise UsageError(
            f"{len(paths)} arguments, {sum(folders)} of them folders: give a folder of "
            "widefield images and one of sharp images, or files only",
            hint="for example: w2s estimate-kernel widefield/ sim/ -o kernel.tif",
        )
    if all(folders) and folders:
        low, sharp = ([*image_files(path)] for path in paths)
    else:
        files = [file for path in paths for file in image_files(path)]
        low, sharp = files[: len(files) // 2], files[len(files) // 2 :]
    if len(low) != len(sharp) or not low:
        raise UsageError(
            f"{len(low)} widefield images and {len(sharp)} sharp ones make no pairs",
            hint="name all widefield images first, then their sharp ones in that order",
        )
    return list(zip(low, sharp, strict=True))


def psf_from_files(
    files: Sequence[tuple[Path, Path]],
    side: int,
    constant: float | None,
    pixel_size: float | None = None,
    *,
    axes: str | None = None,
    channel: str | None = None,
    enlarging: Enlarging = "linear",
) -> FilesPSF:
    """Return the PSF between the images in pairs of files."""
    pairs: list[ImagePair] = []
    names: list[tuple[Path, Path]] = []
    sizes: list[tuple[float | None, float | None]] = []
    for low, sharp in files:
        found, size = _planes_of(low, sharp, axes, channel)
        pairs += found
        names += [(low, sharp)] * len(found)
        sizes.append(size)
    labels = [f"{low}, {sharp}" for low, sharp in names]
    fit = fit_psf(pairs, side, constant, labels, enlarging=enlarging)
    scale = pairs[0][1].shape[0] // pairs[0][0].shape[0]
    own = next((sharp or (low and low / scale) for low, sharp in sizes), None)
    psf = PSF(fit.psf.weights, pixel_size or own)
    fit = replace(fit, psf=psf)
    return FilesPSF(fit, tuple(names), psf_warnings(pairs, sizes, fit))


def _planes_of(
    low: Path, sharp: Path, axes: str | None, channel: str | None
) -> tuple[list[ImagePair], tuple[float | None, float | None]]:
    """Return the planes of two files in pairs, and the pixel size of each file."""
    with open_image(low, axes=axes) as first, open_image(sharp, axes=axes) as second:
        stacks = [
            _one_channel(first, low, channel),
            _one_channel(second, sharp, channel),
        ]
        firsts, seconds = ([*stack.indices()] for stack in stacks)
        if len(firsts) != len(seconds) and len(seconds) != 1:
            raise InputError(
                f"{low} has {len(firsts)} planes and {sharp} {len(seconds)}: they must "
                "be as many, or one sharp plane for all",
                hint="save the planes that belong together",
            )
        step = -(-len(firsts) // MOST_PLANES)
        chosen = range(0, len(firsts), step)
        planes = [
            (
                stacks[0].data[firsts[number]],
                stacks[1].data[seconds[number % len(seconds)]],
            )
            for number in chosen
        ]
        size = (stacks[0].pixel_size.get("X"), stacks[1].pixel_size.get("X"))
    return planes, size


def _one_channel(stack: Stack, path: Path, channel: str | None) -> Stack:
    if channel is not None and stack.channel_count > 1:
        return stack.only_channel(channel)
    if stack.channel_count > 1:
        raise UsageError(
            f"{path} has {stack.channel_count} channels, and each has its own kernel",
            hint="choose one with --channel",
        )
    return stack


def psf_facts(psf: PSF) -> dict[str, Any]:
    """Return the size and width of a PSF as JSON."""
    fwhm = radial_profile(psf).fwhm
    sigma, likeness = best_gaussian(psf)
    size = psf.pixel_size
    return {
        "shape": list(psf.weights.shape),
        "pixel_size": size,
        "fwhm_pixels": fwhm,
        "fwhm_nm": fwhm * size * 1000 if fwhm and size else None,
        "gaussian_sigma_pixels": sigma,
        "gaussian_correlation": likeness,
    }


def profile_rows(psf: PSF) -> list[dict[str, float | None]]:
    """Return the radial profile, and that of the best Gaussian, a row a radius.

    Both are relative to the PSF's middle.
    """
    profile, size = radial_profile(psf), psf.pixel_size
    sigma, _ = best_gaussian(psf)
    gaussian = np.exp(-0.5 * (profile.radius / sigma) ** 2)
    return [
        {
            "radius_pixels": float(radius),
            "radius_um": float(radius) * size if size else None,
            "weight": float(weight),
            "gaussian": float(alike),
        }
        for radius, weight, alike in zip(
            profile.radius, profile.weight / profile.weight[0], gaussian, strict=True
        )
    ]


def usual_kernels(radius: DoubleArray) -> dict[str, DoubleArray]:
    """Return the kernels that W2S compares with in Fig. 2b, relative to their middle.

    They are those of an enlargement x2: MATLAB's bicubic kernel (a = -1/2), and
    Gaussians with the sigma of 2 of its text and the covariance of 2 of its code.

    - `radius`: in pixels of the grid of twice the resolution.
    """
    at = np.abs(radius) / 2
    near = 1.5 * at**3 - 2.5 * at**2 + 1
    far = -0.5 * at**3 + 2.5 * at**2 - 4 * at + 2
    return {
        "bicubic": np.where(at <= 1, near, np.where(at < 2, far, 0)),
        "sigma 2": np.exp(-(radius**2) / 8),
        "sigma 1.41": np.exp(-(radius**2) / 4),
    }


def fit_facts(found: FilesPSF) -> dict[str, Any]:
    """Return a PSF, how it was regularised and each pair as JSON."""
    fit = found.fit
    smooth = asdict(fit.prior) if fit.prior else {}
    return {
        **psf_facts(fit.psf),
        "regularisation": {
            "kind": "constant" if fit.prior is None else "auto",
            "noise_over_kernel_power" if fit.prior else "constant": fit.ratio,
            **({"enlarged": fit.enlarging} if fit.enlarging else {}),
            **smooth,
        },
        "certainty": fit.certainty,
        "pairs": [
            {
                "low": str(low),
                "high": str(high),
                "shift": list(pair.alignment.shift),
                "gain": pair.alignment.gain,
                "background": pair.alignment.background,
                "explained": pair.explained,
                "noise": pair.noise,
                "leftover_correlation": pair.leftover,
            }
            for (low, high), pair in zip(found.names, fit.pairs, strict=True)
        ],
        "warnings": list(found.warnings),
    }


def psf_record(found: FilesPSF) -> dict[str, Any]:
    """Return what the PSF's file says of its making."""
    made = {"tool": "w2s", "version": __version__, "command": "estimate-kernel"}
    known = fit_facts(found)
    for pair in known["pairs"]:
        pair.update(low=Path(pair["low"]).name, high=Path(pair["high"]).name)
    return {**made, **known}
