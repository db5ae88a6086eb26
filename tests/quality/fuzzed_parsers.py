"""The parsers of the project, files that each reads, and such files in disorder."""

import io
import json
import random
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tifffile

from fuzzed_zarr import read_zarr, zarr_texts
from microscope_files import write_czi, write_lif, write_nd2
from mutations import (
    as_json,
    as_toml,
    changed_bytes,
    changed_lines,
    changed_npy,
    changed_safetensors,
    changed_tiff,
    changed_tree,
    changed_words,
    changed_xml,
    changed_zip,
)


@dataclass(frozen=True)
class Parser:
    """A function that reads a file, files that it reads, and a way to change one."""

    suffix: str
    read: Callable[[Path], object]
    seeds: Callable[[], list[bytes]]
    field: Callable[[bytes, random.Random], bytes]  # changes one of its fields
    text: bool = False


def mutants(parser: Parser, seed: int) -> Iterator[bytes]:
    """Yield files without end: half with other bytes or words, half with a field."""
    rng = random.Random(seed)
    seeds = parser.seeds()
    while True:
        content = rng.choice(seeds)
        if rng.random() < 0.5:
            yield parser.field(content, rng)
            continue
        for _ in range(rng.randint(1, 4)):
            words = parser.text or rng.random() < 0.5
            content = (changed_words if words else changed_bytes)(content, rng)
        yield content


def _read_image(path: Path) -> None:
    from w2s_cli.io import images_of, open_image, write_image

    images_of(path)
    with open_image(path) as stack:
        at = next(iter(stack.indices()))
        if prod(stack.data.shape) < 1 << 21:
            np.asarray(stack.data[at])
            write_image(stack, path.with_suffix(".again.tif"), overwrite=True)


def _read_noise(path: Path) -> None:
    from w2s_cli.io.noise_file import read_noise_models

    read_noise_models(path)


def _read_recipe(path: Path) -> None:
    from w2s_cli.training.recipe import check, load

    check(load(str(path)))


def _read_weights(path: Path) -> None:
    from w2s_cli.networks.rebuild import recognise
    from w2s_cli.weights.checkpoint import load

    recognise(load(path).state)


def _read_psf(path: Path) -> None:
    from w2s_cli.io.psf_file import read_psf

    read_psf(path)


def _read_zarr(path: Path) -> None:
    read_zarr(path, _read_image)


def _read_journal(path: Path) -> None:
    from w2s_cli.batch.batch_status import batch_status
    from w2s_cli.batch.journal import written

    folder = path.with_suffix("") / ".w2s"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder / "run.jsonl")
    written(folder.parent)
    json.dumps(batch_status(folder.parent).as_json())


_PIXELS = np.arange(4 * 8 * 9, dtype=np.uint16).reshape(4, 8, 9)


def _tiff(**options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, _PIXELS, photometric="minisblack", **options)
    return file.getvalue()


def _tiffs() -> list[bytes]:
    cases: list[dict[str, Any]] = [
        {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 0.3, "unit": "um"}},
        {"imagej": True, "metadata": {"axes": "CYX", "Labels": list("abcd")}},
        {"ome": True, "metadata": {"axes": "TYX", "PhysicalSizeX": 0.1}},
        {"compression": "zlib", "tile": (16, 16), "predictor": True},
        {"bigtiff": True, "byteorder": ">"},
        {"metadata": {"axes": "QYX"}, "description": "ScanImage = 1\nSI.hStack = 2"},
        {"compression": "packbits", "rowsperstrip": 3, "resolution": (1e4, 1e4)},
    ]
    return [_tiff(**options) for options in cases] + _own()


def _own() -> list[bytes]:
    """Return outputs of w2s, in which stands how they were made."""
    from w2s_cli.io import write_image
    from w2s_cli.stack import Stack

    step = {"method": "median", "version": "0", "fingerprint": "0" * 64}
    stack = Stack(_PIXELS, "ZYX", pixel_size={"X": 0.1, "Y": 0.1}, history=(step,))
    with TemporaryDirectory() as place:
        write_image(stack, path := Path(place) / "x.tif", record=lambda: step)
        return [path.read_bytes()]


_OME = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"
 UUID="urn:uuid:1">
