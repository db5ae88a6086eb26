"""The Python API: what `import w2s_cli as w2s` offers.

Images are `Stack` objects, whose pixels may still be on disk, or NumPy arrays of camera
counts. A function that is given a stack gives a lazy stack back; one that is given an
array gives an array back, and says by Python's `warnings` what a result object would.
"""

import warnings as python_warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import AxesError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.methods import METHODS, MethodEntry
from w2s_cli.metrics import METRICS
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF
from w2s_cli.pipeline.diagnosis import diagnose
from w2s_cli.pipeline.restoration import Restoration, RestoreProgress, restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.registry import Registry
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import restore_plane
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange
from w2s_cli.stack import Cached, Pixels, Stack

if TYPE_CHECKING:
    from w2s_cli.networks.rebuild import Network
    from w2s_cli.training.progress import TrainingProgress

CACHE_BYTES = 256 << 20
"""Restored planes that a result keeps, so that reading one again costs nothing."""

Array = NDArray[Any]
Image = TypeVar("Image", Stack, NDArray[Any])
Options = Mapping[str, object] | Sequence[str]
Noise = NoiseModel | Sequence[NoiseModel] | None


class _OpenPixels:
    """Pixels of a file that is closed when nobody holds them any more."""

    def __init__(self, pixels: Pixels, resources: ExitStack) -> None:
        self.shape, self.dtype, self._pixels = pixels.shape, pixels.dtype, pixels
        weakref.finalize(self, resources.close)

    def __getitem__(self, index: tuple[int, ...], /) -> Array:
        return self._pixels[index]


def imread(path: str | Path, *, axes: str | None = None) -> Stack:
    """Open an image file; a plane is read when it is indexed.

    Parameters
    ----------
    path
        A TIFF, PNG or NPY file.
    axes
        Names of its axes, such as "TCYX", where it doesn't say or is wrong.

    Returns
    -------
    Stack
        In the file's own dtype; `np.asarray` reads all of it.

    Raises
    ------
    InputError
        When the file cannot be read, or has axes that w2s does not handle.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> np.save("cell.npy", np.ones((3, 64, 48), np.uint16))
    >>> image = w2s.imread("cell.npy", axes="TYX")
    >>> image.axes, image.data.shape
    ('TYX', (3, 64, 48))
    >>> image.data[2,].mean()
    np.float64(1.0)
    """
    resources = ExitStack()
    stack = resources.enter_context(open_image(Path(path), axes=axes))
    return replace(stack, data=_OpenPixels(stack.data, resources))


