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
    from w2s_cli.api import (
        RestoreResult,
        estimate_noise,
        estimate_psf,
        imread,
        imwrite,
        load_weights,
        methods,
        restore,
        restore_block,
        score,
        simulate,
        train,
    )
    from w2s_cli.microscope.noise_model import NoiseModel
    from w2s_cli.microscope.psf import PSF
    from w2s_cli.stack import Stack

__version__ = "0.1.0"
__all__ = [
    "PSF",
    "NoiseModel",
    "RestoreResult",
    "Stack",
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
_ELSEWHERE = {
    "PSF": "w2s_cli.microscope.psf",
    "NoiseModel": "w2s_cli.microscope.noise_model",
    "Stack": "w2s_cli.stack",
}


def __getattr__(name: str) -> object:
    """Return a name of the API, imported now."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "methods":  # the package itself: called, it lists the methods
        return import_module("w2s_cli.methods")
    found = getattr(import_module(_ELSEWHERE.get(name, "w2s_cli.api")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the names of the API, imported or not."""
    return sorted({*globals(), *__all__})
