"""OME-Zarr of which one text of metadata is changed."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np


def read_zarr(path: Path, read: Callable[[Path], object]) -> None:
    """Read an image of OME-Zarr, one text of whose metadata is that of the file."""
    content = path.read_bytes()
    folder = path.with_suffix(".ome.zarr")
    shutil.rmtree(folder, ignore_errors=True)
    old = b"node_type" not in content and b"chunk_grid" not in content
    group, array = (".zattrs", "0/.zarray") if old else ("zarr.json", "0/zarr.json")
    plate = next((one for one in (b'"rows"', b'"images"') if one in content), b"")
    if plate:
        place = group if plate == b'"rows"' else f"A/1/{group}"
    elif b'"chunks"' in content or b"chunk_grid" in content:
        place = array
    else:
        place = group
    above = "A/1/0/" if plate else ""
    files = {
        f"{above}{name}": whole
        for name, whole in _zarr_files("0.4" if old else "0.5").items()
    }
    if plate:
        files |= _plate(old=old)
    for name, whole in {**files, place: content}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(whole)
    read(folder)


@cache
def _zarr_files(version: str) -> dict[str, bytes]:
    """Return all files of a small image of OME-Zarr, by their names."""
    from w2s_cli.io.ome_zarr_writing import ZarrOutput
    from w2s_cli.stack import Channel, Stack

    stack = Stack(
        np.arange(2 * 8 * 9, dtype=np.uint16).reshape(2, 8, 9),
        "CYX",
        pixel_size={"Y": 0.1, "X": 0.1},
        channels=(Channel("a"), Channel("b")),
    )
    with TemporaryDirectory() as place:
        path = Path(place) / "x.ome.zarr"
        output = ZarrOutput.create(path, stack, version=version)
        for block in output.blocks:
            output.write(block, stack.data[block.index])
        output.finish()
        files = [file for file in path.rglob("*") if file.is_file()]
        return {str(file.relative_to(path)): file.read_bytes() for file in files}


def _plate(*, old: bool) -> dict[str, bytes]:
    """Return the metadata of a plate of one well with one field."""
    rows = {"rows": [{"name": "A"}], "columns": [{"name": "1"}], "field_count": 1}
    wells = [{"path": "A/1", "rowIndex": 0, "columnIndex": 0}]
    said = {
        "": {"plate": {**rows, "name": "p", "version": "0.4", "wells": wells}},
        "A/1/": {"well": {"images": [{"path": "0", "acquisition": 0}]}},
    }
    found = {}
    for place, table in said.items():
        if old:
            found[f"{place}.zattrs"] = json.dumps(table).encode()
            found[f"{place}.zgroup"] = b'{"zarr_format": 2}'
        else:
            group = {"zarr_format": 3, "node_type": "group"}
            own = {"ome": {"version": "0.5", **table}}
            found[f"{place}zarr.json"] = json.dumps(
                {**group, "attributes": own}
            ).encode()
    return found


def zarr_texts() -> list[bytes]:
    """Return the metadata of images and plates."""
    names = {"0.4": (".zattrs", "0/.zarray"), "0.5": ("zarr.json", "0/zarr.json")}
    images = [_zarr_files(one)[name] for one in names for name in names[one]]
    plates = [*_plate(old=True).values(), *_plate(old=False).values()]
    return images * 2 + [one for one in plates if b"plate" in one or b"well" in one]
