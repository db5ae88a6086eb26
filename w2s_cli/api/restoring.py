"""Whole images and blocks of them: `restore`, `restore_block`."""

import warnings as python_warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.api.images import Array, as_stack
from w2s_cli.batch.file_pairs import files
from w2s_cli.errors import UsageError
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.io.single_precision import in_single_precision
from w2s_cli.io.wanted import by_number
from w2s_cli.methods import DEFAULT
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.restoration import Restoration, RestoreProgress, restore_stack
from w2s_cli.pipeline.shared_fitting import check_fitting, fit_files
from w2s_cli.pipeline.spec import RestoreSpec, StoredAs, defects_of
from w2s_cli.restorers import TILE
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import restore_plane
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange
from w2s_cli.stack import Cached, Stack

CACHE_BYTES = 256 << 20
"""Restored planes that a result keeps, so that reading one again costs nothing."""

Options = Mapping[str, object] | Sequence[str]
Noise = NoiseModel | Sequence[NoiseModel] | None


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
        Why the result should be looked at twice, one line per reason.
    record
        The whole specification of the run, and what was found out, for `imwrite`. Its
        number of clipped pixels is complete once every plane has been read.
    error
        The standard errors, float32 counts, where they were asked for: the truth lies
        within 1.645 of them nine times in ten. NaN where the input is not known or
        saturated. They are computed with the planes of the image, and kept.
    """

    image: Stack
    noise: tuple[NoiseModel, ...]
    warnings: tuple[str, ...]
    record: Mapping[str, Any]
    error: Stack | None = None


class _Given(TypedDict, total=False):
    """The arguments of `restore` that do not decide what it returns."""

    noise: Noise
    options: Options
    weights: str | Path | Sequence[str | Path]
    device: str
    precision: str
    tile: int
    axes: str | None
    channel: str | int | None
    display_range: tuple[float, float] | None
    defects: str | Path
    train_on: str | Path | Sequence[str | Path]
    dtype: StoredAs
    progress: Callable[[int, int], None] | None


@overload
def restore(
    image: Stack, method: str = ..., *, uncertainty: bool = ..., **given: Unpack[_Given]
) -> RestoreResult: ...
@overload
def restore(
    image: Array,
    method: str = ...,
    *,
    uncertainty: Literal[False] = ...,
    **given: Unpack[_Given],
) -> Array: ...
@overload
def restore(
    image: Array,
    method: str = ...,
    *,
    uncertainty: Literal[True],
    **given: Unpack[_Given],
) -> RestoreResult: ...
def restore(
    image: Stack | Array,
    method: str = DEFAULT,
    *,
    noise: Noise = None,
    options: Options = (),
    weights: str | Path | Sequence[str | Path] = (),
    device: str = "auto",
    precision: str = "auto",
    tile: int = TILE,
    axes: str | None = None,
    channel: str | int | None = None,
    display_range: tuple[float, float] | None = None,
    defects: str | Path = "auto",
    train_on: str | Path | Sequence[str | Path] = (),
    dtype: StoredAs = "auto",
    uncertainty: bool = False,
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
        Options of the method, such as ``{"sigma": 1.5}``.
    weights
        Files for the networks of the method, in their order.
    device
        Where networks run: "auto", "cpu", "cuda", "cuda:N" or "mps".
    precision
        What they compute in: "auto", "fp32", "bf16" or "fp16".
    tile
        Side of a tile, in input pixels, at most: halved where the machine has little
        memory.
    axes
        Names of the axes of an array with more than two, such as "TCYX".
    channel
        The one channel to restore, by name, or by index from 0 as in NumPy.
    display_range
        Counts of black and white, for published networks that need them.
    defects
        "auto" to repair pixels that the camera reads wrongly, "all" to even out rows
        and columns as well, "keep" to leave them, or a file with a map of them.
    train_on
        Files or folders that a method such as "n2sr" learns from, once for all images
        with the same ones; without, it learns from each image.
    dtype
        Type of the pixels: "auto" for that of the input, but float32 where whole counts
        would round dim light away; "input", "float32" or "uint16" always.
    uncertainty
        Whether to compute the standard error of each pixel, too.
    progress
        Called after each tile with the number of tiles done, and of all tiles.

    Returns
    -------
    RestoreResult or array
        A lazy result for a stack, or with `uncertainty`; an array, computed now, for an
        array. The pixels are counts, of `dtype`; types that files cannot have, such as
        float64 and int64, are taken as float32.

    Raises
    ------
    UsageError
        When there is no such method, option, device or channel.
    InputError
        When the noise of the image cannot be measured, or pixels are not numbers.
    WeightsError
        When the weights of a network cannot be found or read.

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
        noise=GivenNoise(noise_models(noise)),
        display_range=DisplayRange(*display_range) if display_range else None,
        defects=defects_of(defects),
        train_on=tuple(files(_paths(train_on))),
        channel=by_number(channel),
        dtype=dtype,
        uncertainty=uncertainty,
    )
    built, fitted = spec.chain(), None
    if train_on:
        check_fitting(spec, built, [])
        fitted = fit_files(spec, built, spec.train_on)
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
        in_single_precision(as_stack(image, axes)),
        chain=built,
        fitted=fitted,
        progress=RestoreProgress(started=started, tile=tile_done),
    )
    if isinstance(image, Stack) or uncertainty:
        unsure = found.uncertainty
        data = Cached(found.image.data, CACHE_BYTES)
        return RestoreResult(
            replace(found.image, data=data),
            tuple(found.diagnosis.noise.values()),
            tuple(found.warnings),
            _Record(found),
            unsure.stack(found.image) if unsure else None,
        )
    pixels = np.asarray(found.image)
    for warning in found.warnings:  # complete when every plane was read
        python_warnings.warn(warning, UserWarning, stacklevel=2)
    return pixels


def restore_block(
    block: Array,
    method: str = DEFAULT,
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
    if chain.shown_by and display_range is None:
        raise UsageError(
            f"{method} is relative to what is measured of the whole image",
            hint="say the counts that are its 0 and its 1: display_range=(..., ...)",
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


def noise_models(noise: Noise) -> tuple[NoiseModel, ...]:
    """Return the noise models that are given: none, one or several."""
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
