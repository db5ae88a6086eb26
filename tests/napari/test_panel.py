"""The panel beside a viewer without a window: layers in, layers out."""

import os
import warnings
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest

import w2s_cli as w2s

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of napari's own libraries
    napari = pytest.importorskip("napari", reason="the extra napari is not installed")
    npe2 = pytest.importorskip("npe2")
    pytest.importorskip("qtpy.QtWidgets", reason="Qt is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # napari's own

CAMERA = w2s.NoiseModel(gain=2.0, offset=100.0, read_noise=3.0)


def cells(*shape: int) -> np.ndarray[Any, Any]:
    light = np.broadcast_to(np.linspace(20, 90, shape[-1], dtype=np.float32), shape)
    counts = CAMERA.sample(light, np.random.default_rng(0))
    return counts.round().clip(0, 65535).astype(np.uint16)


@pytest.fixture
def viewer() -> Any:
    from napari.components import ViewerModel
    from napari.qt import get_qapp

    get_qapp()
    return ViewerModel()


def panel_of(viewer: Any) -> Any:
    from w2s_cli.napari.restore_panel import RestorePanel

    return RestorePanel(viewer)


def wait(panel: Any) -> None:
    from qtpy.QtWidgets import QApplication

    for _ in range(3000):
        QApplication.processEvents()
        if panel.preview.enabled:
            return
        sleep(0.01)
    pytest.fail("the panel is busy still")


def test_what_is_restored_lies_on_what_it_was_made_of(viewer: Any) -> None:
    counts = cells(2, 96, 128)
    layer = viewer.add_image(
        counts,
        name="cell",
        scale=(3, 0.2, 0.2),
        translate=(0, 10, 20),
        units=("second", "micrometer", "micrometer"),
        axis_labels=("t", "y", "x"),
        colormap="green",
        contrast_limits=(90, 400),
    )
    panel = panel_of(viewer)
    assert panel.axes.value == "TYX"
    panel.method.value = "denoise+bicubic"
    panel.run_all()
    wait(panel)
    made = viewer.layers["cell denoise+bicubic"]
    assert made.data.shape == (2, 192, 256)
    assert made.data.dtype == np.uint16
    assert [*made.scale] == pytest.approx([3, 0.1, 0.1])
    assert made.units == layer.units
    assert made.axis_labels == layer.axis_labels
    assert made.colormap.name == "green"
    assert made.contrast_limits == layer.contrast_limits
    # Both cover the same part of the world, to half of a pixel and less.
    assert np.allclose(made.extent.world, layer.extent.world, atol=0.051)
    by_hand = w2s.restore(counts, "denoise+bicubic", axes="TYX")
    assert np.array_equal(made.data, by_hand)
    assert made.metadata["w2s"]["method"] == "denoise+bicubic"
    assert "gain" in panel.report.value


def test_a_preview_shows_what_all_will_be(viewer: Any) -> None:
    viewer.add_image(cells(2, 3, 600, 640), name="cell", axis_labels=tuple("tcyx"))
    panel = panel_of(viewer)
    viewer.dims.set_point((0, 1), (1, 2))
    panel.method.value = "gaussian"
    panel.run_preview()
    wait(panel)
    part = viewer.layers["cell preview"]
    assert part.data.shape[:2] == (1, 1)
    assert max(part.data.shape) <= 384
    panel.run_all()
    wait(panel)
    whole = viewer.layers["cell gaussian"].data
    t, c, y, x = (int(at) for at in part.translate)
    assert (t, c) == (1, 2)
    high, wide = part.data.shape[-2:]
    same = whole[1, 2, y : y + high, x : x + wide]
    assert np.array_equal(part.data[0, 0, 9:-9, 9:-9], same[9:-9, 9:-9])


def test_the_noise_is_reported(viewer: Any) -> None:
    viewer.add_image(cells(128, 128), name="cell")
    panel = panel_of(viewer)
    panel.run_measurement()
    wait(panel)
    assert "channel 1: gain 2" in panel.report.value.replace("1.9", "2")


@pytest.mark.parametrize(
    ("pixels", "axes", "method", "said"),
    [
        (np.zeros((32, 32, 3), np.uint8), "YX", "gaussian", "picture in colours"),
        (np.ones((3, 32, 32), np.uint16), "QYX", "gaussian", "axes 'QYX'"),
        (np.ones((64, 64), np.uint16), "YX", "denoise", "every pixel of the image"),
    ],
)
def test_what_cannot_be_restored_is_said(viewer, pixels, axes, method, said) -> None:
    viewer.add_image(pixels, name="it")
    panel = panel_of(viewer)
    panel.axes.value, panel.method.value = axes, method
    panel.run_all()
    wait(panel)
    assert said in panel.report.value
    assert [one.name for one in viewer.layers] == ["it"]


def test_an_empty_viewer_has_nothing_to_restore(viewer: Any) -> None:
    panel = panel_of(viewer)
    panel.run_all()
    assert "there is no image layer" in panel.report.value


def test_a_restoration_can_be_stopped(viewer: Any) -> None:
    viewer.add_image(cells(6, 256, 256), name="cell", axis_labels=tuple("tyx"))
    panel = panel_of(viewer)
    panel.method.value = "denoise-fast"
    panel.run_all()
    panel._running.stopped.set()
    wait(panel)
    assert panel.status.value == "cancelled"
    assert len(viewer.layers) == 1


def test_a_method_that_looks_at_all_has_no_preview(viewer: Any) -> None:
    viewer.add_image(cells(64, 64), name="cell")
    panel = panel_of(viewer)
    panel.method.value = "n2sr"
    panel.run_preview()
    wait(panel)
    assert "it has no preview" in panel.report.value


def test_files_open_with_their_calibration(viewer: Any, tmp_path: Path) -> None:
    from w2s_cli.stack import Channel

    counts = cells(2, 3, 40, 50)
    channels = (Channel("DAPI", (0, 0, 255)), Channel("GFP", (0, 255, 0)))
    stack = w2s.Stack(
        counts.swapaxes(0, 1)[:, :2], "TCYX", {"Y": 0.2, "X": 0.2}, 5.0, channels
    )
    w2s.imwrite(path := tmp_path / "cell.ome.tif", stack)
    npe2.PluginManager.instance().discover()
    layers = viewer.open(str(path), plugin="w2s-cli")
    assert [one.name for one in layers] == ["cell.ome.tif DAPI", "cell.ome.tif GFP"]
    for number, layer in enumerate(layers):
        assert np.array_equal(np.asarray(layer.data), np.asarray(stack)[:, number])
        assert [*layer.scale] == [5.0, 0.2, 0.2]
        assert [str(unit) for unit in layer.units] == ["second", *["micrometer"] * 2]


def test_large_planes_are_read_in_blocks(tmp_path, monkeypatch) -> None:
    from w2s_cli import stack as stacks
    from w2s_cli.napari import layers

    monkeypatch.setattr(stacks, "LARGEST_WHOLE", 1000)
    monkeypatch.setattr(layers, "_LARGEST_BLOCK", 40)
    np.save(path := tmp_path / "large.npy", cells(100, 130))
    pixels, _ = layers.layers_of(w2s.imread(path, axes="YX"), "large")
    assert pixels.chunks == ((40, 40, 20), (40, 40, 40, 10))
    assert np.array_equal(np.asarray(pixels), cells(100, 130))


def test_other_files_are_left_to_others(tmp_path: Path) -> None:
    from w2s_cli.napari.reading import reader

    (tmp_path / "a.tif").write_text("no image")
    assert reader(str(tmp_path / "a.tif")) is None
    assert reader([str(tmp_path / "a.tif")] * 2) is None
