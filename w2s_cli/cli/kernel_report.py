"""What is said and drawn of a PSF."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from w2s_cli.cli.output import check_plot, note

if TYPE_CHECKING:
    from w2s_cli.microscope.psf import PSF


def check_targets(
    output: Path, plot: Path | None, inputs: Sequence[Path], *, overwrite: bool
) -> None:
    """Find out before the work whether a PSF and its plot can be written."""
    from w2s_cli.batch.file_pairs import check_spared
    from w2s_cli.io.psf_file import check_psf_target

    check_psf_target(output, overwrite=overwrite)
    check_spared(output, inputs)
    if plot is not None:
        check_plot(plot, inputs, overwrite=overwrite)


def about(psf: "PSF") -> list[tuple[str, str]]:
    """Return what is known of a PSF, as lines of a table."""
    from w2s_cli.pipeline.psf_from_pairs import psf_facts

    known = psf_facts(psf)
    size = " x ".join(map(str, known["shape"])) + " pixels"
    if psf.pixel_size:
        size += f" of {psf.pixel_size:g} um"
    width = "beyond its edge"
    if known["fwhm_pixels"]:
        width = f"{known['fwhm_pixels']:.2f} pixels"
    if known["fwhm_nm"]:
        width += f", {known['fwhm_nm']:.0f} nm"
    likeness = known["gaussian_correlation"]
    gaussian = f"sigma {known['gaussian_sigma_pixels']:.2f} pixels, alike by "
    return [
        ("size", size),
        ("FWHM", width),
        ("best Gaussian", f"{gaussian}{likeness:.3f}"),
    ]


def draw(psf: "PSF", path: Path, title: str, *, usual: bool = False) -> None:
    """Draw the radial profile of a PSF, beside that of the best Gaussian.

    Where `usual`, also those of the kernels that are usual for an enlargement x2.
    """
    import numpy as np

    from w2s_cli.bench.plots import Series, line_plot
    from w2s_cli.io.atomic_files import replacing
    from w2s_cli.pipeline.psf_from_pairs import profile_rows, psf_facts, usual_kernels

    rows = profile_rows(psf)
    across = "radius_um" if psf.pixel_size else "radius_pixels"
    radius, weight, gaussian = (
        np.array([row[key] for row in rows], np.float64)
        for key in (across, "weight", "gaussian")
    )
    fwhm, nanometres = (psf_facts(psf)[key] for key in ("fwhm_pixels", "fwhm_nm"))
    width = "" if fwhm is None else f", FWHM {fwhm:.1f} pixels"
    if nanometres:
        width += f" ({nanometres:.0f} nm)"
    series = [
        Series("best Gaussian", radius, gaussian, colour=4),
        Series("kernel", radius, weight, colour=0),
    ]
    if usual:
        pixels = np.linspace(0, max(row["radius_pixels"] or 0 for row in rows), 200)
        across_axis = pixels * (psf.pixel_size or 1)
        series += [
            Series(name, across_axis, curve, colour=number)
            for number, (name, curve) in enumerate(usual_kernels(pixels).items(), 1)
        ]
    xlabel = "radius (um)" if psf.pixel_size else "radius (pixels)"
    ylabel = "weight, relative to the middle"
    with replacing(path) as temporary:
        line_plot(temporary, series, xlabel, ylabel, title + width)
    note(f"look at {path}")
