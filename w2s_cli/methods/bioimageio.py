"""Models of bioimage.io as methods: `bioimageio:NAME` and `bioimageio:FILE.zip`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError, WeightsError
from w2s_cli.methods.network_engines import engine
from w2s_cli.networks.devices import kind_of
from w2s_cli.networks.graph import Run, open_graph
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import DisplayRange, Units
from w2s_cli.weights.bioimageio_model import (
    Affine,
    BioimageioModel,
    Measured,
    load_model,
)
from w2s_cli.weights.catalogue import MODEL_PREFIX


@dataclass(frozen=True)
class Bioimageio:
    """A model in the numbers, sizes and axes that its description names."""

    name: str = ""  # the method's, with the model after the colon
    device: str = "auto"

    @cached_property
    def _model(self) -> BioimageioModel:
        return load_model(self.name.removeprefix(MODEL_PREFIX))

    @cached_property
    def _run(self) -> Run:
        return open_graph(self._model.kind, self._model.content, self._device)

    @cached_property
    def _device(self) -> str:
        return engine().available_device(self.device)

    @cached_property
    def _leaves(self) -> tuple[Affine, ...]:
        """Return the steps from the graph's numbers to those that it was given."""
        model = self._model
        into, out_of = _whole(model.before), _whole(model.after)
        both = into.gain * out_of.gain, into.offset * out_of.gain + out_of.offset
        if np.allclose(both, (1, 0), rtol=1e-3, atol=1e-3 * abs(into.gain)):
            return model.after
        if all(one.gain == 1 and one.offset == 0 for one in model.after):
            return (
                *model.after,
                Affine(1 / into.gain, -into.offset / into.gain),
            )
        raise WeightsError(
            f"{self.name} gives other numbers than it takes: {both[0]:g} times counts, "
            f"and {both[1]:g}",
            hint="w2s runs models that give the light in the numbers of their input",
        )

    @property
    def traits(self) -> Traits:
        """Return the traits, as the description tells them."""
        model = self._model
        steps = model.rows.step or 1, model.columns.step or 1
        return Traits(
            scale=model.scale,
            margin=model.margin + model.cut,
            multiple_of=int(np.lcm(*steps)),
            expects=Units.UNIT if model.measured else Units.COUNTS,
            shown_by=_measure(model.measured) if model.measured else None,
            provenance={
                "weights_sha256": model.digest,
                "model": model.name,
                "licence": model.licence,
                "graph": model.kind,
                "device": kind_of(self._device),
            },
            device=self._device,
            memory=(1536, 1536),
        )

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored planes."""
        model, leaves = self._model, self._leaves
        made = []
        for plane in blocks:
            numbers = _applied(model.before, plane)
            made.append(_applied(leaves, self._windows(numbers)))
        return np.stack(made)

    def _windows(self, plane: FloatArray) -> FloatArray:
        """Run the graph over a plane of any size, in windows where it has but one.

        It sees the plane mirrored beyond its sides: what it would make up there, such
        as darkness, would spoil what is near.
        """
        model, scale, lost = self._model, self._model.scale, self._model.cut
        out = np.empty([scale * n for n in plane.shape], np.float32)
        spans, wide = [], []
        for length, side in zip(plane.shape, (model.rows, model.columns), strict=True):
            size = side.fitting(length + 2 * (lost + model.margin)) - 2 * lost
            if size < 1:
                raise WeightsError(f"{self.name} takes blocks of {side.least} pixels")
            spans.append(_spans(length, size, min(model.margin, (size - 1) // 2)))
            wide.append(size + 2 * lost)
        for top, rows in spans[0]:
            for left, columns in spans[1]:
                made = self._through(_cut_out(plane, (top - lost, left - lost), wide))
                inner = _scaled(rows, scale, top), _scaled(columns, scale, left)
                out[_scaled(rows, scale), _scaled(columns, scale)] = made[inner]
        return out

    def _through(self, window: FloatArray) -> FloatArray:
        model = self._model
        lengths = {"y": window.shape[0], "x": window.shape[1]}
        shape = [lengths.get(axis, 1) for axis in model.axes]
        turned = window.T if "xy" in model.axes else window
        given = self._run(np.ascontiguousarray(turned, np.float32).reshape(shape))
        ends = {axis: (n - 2 * model.cut) * model.scale for axis, n in lengths.items()}
        expected = [ends.get(axis, 1) for axis in model.output_axes]
        if [*given.shape] != expected:
            raise WeightsError(
                f"{self.name} makes {[*given.shape]} of {shape}; by its description "
                f"it is {expected}"
            )
        planes = [n for n, axis in enumerate(model.output_axes) if axis not in "yx"]
        found = np.squeeze(given, tuple(planes))
        return found.T if "xy" in model.output_axes else found


def _measure(measured: Measured) -> Any:
    """Return what finds the 0 and the 1 of a model's numbers in a channel's pixels."""

    def found(pixels: NDArray[Any]) -> DisplayRange:
        if measured.percentiles:
            low, high = map(float, np.percentile(pixels, measured.percentiles))
        else:
            low = float(pixels.mean(dtype=np.float64))
            high = low + float(pixels.std(dtype=np.float64))
        if low == high:
            raise InputError(f"nearly all pixels are {low:g}: nothing to scale by")
        return DisplayRange(low, high)

    return found


def _whole(steps: Sequence[Affine]) -> Affine:
    """Return what several steps are together, but for what they clip."""
    gain, offset = 1.0, 0.0
    for one in steps:
        gain, offset = gain * one.gain, offset * one.gain + one.offset
    return Affine(gain, offset)


def _applied(steps: Sequence[Affine], numbers: FloatArray) -> FloatArray:
    for one in steps:
        if (one.gain, one.offset) != (1, 0):
            numbers = numbers * np.float32(one.gain) + np.float32(one.offset)
        if one.low is not None or one.high is not None:
            numbers = np.clip(numbers, one.low, one.high)
    return np.asarray(numbers, np.float32)


def _spans(length: int, window: int, reach: int) -> list[tuple[int, slice]]:
    """Return where windows begin along a side, and which part each of them restores.

    Each begins `reach` pixels before its part, and goes as far beyond it.
    """
    inner = window - 2 * reach
    return [
        (start - reach, slice(start, min(start + inner, length)))
        for start in range(0, length, inner)
    ]


def _scaled(part: slice, scale: int, start: int = 0) -> slice:
    return slice((part.start - start) * scale, (part.stop - start) * scale)


def _cut_out(
    plane: FloatArray, corner: tuple[int, int], shape: Sequence[int]
) -> FloatArray:
    """Return a window of a plane, mirrored beyond its sides."""
    picked = plane
    for axis, (start, size) in enumerate(zip(corner, shape, strict=True)):
        length = plane.shape[axis]
        period = max(2 * length - 2, 1)
        at = np.abs(np.arange(start, start + size)) % period
        picked = np.take(picked, np.where(at < length, at, period - at), axis)
    return picked
