"""The panel in napari that restores a layer: a part of it first, then all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    Label,
    LineEdit,
    ProgressBar,
    PushButton,
    TextEdit,
)
from napari.layers import Image
from napari.qt.threading import create_worker
from qtpy.QtCore import QTimer

import w2s_cli as w2s
from w2s_cli.errors import UsageError, W2SError
from w2s_cli.methods import DEFAULT, FOR_MENUS
from w2s_cli.methods.build import build
from w2s_cli.napari.layers import axes_of, restored_layer, shown_part, stack_of
from w2s_cli.pipeline.diagnose import diagnose

if TYPE_CHECKING:
    import napari

_PREVIEW = 384  # pixels of a side
_EVERY = 100  # milliseconds between looks at the progress


class Cancelled(Exception):
    """The user has asked for an end."""


@dataclass
class Progress:
    """How far a restoration is, written by its thread, read by the panel."""

    done: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.stopped = Event()

    def __call__(self, done: int, total: int) -> None:
        """Take note of a tile; raise Cancelled when the user has asked for an end."""
        self.done, self.total = done, total
        if self.stopped.is_set():
            raise Cancelled


@dataclass(frozen=True)
class _Measured:
    """The noise of a layer, while it has these pixels and axes."""

    data: Any
    axes: str
    noise: tuple[w2s.NoiseModel, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """What a restoration gave: the layer's pixels, and what is known of them."""

    pixels: np.ndarray[Any, Any]
    scale: int
    noise: tuple[w2s.NoiseModel, ...]
    warnings: tuple[str, ...]
    record: dict[str, Any]


