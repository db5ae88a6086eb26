"""Models of the bioimage.io format: their graph, geometry and numbers.

The library `bioimageio.spec` reads and checks the description, of format 0.4 or 0.5.
Nothing of a package is ever run but its graph.
"""

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zipfile import ZipFile, is_zipfile

from w2s_cli.errors import InputError, UsageError, WeightsError, install_extra
from w2s_cli.weights.cache import fetched_path
from w2s_cli.weights.catalogue import MODEL_PREFIX

if TYPE_CHECKING:
    from bioimageio.spec.model import v0_5

GraphKind = Literal["onnx", "torchscript"]
_UNKNOWN_REACH = 64  # pixels; a model that names no halo may see any distance
_SAMPLE = {"zero_mean_unit_variance", "scale_range"}
_NO_COUNTS = {
    "binarize": "it marks pixels",
    "sigmoid": "it gives probabilities",
    "softmax": "it gives probabilities",
    "stardist_postprocessing": "it outlines objects",
    "cellpose_flow_dynamics": "it outlines objects",
}


@dataclass(frozen=True, slots=True)
class Side:
    """What a graph takes along Y or X.

    Either any ``least + n * step`` pixels, or `least` alone where `step` is 0.
    """

    least: int
    step: int

    def fitting(self, length: int) -> int:
        """Return the smallest length that it takes and that is no less, if any is."""
        if self.step == 0:
            return self.least
        return self.least + self.step * max(0, -(-(length - self.least) // self.step))


@dataclass(frozen=True, slots=True)
class Affine:
    """Numbers times `gain` plus `offset`, then clipped."""

    gain: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model's numbers are relative to: percentiles, or mean and spread."""

    percentiles: tuple[float, float] | None  # None for mean and standard deviation


@dataclass(frozen=True, slots=True)
class BioimageioModel:
    """A model of the bioimage.io format.

    Attributes
    ----------
    name, licence
        As its authors say them; "" for a licence that they don't name.
    digest
        SHA-256 of its graph.
    kind, content
        The graph: ONNX or TorchScript.
    axes
        Of its input, in order: of "b", "c", "t", "z" (each of length 1), "y" and "x".
    output_axes
        The same of its output.
    rows, columns
        What it takes along Y and X.
    scale
        Output pixels along a side of one of the input: 1 or 2.
    margin
        Input pixels at each side of a block whose results are not right.
    cut
        Input pixels at each side of a block that it gives no result for.
    measured
        What is measured of a channel first; None for a model that takes counts.
    before, after
        What is done to the numbers before the graph, and after.
    """

    name: str
    licence: str
    digest: str
    kind: GraphKind
    content: bytes
    axes: str
    output_axes: str
    rows: Side
    columns: Side
    scale: int
    margin: int
    cut: int
    measured: Measured | None
    before: tuple[Affine, ...]
    after: tuple[Affine, ...]


def load_model(reference: str) -> BioimageioModel:
    """Return a model by the path of its package, or by its name at bioimage.io.

    Raises
    ------
    UsageError
        When the library that reads it is not installed.
    WeightsError
        When it is no such model, was damaged, or makes something else of an image than
        an image.
    """
    path = Path(reference)
    if not path.exists() and path.suffix not in (".zip", ".yaml"):
        path = fetched_path(MODEL_PREFIX + reference)
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    with contextlib.ExitStack() as opened:
        source: Any = path
        if is_zipfile(path):
            source = opened.enter_context(ZipFile(path))
        described = _described(source, path)
        try:
            return _understood(described, path)
        except _Other as other:
            raise WeightsError(
                f"{path} cannot restore images: {other}",
                hint="w2s runs 2D models that make an image of one channel from one",
            ) from None


class _Other(Exception):
    """What a model does that w2s has no use for."""


def _described(source: Any, path: Path) -> "v0_5.ModelDescr":
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            from bioimageio.spec import load_model_description
    except ModuleNotFoundError as error:
        raise UsageError(
            "models of bioimage.io need the package bioimageio.spec, "
            "which is not installed",
            hint=install_extra("bioimageio"),
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a conversion to 0.5 guesses
            return load_model_description(
                source, format_version="latest", perform_io_checks=False
            )
    except Exception as error:  # of many kinds, for all that can be wrong in a text
        fault = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(
            f"{path} is no model of the bioimage.io format: {fault[:200]}",
            hint="`bioimageio test` says what is wrong with it",
        ) from error


def _understood(model: "v0_5.ModelDescr", path: Path) -> BioimageioModel:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise _Other(f"{len(model.inputs)} inputs and {len(model.outputs)} outputs")
    [taken], [given] = model.inputs, model.outputs
    axes, rows, columns = _input_axes(taken)
    output_axes, scale, halo, cut = _output_axes(taken, given)
    measured, before = _numbers(taken.preprocessing, "takes")
    late, after = _numbers(given.postprocessing, "gives")
    if late:
        raise _Other("it scales its output by what is in it")
    kind, content = _graph(model, path)
    return BioimageioModel(
        name=str(model.name),
        licence=str(model.license or ""),
        digest=sha256_of_bytes(content),
        kind=kind,
        content=content,
        axes=axes,
        output_axes=output_axes,
        rows=rows,
        columns=columns,
        scale=scale,
        margin=halo,
        cut=cut,
        measured=measured,
        before=before,
        after=after,
    )


def sha256_of_bytes(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    from hashlib import sha256

    return sha256(content).hexdigest()


def _input_axes(taken: Any) -> tuple[str, Side, Side]:
    letters, sides = "", {}
    for axis in taken.axes:
        letter = _letter(axis)
        letters += letter
        size = axis.size
        if letter in "yx":
            fixed = isinstance(size, int)
            if not fixed and not hasattr(size, "step"):  # as large as the other side
                size = next(one.size for one in taken.axes if str(one.id) == "y")
            sides[letter] = Side(size, 0) if fixed else Side(size.min, size.step)
        elif letter != "b" and _length(axis) > 1:
            raise _Other(f"its axis {axis.id} has {_length(axis)} planes")
    if {*"yx"} - sides.keys():
        raise _Other("it has no axes y and x")
    return letters, sides["y"], sides["x"]


def _letter(axis: Any) -> str:
    kinds = {"batch": "b", "channel": "c", "time": "t", "index": "b"}
    letter = str(axis.id) if axis.type == "space" else kinds[axis.type]
    if letter not in {*"bctzyx"}:
        raise _Other(f"its axis {axis.id} is of another kind")
    return letter


def _length(axis: Any) -> int:
    names = getattr(axis, "channel_names", None)
    if names is not None:
        return len(names)
    return int(
        axis.size if isinstance(axis.size, int) else getattr(axis.size, "min", 1)
    )


def _output_axes(taken: Any, given: Any) -> tuple[str, int, int, int]:
    """Return the output's axes, its scale, halo and what is cut at each side."""
    inputs = {str(axis.id): axis for axis in taken.axes}
    letters, scales, halos, cuts = "", set(), [0], [0]
    for axis in given.axes:
        letter = _letter(axis)
        letters += letter
        if letter in "yx":
            scale = inputs[letter].scale / axis.scale
            scales.add(scale)
            halo = getattr(axis, "halo", None)
            halos.append(-(-(halo or 0) // max(1, int(scale))))
            if halo is None:
                halos.append(_UNKNOWN_REACH)
            cuts.append(-getattr(axis.size, "offset", 0))
        elif letter != "b" and _length(axis) > 1:
            raise _Other(f"its output has {_length(axis)} of axis {axis.id}")
    if scales not in ({1.0}, {2.0}):
        raise _Other(f"its output is {max(scales, default=0):g} times as large")
    [scale] = map(int, scales)
    cut = max(cuts)
    if min(cuts) < 0 or cut % (2 * scale) or {*cuts[1:]} != {cut}:
        raise _Other(f"its output is {cut} pixels smaller than its input")
    return letters, scale, max(halos), cut // (2 * scale)


def _numbers(
    steps: Sequence[Any], what: str
) -> tuple[Measured | None, tuple[Affine, ...]]:
    """Return what is measured first, and the steps that follow."""
    measured, found = None, list[Affine]()
    for step in steps:
        name, given = str(step.id), step.kwargs
        if name in _NO_COUNTS:
            raise _Other(_NO_COUNTS[name])
        if name == "ensure_dtype":
            continue
        if name == "scale_linear":
            found.append(Affine(_one(given.gain), _one(given.offset)))
        elif name == "fixed_zero_mean_unit_variance":
            mean, spread = _one(given.mean), _one(given.std)
            found.append(Affine(1 / spread, -mean / spread))
        elif name == "clip":
            found.append(Affine(low=given.min, high=given.max))
        elif name in _SAMPLE and not measured and _keep_order(found):
            if getattr(given, "reference_tensor", None) and what == "gives":
                raise _Other("it scales its output by what is in it")
            # What is linear before it makes no difference to what it gives.
            found.clear()
            measured = Measured(
                (given.min_percentile, given.max_percentile)
                if name == "scale_range"
                else None
            )
        else:
            raise _Other(f"it {what} numbers by the step {name}")
    return measured, tuple(found)


def _keep_order(steps: Sequence[Affine]) -> bool:
    return all(one.gain > 0 and one.low is one.high is None for one in steps)


def _one(value: Any) -> float:
    """Return a number that may be written as a list, of the one channel."""
    values = [*value] if isinstance(value, list | tuple) else [value]
    if len({*values}) != 1:
        raise _Other("it has other numbers for other channels")
    return float(values[0])


def _graph(model: "v0_5.ModelDescr", path: Path) -> tuple[GraphKind, bytes]:
    from importlib.util import find_spec

    onnx, script = model.weights.onnx, model.weights.torchscript
    if onnx is not None and getattr(onnx, "external_data", None):
        onnx = None
    if onnx is None and script is None:
        raise _Other("it has neither ONNX nor TorchScript weights in one file")
    if onnx is not None and (find_spec("onnxruntime") or script is None):
        kind, weights = "onnx", onnx
    else:
        kind, weights = "torchscript", script
    try:
        return kind, weights.get_reader().read()  # type: ignore[return-value]
    except Exception as error:  # a hash that differs, or a file that is not there
        raise WeightsError(
            f"{path}: its {kind} weights cannot be read: {error}",
            hint="get the package again",
        ) from error
