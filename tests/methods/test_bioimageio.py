"""Models of bioimage.io as methods: sizes, numbers, tiles, and what is refused."""

import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

import w2s_cli as w2s
from w2s_cli.cli import app
from w2s_cli.errors import UsageError, W2SError, WeightsError

pytest.importorskip("bioimageio.spec", reason="the extra bioimageio is not installed")
onnx = pytest.importorskip("onnx")
yaml = pytest.importorskip("yaml")

Step = dict[str, Any]
RNG = np.random.default_rng(0)
COUNTS = RNG.integers(100, 900, (70, 83)).astype(np.uint16)


def blurring(*, scale: int = 1, pads: int = 1) -> bytes:
    """Return an ONNX graph: the mean of 3 x 3, then pixels repeated."""
    from onnx import TensorProto, helper, numpy_helper

    kernel = numpy_helper.from_array(np.full((1, 1, 3, 3), 1 / 9, np.float32), "k")
    scales = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "s")
    nodes = [
        helper.make_node("Conv", ["in", "k"], ["blurred"], pads=[pads] * 4),
        helper.make_node("Resize", ["blurred", "", "s"], ["out"], mode="nearest"),
    ]
    shape = ["n", 1, "y", "x"]
    graph = helper.make_graph(
        nodes,
        "blur",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
        [kernel, scales],
    )
    opset = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return bytes(made.SerializeToString())


def scripted() -> bytes:
    """Return a TorchScript graph: the mean of 3 x 3, mirrored."""
    import torch

    blur = torch.nn.Sequential(
        torch.nn.ReflectionPad2d(1), torch.nn.AvgPool2d(3, stride=1)
    )
    with pytest.warns() if sys.version_info >= (3, 14) else _quiet():
        buffer = BytesIO()
        torch.jit.save(torch.jit.trace(blur, torch.ones(1, 1, 8, 8)), buffer)
    return buffer.getvalue()


def _quiet() -> Any:
    import warnings

    return warnings.catch_warnings(action="ignore")


def space(name: str, size: Any, **more: Any) -> dict[str, Any]:
    return {"type": "space", "id": name, "size": size, **more}


def package(
    folder: Path,
    content: bytes,
    *,
    size: Any = None,
    before: list[Step] | None = None,
    after: list[Step] | None = None,
    scale: int = 1,
    halo: int | None = 2,
    offset: int = 0,
    channels: int = 1,
    kind: str = "onnx",
    change: Callable[[dict[str, Any]], None] = lambda _: None,
) -> str:
    """Write a model of format 0.5, and return its method."""
    size = {"min": 16, "step": 4} if size is None else size
    names = [f"c{n}" for n in range(channels)]
    plain = [{"type": "batch"}, {"type": "channel", "channel_names": names}]
    follows = {"tensor_id": "input", "offset": offset}
    reach = {} if halo is None else {"halo": halo}
    files = {"README.md": b"# A model", "weights": content}
    for name in ("in.npy", "out.npy"):
        np.save(buffer := BytesIO(), np.zeros((1, 1, 16, 16), np.float32))
        files[name] = buffer.getvalue()
    version = {"opset_version": 17} if kind == "onnx" else {"pytorch_version": "2.2"}
    digest = sha256(content).hexdigest()
    described = {
        "type": "model",
        "format_version": "0.5.3",
        "name": "a blurring model",
        "description": "the mean of 3 x 3",
        "authors": [{"name": "A. Uthor"}],
        "cite": [{"text": "A paper", "url": "https://example.com/"}],
        "license": "CC-BY-4.0",
        "documentation": "README.md",
        "inputs": [
            {
                "id": "input",
                "axes": [*plain, space("y", size), space("x", size)],
                "test_tensor": {"source": "in.npy"},
                "preprocessing": before or [],
            }
        ],
        "outputs": [
            {
                "id": "output",
                "axes": [
                    *plain,
                    *(
                        space(
                            axis,
                            {**follows, "axis_id": axis},
                            scale=1 / scale,
                            **reach,
                        )
                        for axis in "yx"
                    ),
                ],
                "test_tensor": {"source": "out.npy"},
                "postprocessing": after or [],
            }
        ],
        "weights": {kind: {"source": "weights", "sha256": digest, **version}},
    }
    change(described)
    files["rdf.yaml"] = yaml.safe_dump(described).encode()
    with zipfile.ZipFile(path := folder / "model.zip", "w") as archive:
        for name, one in files.items():
            archive.writestr(name, one)
    return f"bioimageio:{path}"


def op(name: str, **options: Any) -> Step:
    return {"id": name, **({"kwargs": options} if options else {})}


