"""`w2s simulate`: what a microscope would show of a sharp image."""

from pathlib import Path
from typing import Annotated, Literal

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import note, print_json, warn
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import UsageError

_Truth = Annotated[Path, arg("A sharp image.", metavar="TRUTH")]
_Output = Annotated[
    Path, opt("The widefield image, 16 bit.", "--output", "-o", metavar="OUT")
]
_Sim = Annotated[Path | None, opt("Write the ideal SIM image too.", metavar="FILE")]
_KernelUsed = Annotated[
    Path | None, opt("The blur, on the grid of TRUTH.", metavar="FILE")
]
_Photons = Annotated[
    float, opt("A camera pixel, in the bright parts; 0: TRUTH is in photons.")
]
_Background = Annotated[float, opt("Even light, photons a camera pixel.")]
_Haze = Annotated[float, opt("Light out of focus, as a share of that in focus.")]
_Emccd = Annotated[bool, opt("Multiply electrons as an EMCCD does.", "--emccd")]
_Scale = Annotated[
    Literal["1", "2"], opt("Pixels of TRUTH along a camera pixel: 1 or 2.")
]
_Seed = Annotated[int, opt("Which noise.", min=0)]


def simulate(
    truth: _Truth,
    output: _Output,
    sim: _Sim = None,
    kernel: _KernelUsed = None,
    na: Annotated[float | None, ask.APERTURE] = None,
    wavelength: Annotated[float | None, ask.WAVELENGTH] = None,
    pixel_size: Annotated[float | None, ask.PIXEL_SIZE] = None,
    photons: _Photons = 0,
    background: _Background = 0,
    haze: _Haze = 0,
    gain: Annotated[float, ask.GAIN] = 1,
    offset: Annotated[float, ask.OFFSET] = 100,
    read_noise: Annotated[float, ask.READ_NOISE] = 1.5,
    emccd: _Emccd = False,
    scale: _Scale = "2",
    seed: _Seed = 0,
    axes: ask.Axes = None,
    as_json: ask.JsonText = False,
    overwrite: ask.Overwrite = False,
) -> None:
    """Simulate the widefield image of a sharp one.

    For example:
      w2s simulate sharp.tif -o low.tif --na 1.4 --wavelength 0.525 --photons 200
      w2s simulate sharp.tif -o low.tif --kernel kernel.tif --photons 50 --sim sim.tif

    Without --photons the values of TRUTH are the photons a camera pixel expects.
    """
    from w2s_cli.batch.file_pairs import check_spared
    from w2s_cli.microscope.noise_model import NoiseModel
    from w2s_cli.pipeline.file_simulation import simulate_file
    from w2s_cli.pipeline.simulated_microscope import (
        SimulationSettings,
        microscope_from_options,
    )

    for target in (output, sim):
        if target is not None:
            check_spared(target, [truth, *([kernel] if kernel else [])])
    if sim is not None and sim.resolve() == output.resolve():
        raise UsageError(f"--sim and -o both name {sim}", hint="name two files")
    recording = SimulationSettings(
        NoiseModel(gain, offset, read_noise),
        photons,
        background,
        haze,
        emccd,
        int(scale),
        seed,
    )
    outcome = simulate_file(
        microscope_from_options(kernel, na, wavelength),
        recording,
        truth,
        output,
        sim,
        pixel_size=pixel_size,
        axes=axes,
        overwrite=overwrite,
    )
    if outcome.saturated:
        warn(f"{outcome.target}: {outcome.saturated} pixels are saturated")
    if as_json:
        print_json(outcome.as_json())
        return
    size = " x ".join(map(str, outcome.shape))
    note(
        f"{outcome.source} -> {outcome.target}: {size}, {outcome.unit:.4g} photons a "
        f"camera pixel where the truth is 1, {outcome.seconds:.1f} s"
    )
