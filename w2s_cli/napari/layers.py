"""Layers of napari <-> stacks: pixels, axes, calibration and colours."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from w2s_cli.errors import AxesError
from w2s_cli.stack import AXES, Cached, Computed, Stack

if TYPE_CHECKING:
    import dask.array as da
    from napari.layers import Image

_USUAL = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
_PLANES_KEPT = 256 << 20  # bytes
_LARGEST_BLOCK = 4096  # pixels of a side, of planes that are not read whole


def axes_of(layer: "Image") -> str:
    """Return the axes that the labels of a layer name, or those that are usual."""
    named = "".join(map(str, layer.axis_labels)).upper()
    ordered = "".join(axis for axis in AXES if axis in named)
    usual = _USUAL.get(layer.ndim, "")
    return named if named == ordered and named.endswith("YX") else usual


def stack_of(layer: "Image", axes: str) -> Stack:
    """Return a layer's pixels as a stack of camera counts, read plane by plane.

    Parameters
    ----------
    layer
        Of grey images; of one with several resolutions, the finest is taken.
    axes
        The names of its axes, such as "TYX".

    Raises
    ------
    AxesError
        When the layer is in colours, or has other axes.
    """
    if layer.rgb:
        raise AxesError(
            f"the layer {layer.name} is a picture in colours, not camera counts",
            hint="right-click it, and choose Split RGB",
        )
    data = layer.data[0] if layer.multiscale else layer.data

    def plane(index: tuple[int, ...]) -> Any:
        return np.asarray(data[index])

    pixels = Computed(tuple(data.shape), np.dtype(data.dtype), plane)
    sizes = {
        axis: size
        for axis, step, unit in zip(axes, layer.scale, layer.units, strict=False)
        if axis in "ZYX" and (size := _in(unit, float(step), "micrometer"))
    }
    time = axes.find("T")
    step = (
        _in(layer.units[time], float(layer.scale[time]), "second") if time >= 0 else 0
    )
    return Stack(pixels, axes, sizes, step or None)


def _in(unit: Any, number: float, wanted: str) -> float:
    """Return a number of a layer's unit in another; 0 where it cannot be said in it."""
    if not unit.is_compatible_with(wanted):
        return 0.0
    return float((number * unit).to(wanted).magnitude)


def restored_layer(
    pixels: np.ndarray[Any, Any], layer: "Image", scale: int, start: tuple[int, ...]
) -> dict[str, Any]:
    """Return how napari is to show what was made of a layer, so that they coincide.

    Parameters
    ----------
    pixels
        What was restored: as many axes as the layer has.
    layer
        What it was made of.
    scale
        Pixels of the result along the side of one of the layer.
    start
        The pixel of the layer where the part that was restored begins, an axis each.
    """
    steps = np.array(layer.scale, float)
    place = np.array(start, float)
    place[-2:] += (1 / scale - 1) / 2  # of the middle of the first pixel
    translate = np.array(layer.translate, float) + steps * place
    steps[-2:] /= scale
    return {
        "data": pixels,
        "scale": steps,
        "translate": translate,
        "affine": layer.affine,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
        "colormap": layer.colormap,
        "contrast_limits": layer.contrast_limits,
        "gamma": layer.gamma,
        "blending": layer.blending,
    }


def shown_part(
    layer: "Image", current: tuple[int, ...], side: int
) -> tuple[slice | int, ...]:
    """Return the part of the plane on show that a preview restores.

    Parameters
    ----------
    layer
        The image, whose last two axes are on the screen.
    current
        The index of the plane on show, in pixels of the layer.
    side
        Pixels of the part's sides, at most, around the middle of the view.
    """
    first, last = (corner[-2:] for corner in layer.corner_pixels)
    shape = layer.data[0].shape if layer.multiscale else layer.data.shape
    part: list[slice | int] = [
        int(np.clip(at, 0, length - 1))
        for at, length in zip(current[:-2], shape[:-2], strict=True)
    ]
    for low, high, length in zip(first, last, shape[-2:], strict=True):
        wide = min(side, length)
        start = int(np.clip((low + high + 1) // 2 - wide // 2, 0, length - wide))
        part.append(slice(start, start + wide))
    return tuple(part)


def layers_of(stack: Stack, name: str) -> tuple[Any, dict[str, Any]]:
    """Return an image file's pixels, and how napari is to show them.

    Each channel becomes a layer; pixels are read when they are looked at.
    """
    axes = [axis for axis in stack.axes if axis != "C"]
    steps = [
        stack.time_step or 1.0 if axis == "T" else stack.pixel_size.get(axis, 1.0)
        for axis in axes
    ]
    units = [
        "second"
        if axis == "T" and stack.time_step
        else "micrometer"
        if axis in stack.pixel_size
        else "pixel"
        for axis in axes
    ]
    known: dict[str, Any] = {
        "name": name,
        "scale": steps,
        "units": units,
        "axis_labels": axes,
        "metadata": {"w2s": [dict(one) for one in stack.history]},
    }
    if "C" in stack.axes:
        names = [stack.channel_name(n) for n in range(stack.channel_count)]
        known["channel_axis"] = stack.axes.index("C")
        known["name"] = [f"{name} {channel}" for channel in names]
        colours = [one.colour for one in stack.channels]
        if len(colours) == len(names) and all(colours):
            known["colormap"] = [_from_black(*colour) for colour in colours if colour]
    return _lazy(stack), known


def _from_black(red: int, green: int, blue: int) -> np.ndarray[Any, Any]:
    return np.array([[0, 0, 0], [red / 255, green / 255, blue / 255]])


def _lazy(stack: Stack) -> "da.Array":
    """Return pixels that are read block by block when they are needed."""
    import dask.array as da

    kept = stack
    if not stack.chunk:
        kept = Stack(Cached(stack.data, _PLANES_KEPT), stack.axes)
    *piles, height, width = stack.data.shape
    sides = [
        _blocks(length) if stack.chunk and stack.large else (length,)
        for length in (height, width)
    ]

    def read(block_info: Mapping[Any, Any] | None = None) -> Any:
        assert block_info is not None
        *index, rows, columns = (
            slice(*span) for span in block_info[None]["array-location"]
        )
        at = tuple(one.start for one in index)
        block = np.asarray(kept.region(at, rows, columns))
        return block.reshape((1,) * len(at) + block.shape)

    make: Callable[..., da.Array] = da.map_blocks
    return make(
        read,
        chunks=(*((1,) * length for length in piles), *sides),
        dtype=stack.data.dtype,
        meta=np.empty((0,) * len(stack.axes), stack.data.dtype),
    )


def _blocks(length: int) -> tuple[int, ...]:
    starts = range(0, length, _LARGEST_BLOCK)
    return tuple(min(_LARGEST_BLOCK, length - start) for start in starts)