# The driver adds pixels at two sides of an image until a graph takes it.
INSIDE = (slice(None, -1), slice(None, -1))
BLURRED = uniform_filter(COUNTS.astype(float), 3, mode="mirror")
TO_UNIT = [op("scale_linear", gain=1 / 255, offset=-0.5)]
FROM_UNIT = [op("scale_linear", gain=255, offset=127.5)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], []),
        ([op("ensure_dtype", dtype="float32")], [op("ensure_dtype", dtype="float32")]),
        (TO_UNIT, FROM_UNIT),
        (TO_UNIT, []),
        ([op("fixed_zero_mean_unit_variance", mean=300, std=50)], []),
        ([op("zero_mean_unit_variance")], []),
        ([*TO_UNIT, op("zero_mean_unit_variance")], []),
        ([op("scale_range", min_percentile=1, max_percentile=99)], []),
        ([op("scale_range", min_percentile=1, max_percentile=99), *TO_UNIT], FROM_UNIT),
    ],
)
def test_counts_go_in_and_come_out(
    before: list[Step], after: list[Step], tmp_path: Path
) -> None:
    method = package(tmp_path, blurring(), before=before, after=after)
    made = w2s.restore(COUNTS, method, dtype="float32")
    assert np.allclose(made[INSIDE], BLURRED[INSIDE], atol=0.02)


