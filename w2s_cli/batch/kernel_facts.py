"""A kernel, and how it was found, as JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from w2s_cli import __version__
from w2s_cli.batch.kernel_pairs import Measured
from w2s_cli.physics.kernel import Kernel
from w2s_cli.physics.profile import best_gaussian, radial_profile


def facts(kernel: Kernel) -> dict[str, Any]:
    """Return the size and width of a kernel as JSON."""
    fwhm = radial_profile(kernel).fwhm
    sigma, likeness = best_gaussian(kernel)
    size = kernel.pixel_size
    return {
        "shape": list(kernel.weights.shape),
        "pixel_size": size,
        "fwhm_pixels": fwhm,
        "fwhm_nm": fwhm * size * 1000 if fwhm and size else None,
        "gaussian_sigma_pixels": sigma,
        "gaussian_correlation": likeness,
    }


def profile_rows(kernel: Kernel) -> list[dict[str, float | None]]:
    """Return the radial profile, and that of the best Gaussian, a row a radius.

    Both are relative to the kernel's middle.
    """
    profile, size = radial_profile(kernel), kernel.pixel_size
    sigma, _ = best_gaussian(kernel)
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


def fit_facts(found: Measured) -> dict[str, Any]:
    """Return a kernel, how it was regularised and each pair as JSON."""
    fit = found.fit
    smooth = asdict(fit.prior) if fit.prior else {}
    return {
        **facts(fit.kernel),
        "regularisation": {
            "kind": "constant" if fit.prior is None else "auto",
            "noise_over_kernel_power" if fit.prior else "constant": fit.ratio,
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


def as_made(found: Measured) -> dict[str, Any]:
    """Return what the kernel's file says of its making."""
    made = {"tool": "w2s", "version": __version__, "command": "estimate-kernel"}
    known = fit_facts(found)
    for pair in known["pairs"]:
        pair.update(low=Path(pair["low"]).name, high=Path(pair["high"]).name)
    return {**made, **known}
