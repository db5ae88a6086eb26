"""Images of OME-Zarr, written with zarr alone, as other programs do."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli.io import open_image
from w2s_cli.stack import Stack

zarr = pytest.importorskip("zarr")

UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
TYPES = {"t": "time", "c": "channel"}
PIXELS = np.random.default_rng(0).integers(0, 60000, (2, 3, 2, 20, 31), np.uint16)
SCALES = {"t": 1.5, "c": 1.0, "z": 0.5, "y": 0.1, "x": 0.2}


def axis(name: str) -> dict[str, str]:
    unit = {"unit": UNITS[name]} if name in UNITS else {}
    return {"name": name, "type": TYPES.get(name, "space"), **unit}


def multiscales(axes: str, **more: Any) -> list[dict[str, Any]]:
    scale = [SCALES[name] for name in axes]
    transforms = [{"type": "scale", "scale": scale}]
    dataset = {"path": "0", "coordinateTransformations": transforms}
    return [{"axes": [axis(name) for name in axes], "datasets": [dataset], **more}]


def save(
    path: Path,
    pixels: np.ndarray = PIXELS,
    axes: str = "tczyx",
    *,
    version: str = "0.4",
    attributes: dict[str, Any] | None = None,
    **how: Any,
) -> Path:
    """Write an image with zarr alone."""
    old = version != "0.5"
    group = zarr.open_group(path, mode="w", zarr_format=2 if old else 3)
    how.setdefault("chunks", (1,) * (pixels.ndim - 2) + (16, 16))
    if not old:
        how.setdefault("dimension_names", [*axes])
    array = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, **how)
    array[...] = pixels
    said = attributes or {"multiscales": multiscales(axes, version=version)}
    group.attrs.update(said if old else {"ome": {"version": version, **said}})
    return path


def read(path: Path, **how: Any) -> tuple[np.ndarray, Stack]:
    with open_image(path, **how) as stack:
        return np.asarray(stack), stack


def edit(path: Path, change: Any) -> None:
    """Change the JSON of a file."""
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


def stack_of(pixels: np.ndarray, stack: Stack) -> Stack:
    return replace(stack, data=pixels, chunk=None)


XML = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<Image ID="Image:0" Name="left"><Pixels ID="Pixels:0" DimensionOrder="XYZCT"
 Type="uint16" SizeX="9" SizeY="9" SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="7">
<Channel ID="Channel:0:0" Name="DAPI" SamplesPerPixel="1" EmissionWavelength="460"/>
<MetadataOnly/></Pixels></Image>
<Image ID="Image:1" Name="right"><Pixels ID="Pixels:1" DimensionOrder="XYZCT"
 Type="uint16" SizeX="31" SizeY="20" SizeZ="1" SizeC="1" SizeT="1">
<Channel ID="Channel:1:0" Name="GFP" SamplesPerPixel="1" EmissionWavelength="510"/>
<MetadataOnly/></Pixels></Image></OME>"""