<Instrument ID="Instrument:0"><Objective ID="Objective:0" LensNA="1.2"/></Instrument>
<Image ID="Image:0" Name="a"><AcquisitionDate>2024-01-01T00:00:00</AcquisitionDate>
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="9" SizeY="8" SizeC="2"
 SizeZ="2" SizeT="1" PhysicalSizeX="100" PhysicalSizeXUnit="nm" PhysicalSizeY="0.1"
 PhysicalSizeZ="0.3" TimeIncrement="2" TimeIncrementUnit="ms" SignificantBits="12"
 BigEndian="false" Interleaved="false">
<Channel ID="Channel:0:0" Name="GFP" Color="16711935" EmissionWavelength="510"
 SamplesPerPixel="1"/><Channel ID="Channel:0:1" Color="-1" EmissionWavelengthUnit="nm"/>
<TiffData FirstC="0" IFD="0" PlaneCount="1"><UUID FileName="x.tif">urn:uuid:1</UUID>
</TiffData><TiffData IFD="1" PlaneCount="3" FirstC="1"/>
<Plane TheC="0" TheZ="0" TheT="0" DeltaT="0.1" ExposureTime="0.5" PositionX="1"/>
<Plane TheC="1" TheZ="1" TheT="0" DeltaT="0.2"/></Pixels><ROIRef ID="ROI:0"/>
<AnnotationRef ID="Annotation:0"/></Image>
<ROI ID="ROI:0"><Union><Rectangle ID="Shape:0" X="1" Y="2" Width="3" Height="4"/>
<Polygon ID="Shape:1" Points="1,2 3,4 5,6" Transform="matrix(1 0 0 1 0 0)"/>
</Union></ROI>
<StructuredAnnotations><XMLAnnotation ID="Annotation:0"
 Namespace="openmicroscopy.org/omero/dimension/modulo"><Value><Modulo>