def test_what_is_measured_is_measured_of_the_whole_channel(tmp_path: Path) -> None:
    # Else a bright frame and a dark one would come out alike.
    planes = np.stack([COUNTS, COUNTS // 4])
    before = [op("zero_mean_unit_variance")]
    method = package(tmp_path, blurring(), before=before)
    made = w2s.restore(planes, method, axes="TYX", dtype="float32", tile=32)
    for plane, restored in zip(planes, made, strict=True):
        expected = uniform_filter(plane.astype(float), 3, mode="mirror")
        assert np.allclose(restored[INSIDE], expected[INSIDE], atol=0.02)
    with pytest.raises(UsageError, match="relative to what is measured of the whole"):
        w2s.restore_block(COUNTS, method)


@pytest.mark.parametrize("size", [{"min": 16, "step": 4}, {"min": 100, "step": 1}, 32])
@pytest.mark.parametrize("halo", [2, None])
def test_sizes_that_a_model_takes_leave_no_seams(
    size: Any, halo: int | None, tmp_path: Path
) -> None:
    if size == 32 and halo is None:
        size = 160
    method = package(tmp_path, blurring(), size=size, halo=halo)
    made = w2s.restore(COUNTS, method, dtype="float32", tile=40)
    assert np.allclose(made[INSIDE], BLURRED[INSIDE], atol=0.02)


def test_a_model_that_enlarges(tmp_path: Path) -> None:
    method = package(tmp_path, blurring(scale=2), scale=2, halo=4)
    made = w2s.restore(COUNTS, method, dtype="float32", tile=32)
    assert made.shape == (140, 166)
    expected = BLURRED.repeat(2, 0).repeat(2, 1)
    assert np.allclose(made[:-2, :-2], expected[:-2, :-2], atol=0.02)


def test_a_model_whose_output_is_cut(tmp_path: Path) -> None:
    method = package(tmp_path, blurring(pads=0), offset=-2, halo=None)
    made = w2s.restore(COUNTS, method, dtype="float32", tile=32)
    assert np.allclose(made[INSIDE], BLURRED[INSIDE])


def test_torchscript(tmp_path: Path) -> None:
    method = package(tmp_path, scripted(), kind="torchscript")
    made = w2s.restore(COUNTS, method, dtype="float32", device="cpu")
    assert np.allclose(made[INSIDE], BLURRED[INSIDE], atol=0.02)


def test_the_older_format(tmp_path: Path) -> None:
    content = blurring()
    described = {
        "type": "model",
        "format_version": "0.4.10",
        "name": "an old model",
        "description": "the mean of 3 x 3",
        "authors": [{"name": "A. Uthor"}],
        "cite": [{"text": "A paper", "url": "https://example.com/"}],
        "license": "MIT",
        "documentation": "README.md",
        "test_inputs": ["in.npy"],
        "test_outputs": ["in.npy"],
        "timestamp": "2023-01-01T00:00:00",
        "inputs": [
            {
                "name": "raw",
                "axes": "bcyx",
                "data_type": "float32",
                "shape": {"min": [1, 1, 16, 16], "step": [0, 0, 8, 8]},
                "preprocessing": [
                    {
                        "name": "zero_mean_unit_variance",
                        "kwargs": {"mode": "per_sample", "axes": "yx"},
                    }
                ],
            }
        ],
        "outputs": [
            {
                "name": "restored",
                "axes": "bcyx",
                "data_type": "float32",
                "halo": [0, 0, 4, 4],
                "shape": {
                    "reference_tensor": "raw",
                    "scale": [1, 1, 1, 1],
                    "offset": [0, 0, 0, 0],
                },
            }
        ],
        "weights": {
            "onnx": {"source": "w.onnx", "sha256": sha256(content).hexdigest()}
        },
    }
    np.save(buffer := BytesIO(), np.zeros((1, 1, 16, 16), np.float32))
    with zipfile.ZipFile(path := tmp_path / "old.zip", "w") as archive:
        archive.writestr("rdf.yaml", yaml.safe_dump(described))
        archive.writestr("w.onnx", content)
        archive.writestr("README.md", "# Old")
        archive.writestr("in.npy", buffer.getvalue())
    made = w2s.restore(COUNTS, f"bioimageio:{path}", dtype="float32")
    assert np.allclose(made[INSIDE], BLURRED[INSIDE], atol=0.02)


def test_from_the_command_line(tmp_path: Path) -> None:
    method = package(tmp_path, blurring())
    (tmp_path / "in").mkdir()
    w2s.imwrite(tmp_path / "in" / "cell.tif", w2s.Stack(COUNTS, "YX", {"X": 0.1}))
    arguments = ["restore", str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    names = ["--name", "{stem}_{method}.tif"]
    words = [*arguments, "--method", f"{method}+bicubic", *names, "-q"]
    assert app(words, standalone_mode=False) in (None, 0)
    found = w2s.imread(tmp_path / "out" / "cell_bioimageio-model.zip+bicubic.tif")
    assert found.data.shape == (140, 166)
    [first, _] = found.history[-1]["links"]
    assert first["weights_sha256"] == sha256(blurring()).hexdigest()
    assert first["model"] == "a blurring model"
    assert first["licence"] == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"after": [op("sigmoid")]}, "it gives probabilities"),
        ({"after": [op("binarize", threshold=0.5)]}, "it marks pixels"),
        ({"after": [op("zero_mean_unit_variance")]}, "by what is in it"),
        ({"channels": 3}, "3 planes"),
        ({"scale": 4, "halo": 4}, "its output is 4 times as large"),
        ({"offset": -3}, "3 pixels smaller"),
        ({"before": TO_UNIT, "after": TO_UNIT}, "other numbers than it takes"),
        ({"content": b"no graph"}, "the onnx graph cannot be opened"),
        ({"offset": -2}, "by its description it is"),
        (
            {"change": lambda one: one["weights"]["onnx"].update(sha256="0" * 64)},
            "weights cannot be read",
        ),
        ({"change": lambda one: one.pop("inputs")}, "is no model of the bioimage.io"),
    ],
)
def test_what_is_no_restoration_is_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    facts = {"content": blurring(), **options}
    method = package(tmp_path, **facts)
    with pytest.raises(WeightsError, match=said):
        w2s.restore(COUNTS, method)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("bioimageio:none.zip", "there is no file none.zip"),
        ("bioimageio:No Model", "bioimage.io has no model of the name 'No Model'"),
        ("bioimageio:affable-shark", "W2S_OFFLINE is set"),
    ],
)
def test_a_model_that_is_not_there(
    method: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("W2S_OFFLINE", "1")
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path))
    with pytest.raises(W2SError, match=said):
        w2s.restore(COUNTS, method)


def test_a_name_of_the_zoo_is_fetched_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package(tmp_path, blurring())
    (tmp_path / "model.zip").rename(tmp_path / "bioimageio-calm-newt.zip")
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    words = ["fetch", "bioimageio:calm-newt", "--from", str(tmp_path), "-q"]
    assert app(words, standalone_mode=False) in (None, 0)
    monkeypatch.setenv("W2S_OFFLINE", "1")
    made = w2s.restore(COUNTS, "bioimageio:calm-newt", dtype="float32")
    assert np.allclose(made[INSIDE], BLURRED[INSIDE], atol=0.02)


def test_two_models_that_measure_are_refused(tmp_path: Path) -> None:
    method = package(tmp_path, blurring(), before=[op("zero_mean_unit_variance")])
    with pytest.raises(UsageError, match="each to have their own black and white"):
        w2s.restore(COUNTS, f"{method}+{method}")


def test_the_library_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    method = package(tmp_path, blurring())
    monkeypatch.setitem(sys.modules, "bioimageio.spec", None)
    with pytest.raises(UsageError, match=r"need the package bioimageio\.spec"):
        w2s.restore(COUNTS, method)