class RestorePanel(Container):
    """Restore a layer of the viewer.

    Parameters
    ----------
    napari_viewer
        The viewer, which napari hands over.
    """

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        self._viewer = napari_viewer
        self.image = ComboBox(label="image", choices=self._images)
        self.axes = LineEdit(label="axes", tooltip="such as TYX, ZYX or TCZYX")
        self.method = ComboBox(label="method", choices=FOR_MENUS, value=DEFAULT)
        self.known_camera = CheckBox(
            label="same camera",
            tooltip="take the noise that was measured last, not that of this layer",
        )
        self.preview = PushButton(text="Preview what is in view")
        self.restore = PushButton(text="Restore all")
        self.measure = PushButton(text="Measure the noise")
        self.cancel = PushButton(text="Cancel", enabled=False)
        self.progress = ProgressBar(visible=False)
        self.status = Label(value="")
        self.report = TextEdit()
        self.report.read_only = True
        super().__init__(
            widgets=[
                *(self.image, self.axes, self.method, self.known_camera, self.preview),
                *(self.restore, self.measure, self.cancel, self.progress),
                *(self.status, self.report),
            ]
        )
        self._measurements: WeakKeyDictionary[Image, _Measured] = WeakKeyDictionary()
        self._last_noise: tuple[w2s.NoiseModel, ...] = ()
        self._running = Progress()
        self._timer = QTimer(self.native)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self._show_progress)
        for event in ("inserted", "removed", "reordered"):
            layers = getattr(napari_viewer.layers.events, event)
            layers.connect(self.image.reset_choices)
        self.image.changed.connect(self._name_axes)
        self.preview.changed.connect(self.run_preview)
        self.restore.changed.connect(self.run_all)
        self.measure.changed.connect(self.run_measurement)
        self.cancel.changed.connect(lambda: self._running.stopped.set())
        self._name_axes()

    def run_preview(self) -> None:
        """Restore the part of the plane on show that is in view."""
        if (found := self._asked()) is None:
            return
        layer, whole = found
        current = tuple(map(int, layer.world_to_data(self._viewer.dims.point)))
        part = shown_part(layer, current[-layer.ndim :], _PREVIEW)
        method, camera, progress = self.method.value, self._camera(), self._running

        def work() -> Restored:
            chain = build(method)
            for link in chain.links:
                if link.traits.automatic or link.traits.fit:
                    raise UsageError(
                        f"{method} looks at all of the image first: it has no preview",
                        hint="restore all",
                    )
            needed = chain.needs_noise and not camera
            noise = self._measured(layer, whole).noise if needed else camera
            seen = _part(whole, part)
            if len(noise) > 1:
                number = whole.channel_of(start)
                noise = noise[number : number + 1]
            return _restored(seen, method, noise, progress)

        start = tuple(at.start if isinstance(at, slice) else at for at in part)

        def show(made: Restored) -> None:
            pixels = made.pixels.reshape(
                (1,) * (layer.ndim - 2) + made.pixels.shape[-2:]
            )
            self._add(made, pixels, layer, start, f"{layer.name} preview")

        self._start(work, show, f"{method}, {_PREVIEW} pixels")

    def run_all(self) -> None:
        """Restore the whole layer."""
        if (found := self._asked()) is None:
            return
        layer, whole = found
        method, camera, progress = self.method.value, self._camera(), self._running

        def work() -> Restored:
            return _restored(whole, method, camera, progress)

        def show(made: Restored) -> None:
            start = (0,) * layer.ndim
            self._add(made, made.pixels, layer, start, f"{layer.name} {method}")

        self._start(work, show, method)

    def run_measurement(self) -> None:
        """Measure the noise of the layer's camera, and say it."""
        if (found := self._asked()) is None:
            return
        layer, whole = found

        def show(found: _Measured) -> None:
            lines = [*_described(found.noise), *found.warnings]
            self.report.value = "\n".join(lines)

        self._start(lambda: self._measured(layer, whole), show, "noise")

    def _images(self, _: Any) -> list[tuple[str, Image]]:
        layers = self._viewer.layers
        return [(layer.name, layer) for layer in layers if isinstance(layer, Image)]

    def _name_axes(self) -> None:
        layer = self.image.value
        self.axes.value = axes_of(layer) if layer is not None else ""

    def _asked(self) -> tuple[Image, w2s.Stack] | None:
        """Return the layer that is chosen and its pixels; None where that fails."""
        layer = self.image.value
        try:
            if layer is None:
                raise UsageError("there is no image layer", hint="open an image")
            return layer, stack_of(layer, self.axes.value.strip().upper())
        except W2SError as error:
            self._fail(error)
            return None

    def _camera(self) -> tuple[w2s.NoiseModel, ...]:
        return self._last_noise if self.known_camera.value else ()

    def _measured(self, layer: Image, whole: w2s.Stack) -> "_Measured":
        """Return the noise of all of a layer; measured once, for every preview."""
        found = self._measurements.get(layer)
        if not found or found.data is not layer.data or found.axes != whole.axes:
            told = diagnose(whole)
            noise, warnings = tuple(told.noise.values()), tuple(told.warnings)
            found = _Measured(layer.data, whole.axes, noise, warnings)
            self._measurements[layer] = found
        self._last_noise = found.noise
        return found

    def _start(
        self, work: Callable[[], Any], show: Callable[[Any], None], what: str
    ) -> None:
        self._running.stopped.clear()
        self._running.done = self._running.total = 0
        self._set_busy(True)
        self.status.value, self.report.value = f"{what} ...", ""

        def attempt() -> Callable[[], None]:
            """Return what is left to do where the panel may be touched."""
            try:
                return partial(show, work())
            except (W2SError, Cancelled) as error:  # which napari need not trace
                return partial(self._fail, error)

        def end(rest: Callable[[], None]) -> None:
            self._end(what)
            rest()

        worker = create_worker(attempt, _start_thread=False)
        worker.returned.connect(end)
        worker.errored.connect(lambda _: self._end("it has failed"))
        worker.start()

    def _add(
        self,
        made: Restored,
        pixels: np.ndarray[Any, Any],
        layer: Image,
        start: tuple[int, ...],
        name: str,
    ) -> None:
        """Show pixels beside the layer that they were made of."""
        if name in self._viewer.layers:
            self._viewer.layers.remove(name)
        shown = restored_layer(pixels, layer, made.scale, start)
        metadata = {"w2s": made.record}
        self._viewer.add_image(**shown, name=name, metadata=metadata)
        self._last_noise = made.noise or self._last_noise
        lines = [*made.warnings, *_described(made.noise)]
        self.report.value = "\n".join(lines)

    def _end(self, status: str) -> None:
        self._set_busy(False)
        self.status.value = status

    def _fail(self, error: Exception) -> None:
        self.status.value = "cancelled" if isinstance(error, Cancelled) else ""
        if isinstance(error, W2SError):
            self.report.value = f"{error}\n{error.hint}".strip()

    def _set_busy(self, busy: bool) -> None:
        for button in (self.preview, self.restore, self.measure):
            button.enabled = not busy
        self.cancel.enabled = self.progress.visible = busy
        (self._timer.start if busy else self._timer.stop)()

    def _show_progress(self) -> None:
        self.progress.max = max(self._running.total, 1)
        self.progress.value = self._running.done


def _part(whole: w2s.Stack, part: tuple[slice | int, ...]) -> w2s.Stack:
    """Return the part of one plane as a plane of its own."""
    *index, rows, columns = part
    at = tuple(one for one in index if isinstance(one, int))
    assert isinstance(rows, slice)
    assert isinstance(columns, slice)
    channel = slice(None)
    if "C" in whole.axes:
        number = whole.channel_of(at)
        channel = slice(number, number + 1)
    sizes = {axis: whole.pixel_size[axis] for axis in "YX" if axis in whole.pixel_size}
    plane = np.asarray(whole.region(at, rows, columns))
    return replace(
        whole,
        data=plane,
        axes="YX",
        pixel_size=sizes,
        time_step=None,
        channels=whole.channels[channel],
    )


def _restored(
    stack: w2s.Stack, method: str, noise: tuple[w2s.NoiseModel, ...], progress: Progress
) -> Restored:
    """Restore every plane of a stack."""
    result = w2s.restore(stack, method, noise=noise or None, progress=progress)
    pixels = np.asarray(result.image)
    scale = pixels.shape[-1] // stack.data.shape[-1]
    return Restored(pixels, scale, result.noise, result.warnings, dict(result.record))


def _described(noise: tuple[w2s.NoiseModel, ...]) -> list[str]:
    """Return noise models in words, a line a channel."""
    return [
        f"channel {number}: gain {one.gain:.3g} counts a photon, offset "
        f"{one.offset:.4g} counts, read noise {one.read_noise:.3g} counts"
        for number, one in enumerate(noise, 1)
    ]