def imwrite(
    path: str | Path,
    image: Stack | Array,
    *,
    axes: str | None = None,
    record: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write an image plane by plane, whole or not at all.

    Parameters
    ----------
    path
        Its suffix decides the format.
    image
        A stack, or an array of uint8, uint16, int8, int16 or float32.
    axes
        Of an array that is no plane, such as "ZYX".
    record
        What was done to it, added to its history: `RestoreResult.record`. One that
        is made as the planes are read is complete in the file.
    overwrite
        Whether an existing file is replaced.

    Raises
    ------
    OutputError
        When the file exists, or cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> w2s.imwrite("plane.tif", np.ones((32, 32), np.float32))
    >>> w2s.imread("plane.tif").axes
    'YX'
    """
    write_image(
        _as_stack(image, axes),
        Path(path),
        overwrite=overwrite,
        record=None if record is None else lambda: dict(record),
    )


class _Record(Mapping[str, Any]):
    """The record of a restoration, worked out when it is looked at."""

    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration

    def __getitem__(self, key: str) -> Any:
        return self._restoration.record[key]

    def __iter__(self) -> Any:
        return iter(self._restoration.record)

    def __len__(self) -> int:
        return len(self._restoration.record)


@dataclass(frozen=True, slots=True, eq=False)
class RestoreResult:
    """A restored stack, and what is known of it.

    Attributes
    ----------
    image
        The restored stack; a plane is computed when it is read. The last ones are kept,
        so that reading one again does not compute it again.
    noise
        The noise model that was used, by channel; empty where the method needs none.
    warnings
        Why the result should be looked at twice, one line a reason.
    record
        The whole specification of the run, and what was found out, for `imwrite`. The
        number of clipped pixels in it is complete when every plane was read.
    """

    image: Stack
    noise: tuple[NoiseModel, ...]
    warnings: tuple[str, ...]
    record: Mapping[str, Any]


@overload
def restore(
    image: Stack,
    method: str = ...,
    *,
    noise: Noise = ...,
    options: Options = ...,
    weights: str | Path | Sequence[str | Path] = ...,
    device: str = ...,
    precision: str = ...,
    tile: int = ...,
    axes: str | None = ...,
    channel: str | int | None = ...,
    display_range: tuple[float, float] | None = ...,
    progress: Callable[[int, int], None] | None = ...,
) -> RestoreResult: ...
@overload
def restore(
    image: Array,
    method: str = ...,
    *,
    noise: Noise = ...,
    options: Options = ...,
    weights: str | Path | Sequence[str | Path] = ...,
    device: str = ...,
    precision: str = ...,
    tile: int = ...,
    axes: str | None = ...,
    channel: str | int | None = ...,
    display_range: tuple[float, float] | None = ...,
    progress: Callable[[int, int], None] | None = ...,
) -> Array: ...
def restore(
    image: Stack | Array,
    method: str = "jdsr",
    *,
    noise: Noise = None,
    options: Options = (),
    weights: str | Path | Sequence[str | Path] = (),
    device: str = "auto",
    precision: str = "auto",
    tile: int = 512,
    axes: str | None = None,
    channel: str | int | None = None,
    display_range: tuple[float, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RestoreResult | Array:
    """Denoise an image, enlarge it, or both.

    Parameters
    ----------
    image
        Camera counts: a stack, or an array whose last two axes are Y and X.
    method
        The name of a method, or several joined by "+": see `methods`.
    noise
        The camera's noise: one model for all channels, or one for each. None to
        estimate it from the image.
    options
        Of the method: ``{"sigma": 1.5}``.
    weights
        Files for the networks of the method, in their order.
    device
        Where networks run: "auto", "cpu", "cuda", "cuda:N" or "mps".
    precision
        What they compute in: "auto", "fp32", "bf16" or "fp16".
    tile
        Side of a tile, in input pixels.
    axes
        Of an array that is no plane, such as "TCYX".
    channel
        The one channel to restore, by name or number.
    display_range
        Counts of black and white, for published networks that need them.
    progress
        Called after each tile with the number that is done, and that of all.

    Returns
    -------
    RestoreResult or array
        A lazy result for a stack; an array, computed now, for an array. The pixels are
        counts, in the dtype of the input.

    Raises
    ------
    UsageError
        When there is no such method, option, device or channel.
    InputError
        When the image has no noise that can be measured, or pixels that are no numbers.
    WeightsError
        When the weights of a network cannot be had.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> camera = w2s.NoiseModel(gain=2.0, offset=100.0, read_noise=3.0)
    >>> light = np.tile(np.linspace(20, 90, 64, dtype=np.float32), (64, 1))
    >>> noisy = camera.sample(light, np.random.default_rng(0)).round().astype("uint16")
    >>> clean = w2s.restore(noisy, "denoise", noise=camera, device="cpu")
    >>> clean.shape, clean.dtype
    ((64, 64), dtype('uint16'))
    >>> result = w2s.restore(w2s.Stack(noisy, "YX"), "pure-let+bicubic", noise=camera)
    >>> result.image.data.shape, result.record["method"]
    ((128, 128), 'pure-let+bicubic')
    """
    spec = RestoreSpec(
        method=method,
        options=_options(options),
        weights=_paths(weights),
        device=device,
        precision=precision,
        tile=tile,
        noise=GivenNoise(_models(noise)),
        display_range=DisplayRange(*display_range) if display_range else None,
        channel=None if channel is None else str(channel),
    )
    done, total = 0, 0

    def started(tiles: int) -> None:
        nonlocal total
        total = tiles

    def tile_done() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    found = restore_stack(
        spec,
        _as_stack(image, axes),
        progress=RestoreProgress(started=started, tile=tile_done),
    )
    if isinstance(image, Stack):
        data = Cached(found.image.data, CACHE_BYTES)
        return RestoreResult(
            replace(found.image, data=data),
            tuple(found.diagnosis.noise.values()),
            tuple(found.warnings),
            _Record(found),
        )
    for warning in found.warnings:
        python_warnings.warn(warning, UserWarning, stacklevel=2)
    return np.asarray(found.image)


def restore_block(
    block: Array,
    method: str = "jdsr",
    noise: NoiseModel | None = None,
    *,
    options: Options = (),
    weights: str | Path | Sequence[str | Path] = (),
    device: str = "auto",
    precision: str = "auto",
    display_range: tuple[float, float] | None = None,
) -> FloatArray:
    """Restore a block of an image, for workers of dask, Zarr or a cluster.

    The function and its arguments can be pickled; a process loads weights once. Nothing
    is measured in a block, so that all are treated alike: measure the noise before, by
    `estimate_noise`. Let blocks overlap on each side by the
    pixels of ``methods()[method].traits.margin``, begin them on multiples of
    ``traits.multiple_of``, and cut no images for methods whose ``traits.whole`` is set.

    Parameters
    ----------
    block
        (Y, X) or (N, Y, X) camera counts of one channel.
    method, options, weights, device, precision
        As for `restore`; the method cannot be `auto`, nor one that learns from images.
    noise
        The camera's noise, for methods that need it.
    display_range
        Counts of black and white, for networks that need them; else 0 and 255.

    Returns
    -------
    array
        float32 counts, neither rounded nor clipped; Y and X times the method's scale.

    Raises
    ------
    UsageError
        When the method cannot work on blocks, or needs a noise model and has none.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> w2s.methods()["bicubic"].traits.margin
    2
    >>> w2s.restore_block(np.ones((4, 20, 30), np.uint16), "bicubic").shape
    (4, 40, 60)
    """
    chain = _chain(method, _options(options), _paths(weights), device, precision)
    if chain.needs_noise and noise is None:
        raise UsageError(
            f"{method} needs the noise of the camera, the same for all blocks",
            hint="measure it on the whole image: estimate_noise",
        )
    shown = DisplayRange(*display_range) if display_range else EIGHT_BIT
    bound = chain.bound(noise, shown) if noise else chain.bound(display_range=shown)
    planes = np.asarray(block, np.float32).reshape(-1, *block.shape[-2:])
    side = max(planes.shape[1:])
    made = np.stack([restore_plane(plane, bound, tile=side) for plane in planes])
    return made.reshape(*block.shape[:-2], *made.shape[1:])


@lru_cache(maxsize=8)
def _chain(
    method: str,
    options: tuple[str, ...],
    weights: tuple[Path, ...],
    device: str,
    precision: str,
) -> Chain:
    chain = RestoreSpec(method, options, weights, device, precision).chain()
    for link in chain.links:
        if link.traits.automatic or (link.traits.fit and link.traits.fit.steps):
            raise UsageError(
                f"{method} looks at the whole image first, and cannot restore a block",
                hint="name another method, or give the weights that it has learned",
            )
    return chain


def estimate_noise(
    image: Stack | Array, *, axes: str | None = None
) -> tuple[NoiseModel, ...]:
    """Estimate the noise of the camera, as `restore` does where none is given.

    Parameters
    ----------
    image
        Camera counts: a stack, or an array whose last two axes are Y and X.
    axes
        Of an array that is no plane, such as "CYX".

    Returns
    -------
    tuple of NoiseModel
        One a channel. What speaks against them is said by Python's `warnings`.

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
    found = diagnose(_as_stack(image, axes))
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
        Of an array that is no plane.

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
    known = checked_truth(_as_stack(truth, axes), scale, pixel_size)
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
        Names of metrics that take two images: `w2s metrics` lists them.
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
        When a metric is computed from something else than two images.

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


def methods() -> Registry[MethodEntry]:
    """Return the methods: by name, or all of them in turn.

    Other packages add methods by entry points in the group ``w2s.methods``, which name
    a class such as those in `w2s_cli.methods`.

    Returns
    -------
    Registry
        Rows with `name`, `summary`, `source`, `licence`, `scale` and `needs`; and
        `traits`, for which the method is built, and its weights are loaded.

    Examples
    --------
    >>> import w2s_cli as w2s
    >>> "jdsr" in [method.name for method in w2s.methods()]
    True
    >>> w2s.methods()["median"].traits.margin
    1
    """
    return METHODS


def load_weights(weights: str | Path) -> "Network":
    """Load a network from a file of weights, or by the name of published ones.

    Anybody's checkpoint will do: nothing in it is ever run.

    Parameters
    ----------
    weights
        A file, or a name that `w2s fetch --list` shows; it is fetched if need be.

    Returns
    -------
    torch.nn.Module
        With `scale`, `margin`, `multiple_of` and `predicts`; on the processor.

    Raises
    ------
    WeightsError
        When there is no such file, or it holds no known network.

    Examples
    --------
    >>> import w2s_cli as w2s
    >>> w2s.load_weights("jdsr").scale
    2
    """
    from w2s_cli.networks.rebuild import rebuild
    from w2s_cli.training.initial_network import resolve_weights
    from w2s_cli.weights import checkpoint

    return rebuild(checkpoint.load(resolve_weights("weights", str(weights))).state)


def train(
    recipe: str | Path,
    settings: Sequence[str] = (),
    *,
    progress: "Callable[[TrainingProgress], None] | None" = None,
) -> Path:
    """Train a network by a recipe; go on where it was interrupted.

    Parameters
    ----------
    recipe
        A TOML file, or the name of a recipe that ships: `w2s train --list`.
    settings
        "key=value" for what is to be other than in the recipe, such as "steps=100".
    progress
        Called after each step.

    Returns
    -------
    Path
        The weights, for `restore`.

    Raises
    ------
    W2SError
        When the recipe, its data or its weights don't fit.

    Examples
    --------
    >>> import w2s_cli as w2s
    >>> w2s.train("dncnn-w2s", ["data=W2S", "steps=100"])  # doctest: +SKIP
    """
    from w2s_cli.training.loop import train as run
    from w2s_cli.training.recipe_reading import load

    return run(load(str(recipe), settings), progress or (lambda _: None))


def _as_stack(image: Stack | Array, axes: str | None) -> Stack:
    if isinstance(image, Stack):
        return image
    pixels = np.asarray(image)
    if axes is None and pixels.ndim != 2:
        raise AxesError(
            f"the axes of an array of shape {pixels.shape} are not known",
            hint='name them, for example axes="TCYX"',
        )
    return Stack(pixels, axes or "YX")


def _models(noise: Noise) -> tuple[NoiseModel, ...]:
    if noise is None:
        return ()
    return (noise,) if isinstance(noise, NoiseModel) else tuple(noise)


def _options(options: Options) -> tuple[str, ...]:
    if isinstance(options, Mapping):
        return tuple(f"{key}={value}" for key, value in options.items())
    return tuple(options)


def _paths(weights: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    some = [weights] if isinstance(weights, str | Path) else weights
    return tuple(map(Path, some))
