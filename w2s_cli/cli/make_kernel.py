"""`w2s make-kernel`: the blur that theory predicts."""

from typing import Annotated, Any

from w2s_cli import __version__
from w2s_cli.cli import options as ask
from w2s_cli.cli.kernel_report import about, check_targets, draw
from w2s_cli.cli.output import print_json, print_result
from w2s_cli.cli.typer_options import opt


def make_kernel(
    output: ask.KernelFile,
    na: Annotated[float, ask.APERTURE],
    wavelength: Annotated[float, ask.WAVELENGTH],
    pixel_size: Annotated[float, ask.PIXEL_SIZE],
    side: Annotated[
        int | None, opt("Side in pixels, odd; by default 97 % of the light fits.")
    ] = None,
    plot: ask.Plot = None,
    as_json: ask.JsonText = False,
    overwrite: ask.Overwrite = False,
) -> None:
    """Make the theoretical kernel of a widefield microscope in focus.

    For example:
      w2s make-kernel --na 1.4 --wavelength 0.525 --pixel-size 0.0325 -o kernel.tif

    For w2s simulate the pixel is that of the truth, half a camera pixel.
    """
    from w2s_cli.io.psf_file import write_psf
    from w2s_cli.microscope.psf import enclosed_light, enclosing_side, widefield_psf
    from w2s_cli.pipeline.psf_from_pairs import profile_rows, psf_facts

    check_targets(output, plot, [], overwrite=overwrite)
    chosen = enclosing_side(na, wavelength, pixel_size) if side is None else side
    psf = widefield_psf(na, wavelength, pixel_size, chosen)
    held = float(enclosed_light(na, wavelength, (chosen // 2 + 0.5) * pixel_size))
    record = {
        "tool": "w2s",
        "version": __version__,
        "command": "make-kernel",
        "na": na,
        "wavelength": wavelength,
    }
    write_psf(psf, output, overwrite=overwrite, record=lambda: record)
    if plot is not None:
        draw(psf, plot, title=f"NA {na:g}, {wavelength:g} um")
    if as_json:
        known: dict[str, Any] = {**psf_facts(psf), "light_within": held}
        print_json({**known, "profile": profile_rows(psf)})
        return
    rows = [("kernel", f"{output}"), *about(psf), ("light within", f"{held:.1%}")]
    for label, text in rows:
        print_result(f"{label:15} {text}")
