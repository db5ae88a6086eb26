"""Denoise and super-resolve fluorescence microscopy stacks.

>>> import w2s_cli as w2s
>>> image = w2s.imread("cell.tif")  # doctest: +SKIP
>>> result = w2s.restore(image, "jdsr")  # doctest: +SKIP
>>> w2s.imwrite("sharp.tif", result.image, record=result.record)  # doctest: +SKIP

The names below are the Python API; everything else may change. They are imported when
they are first used, so that importing the package costs nothing.

The journey of the numbers, and the package that does each step::

    file counts (uint16, ...)                          io
      -> photons   p = (counts - offset) / gain        microscope
      -> what the method expects (`restorers.units`)   restorers
      -> overlapping tiles -> method -> sewn           restorers, methods
      -> counts again, on the new pixel grid           restorers
      -> the file's dtype, rounded, clipped, counted   pipeline, io
"""

from importlib import import_module

TYPE_CHECKING = False  # without `typing`, which takes longer than all the rest
if TYPE_CHECKING:
    from w2s_cli.api.checking import CheckResult, check
    from w2s_cli.api.estimating import estimate_noise, estimate_psf, score, simulate
    from w2s_cli.api.images import imread, imwrite
    from w2s_cli.api.learning import load_weights, methods, train
    from w2s_cli.api.restoring import RestoreResult, restore, restore_block
    from w2s_cli.io.ome_zarr_writing import ZarrOutput
    from w2s_cli.microscope.noise_model import NoiseModel
    from w2s_cli.microscope.psf import PSF
    from w2s_cli.stack import Stack

__version__ = "0.1.0"
__all__ = [
    "PSF",
    "CheckResult",
    "NoiseModel",
    "RestoreResult",
    "Stack",
    "ZarrOutput",
    "check",
    "estimate_noise",
    "estimate_psf",
    "imread",
    "imwrite",
    "load_weights",
    "methods",
    "restore",
    "restore_block",
    "score",
    "simulate",
    "train",
]
_HOMES = {
    "PSF": "w2s_cli.microscope.psf",
    "NoiseModel": "w2s_cli.microscope.noise_model",
    "Stack": "w2s_cli.stack",
    "ZarrOutput": "w2s_cli.io.ome_zarr_writing",
    "CheckResult": "w2s_cli.api.checking",
    "RestoreResult": "w2s_cli.api.restoring",
    "check": "w2s_cli.api.checking",
    "estimate_noise": "w2s_cli.api.estimating",
    "estimate_psf": "w2s_cli.api.estimating",
    "imread": "w2s_cli.api.images",
    "imwrite": "w2s_cli.api.images",
    "load_weights": "w2s_cli.api.learning",
    "restore": "w2s_cli.api.restoring",
    "restore_block": "w2s_cli.api.restoring",
    "score": "w2s_cli.api.estimating",
    "simulate": "w2s_cli.api.estimating",
    "train": "w2s_cli.api.learning",
    "methods": "w2s_cli.methods",
}


def __getattr__(name: str) -> object:
    """Return a name of the API, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = import_module(_HOMES[name])
    if name != "methods":  # the package itself: called, it lists the methods
        found = getattr(found, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the names of the API, imported or not."""
    return sorted({*globals(), *__all__})
