"""Parts of an output, restored apart, make the image that is restored at once."""

import pickle
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.io import open_image, write_image
from w2s_cli.io.ome_zarr_writing import ZarrOutput
from w2s_cli.pipeline.file_restoration import restore_file
from w2s_cli.pipeline.restoration import (
    Restoration,
    RestoreProgress,
    restore_as_decided,
)
from w2s_cli.pipeline.restored_parts import parts_of, put_together, restore_part
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Channel, Stack

pytest.importorskip("zarr")


SIGMA = ("sigma=1",)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("w2s_cli.io.ome_zarr_writing._CHUNK", 16)
    monkeypatch.setattr("w2s_cli.io.halving._SMALLEST", 64)
    # Networks that take less time than those that `auto-x2` chooses from.
    fast, few = "denoise-fast+bicubic", (("gaussian", SIGMA), ("median", ()))
    monkeypatch.setattr("w2s_cli.pipeline.auto_method.ENLARGER", fast)
    monkeypatch.setattr("w2s_cli.pipeline.auto_method._WHITE", few)


def apart(
    restoration: Restoration, source: Path, path: Path, progress: RestoreProgress
) -> None:
    """Restore the parts in any order, some of them twice, by two that share nothing."""
    dice = random.Random(0)
    output = ZarrOutput.create(path, restoration.image)
    pickled = pickle.dumps(restoration.decided)
    parts = [*enumerate(parts_of(restoration, output.block_rows))]
    assert len(parts) >= 4
    order = parts + parts[::5]
    dice.shuffle(order)
    found = {}
    with open_image(source) as one, open_image(source) as two:
        workers = []
        for stack in (one, two):
            decided = pickle.loads(pickled)
            chain = decided.spec.chain()
            workers.append(restore_as_decided(decided, stack, chain))
        for number, part in order:
            found[number] = restore_part(dice.choice(workers), ZarrOutput(path), part)
    put_together(restoration, ((part, found[at]) for at, part in parts))
    for level in range(1, output.levels):
        for block in output.smaller(level):
            output.shrink(level, block)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[np.dtype], Path]:
    """Return what writes an image with all that is found on the way."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:134, :70]
    light = 60 + 50 * np.sin(y / 9) * np.cos(x / 11)
    pixels = rng.poisson(np.broadcast_to(light, (2, 2, 134, 70))) * 2.0 + 100
    pixels += rng.normal(0, 4, pixels.shape)
    pixels[1, 0, 20:60, 10:40] = 0  # drawn over
    pixels[:, 1, 100, 30] = 2000  # a hot pixel

    def write(dtype: np.dtype) -> Path:
        path = tmp_path_factory.mktemp("source") / "a.ome.zarr"
        stored = pixels * 1.1 if dtype == np.float64 else pixels.round()
        channels = (Channel("DAPI"), Channel("GFP"))
        stack = Stack(stored.astype(dtype), "TCYX", {"Y": 0.1}, channels=channels)
        write_image(stack, path)
        return path

    return write


def content(path: Path) -> dict[str, bytes]:
    files = [one for one in path.rglob("*") if one.is_file()]
    return {str(one.relative_to(path)): one.read_bytes() for one in files}


@pytest.mark.parametrize(
    ("spec", "dtype"),
    [
        (RestoreSpec("auto-x2", tile=64, check=True), np.uint16),
        (RestoreSpec("gaussian", SIGMA, dtype="uint16", tile=64), np.float64),
    ],
    ids=lambda one: getattr(one, "method", None),
)
def test_all_parts_are_the_whole(spec, dtype, source, tmp_path) -> None:
    whole, parts = (tmp_path / f"{name}.ome.zarr" for name in ("whole", "parts"))
    path, chain = source(dtype), spec.chain()
    one = restore_file(spec, chain, path, whole)
    two = restore_file(spec, chain, path, parts, spread=apart)
    assert (one.record, one.warnings) == (two.record, two.warnings)
    assert len(one.record["links"]) == 1 + (spec.method == "auto-x2")
    assert content(whole) == content(parts)