<ModuloAlongZ Type="angle" Start="0" End="1" Step="1"/></Modulo></Value></XMLAnnotation>
</StructuredAnnotations></OME>"""
_IMAGEJ = """ImageJ=1.53c
images=4
channels=2
slices=2
hyperstack=true
mode=composite
unit=micron
yunit=um
spacing=0.3
finterval=0.5
tunit=ms
loop=false
min=0.0
max=4095.0
xorigin=1
w2s=[{"method": "median"}]
"""


def _in_tiff(text: bytes, **tags: Any) -> bytes:
    return _tiff(description=text.replace(b"\0", b" "), metadata=None, **tags)


def _with_settings(text: bytes) -> bytes:
    """Return a TIFF with the settings of ImageJ beside its description."""
    settings = tifffile.tifffile.imagej_metadata_tag(
        {
            "Info": "a = 1",
            "Labels": list("abcd"),
            "Ranges": (0.0, 1.0),
            "LUTs": [np.zeros((3, 256), np.uint8)] * 2,
            "ROI": bytes(64),
        },
        "<",
    )
    return _in_tiff(text, extratags=settings, resolution=(10, 10))


def _npys() -> list[bytes]:
    found = []
    for array in (np.arange(72.0).reshape(8, 9), np.zeros((2, 8, 9), ">u2", order="F")):
        np.save(file := io.BytesIO(), array)
        found.append(file.getvalue())
    return found


def _of_microscopes(suffix: str) -> list[bytes]:
    pixels = np.arange(2 * 2 * 3 * 8 * 9, dtype=np.uint16).reshape(2, 2, 3, 8, 9)
    tiles = [
        (dict(zip("TCZX", place, strict=True)), pixels[place[:3]][..., None])
        for place in np.ndindex(2, 2, 3, 2)
    ]
    found = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"x{suffix}"
        for compression in (0, 6):
            if suffix == ".czi":
                write_czi(path, tiles, compression=compression)
            elif suffix == ".nd2":
                frames = np.moveaxis(pixels, 1, -1).copy()
                write_nd2(path, frames, "TZ", channels=("a", "b"))
            else:
                write_lif(path, {"a": ("TCZYX", pixels), "b": ("YX", pixels[0, 0, 0])})
            found.append(path.read_bytes())
    return found


def _kernels() -> list[bytes]:
    found = []
    for dtype in ("f8", ">u2"):
        weights = np.zeros((7, 9), dtype)
        weights[3, 4] = 1
        np.save(file := io.BytesIO(), weights)
        found.append(file.getvalue())
    return found


def _pngs() -> list[bytes]:
    from PIL import Image

    found = []
    for array in (np.zeros((8, 9), np.uint8), np.full((8, 9), 300, np.uint16)):
        Image.fromarray(array).save(file := io.BytesIO(), "png", dpi=(300, 300))
        found.append(file.getvalue())
    return found


def _noises() -> list[bytes]:
    one = {"gain": 2.1, "offset": 100, "read_noise": 1.5}
    rows = [[0.0] * 3 + [1.0, 0.2, 0.0, 0.0], *([[0.0] * 7] * 3)]
    table = {"autocorrelation": rows}
    report = [{"source": "a.tif", "channels": [one | {"name": "1", "trusted": True}]}]
    forms = (one, {"channels": [one, one | table]}, report)
    return [json.dumps(form).encode() for form in forms]


def _recipes() -> list[bytes]:
    from w2s_cli.training import recipe

    folder = Path(recipe.__file__).with_name("recipes")
    return [path.read_bytes() for path in sorted(folder.glob("*.toml"))]


def _safetensors() -> list[bytes]:
    from safetensors.numpy import save

    tensors = {"a.weight": np.ones((2, 1, 3, 3), np.float16), "b": np.zeros(3, "f4")}
    return [save(tensors), save(tensors, {"w2s": json.dumps({"expects": "root"})})]


def _pickles() -> list[bytes]:
    import torch

    state = {"module.a.weight": torch.ones(2, 1, 3, 3), "module.b": torch.zeros(3)}
    found = []
    for zipped in (True, False):
        file = io.BytesIO()
        torch.save(
            {"model": state, "epoch": 3}, file, _use_new_zipfile_serialization=zipped
        )
        found.append(file.getvalue())
    return found


def _journals() -> list[bytes]:
    run = {"event": "run", "schema": 1, "version": "0", "started": 1.5, "host": "h"}
    run |= {"process": 1, "cwd": "/", "shard": "1/2", "files": 2, "list": "0"}
    events = [run, *({"event": "planned", "source": s, "target": s} for s in "abc")]
    events += [{"event": "done", "target": "a", "bytes": 3, "seconds": 0.1}]
    failed = {"source": "b", "error": "e", "hint": "", "exit_code": 4}
    events += [{"event": "failed", "target": "b", **failed}, {"event": "end"}]
    return ["".join(json.dumps(one) + "\n" for one in events).encode()]


def _json(content: bytes, rng: random.Random) -> bytes:
    return as_json(changed_tree(json.loads(content), rng), rng)


def _journal(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    lines[at] = as_json(changed_tree(json.loads(lines[at]), rng), rng) + b"\n"
    return b"".join(lines)


def _toml(content: bytes, rng: random.Random) -> bytes:
    return as_toml(changed_tree(tomllib.loads(content.decode()), rng), rng)


def _xml(content: bytes, rng: random.Random) -> bytes:
    return _in_tiff(changed_xml(_OME, rng))


def _imagej(content: bytes, rng: random.Random) -> bytes:
    return _with_settings(changed_lines(_IMAGEJ, rng))


def _pickle(content: bytes, rng: random.Random) -> bytes:
    return (changed_zip if content[:2] == b"PK" else changed_words)(content, rng)


_image = partial(Parser, read=_read_image)
_weights = partial(Parser, read=_read_weights)
PARSERS = {
    "tiff": _image(".tif", seeds=_tiffs, field=changed_tiff),
    "ome": _image(".tif", seeds=lambda: [_in_tiff(_OME.encode())], field=_xml),
    "imagej": _image(
        ".tif", seeds=lambda: [_with_settings(_IMAGEJ.encode())], field=_imagej
    ),
    "npy": _image(".npy", seeds=_npys, field=changed_npy),
    "png": _image(".png", seeds=_pngs, field=changed_bytes),
    "noise": Parser(".json", _read_noise, _noises, _json, text=True),
    "recipe": Parser(".toml", _read_recipe, _recipes, _toml, text=True),
    "safetensors": _weights(
        ".safetensors", seeds=_safetensors, field=changed_safetensors
    ),
    "pickle": _weights(".pth", seeds=_pickles, field=_pickle),
    "psf": Parser(".npy", _read_psf, _kernels, changed_npy),
    "journal": Parser(".jsonl", _read_journal, _journals, _journal, text=True),
}
for _suffix, _library in ((".czi", "numpy"), (".nd2", "nd2"), (".lif", "liffile")):
    if find_spec(_library):
        _files = partial(_of_microscopes, _suffix)
        PARSERS[_suffix[1:]] = _image(_suffix, seeds=_files, field=changed_words)
if find_spec("zarr"):
    PARSERS["zarr"] = Parser(".json", _read_zarr, zarr_texts, _json, text=True)
