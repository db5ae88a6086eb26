"""How long a plane takes beside the bare passes of its network over the same tiles.

`pytest -m quality -rP tests/quality/test_speed.py` prints the table; nothing else may
run meanwhile. The weights are random: they don't change the time. Networks that would
take minutes get a smaller plane, and smaller tiles of it.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import torch

from w2s_cli.bench import machine
from w2s_cli.io import write_image
from w2s_cli.microscope.simulation import simulate_scene
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.edsr import EPSR, RCAN
from w2s_cli.networks.esrgan import ESRGAN, RealESRGAN, ShuffledESRGAN
from w2s_cli.networks.inference import TYPES, convolution_peak, gflop, to_device
from w2s_cli.networks.memnet import MemNet
from w2s_cli.networks.n2n_unet import N2NUNet, Noise2SR
from w2s_cli.networks.n2v_unet import N2VUNet
from w2s_cli.networks.rdn import RDN
from w2s_cli.networks.ridnet import RIDNet
from w2s_cli.networks.san import SAN
from w2s_cli.networks.srfbn import SRFBN
from w2s_cli.pipeline.file_restoration import restore_file
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.tiling import block_shapes
from w2s_cli.stack import Stack

LARGE, SMALL = (2048, 512), (512, 256)  # side of the plane, and of a tile

# Row: method, network, sizes.
ROWS: dict[str, tuple[str, Callable[[], Any], tuple[int, int]]] = {
    "dncnn": ("dncnn", DnCNN, LARGE),
    "memnet": ("memnet", MemNet, LARGE),
    "ridnet": ("ridnet", RIDNet, LARGE),
    "n2n-unet": ("n2n-unet", N2NUNet, LARGE),
    "n2v-unet": ("n2v-unet", N2VUNet, LARGE),
    "noise2sr": ("noise2sr", Noise2SR, SMALL),
    "rcan": ("rcan", RCAN, SMALL),
    "rdn": ("rdn", RDN, SMALL),
    "san": ("san", SAN, SMALL),
    "srfbn": ("srfbn", SRFBN, SMALL),
    "epsr": ("epsr", partial(EPSR, 64, 16), SMALL),
    "rrdb-12": ("rrdb", partial(ShuffledESRGAN, 12), SMALL),
    "rrdb-16": ("rrdb", ShuffledESRGAN, SMALL),
    "esrgan": ("esrgan", partial(ESRGAN, channels=1), SMALL),
    "real-esrgan-x2": ("real-esrgan", partial(RealESRGAN, channels=1), SMALL),
    "real-esrgan-x4": ("real-esrgan", partial(RealESRGAN, channels=1, scale=4), SMALL),
}
MOST = 1.1  # times the bare passes

pytestmark = pytest.mark.quality


@cache
def peak(dtype: torch.dtype) -> float:
    return convolution_peak("cpu", dtype)


def run(network: Any, image: torch.Tensor, dtype: torch.dtype) -> None:
    with (
        torch.inference_mode(),
        torch.autocast("cpu", dtype, enabled=dtype != torch.float32),
    ):
        network(image)


def timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def bare(
    network: Any, shapes: list[tuple[int, int]], dtype: torch.dtype
) -> tuple[float, float]:
    """Return the seconds and GFLOP of the passes over the tiles."""
    seconds = 0.0
    for shape in shapes:
        image = torch.randn(1, network.channels, *shape)
        image = image.contiguous(memory_format=torch.channels_last)
        seconds += timed(partial(run, network, image, dtype))
    work = {shape: gflop(network, *shape) for shape in set(shapes)}
    return seconds, sum(work[shape] for shape in shapes)


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("planes")
    paths = {side: folder / f"{side}.tif" for side, _ in (LARGE, SMALL)}
    for side, path in paths.items():
        scene = simulate_scene(0, side=side)
        write_image(Stack(scene.seen, "YX"), path)
    return paths


def measured(
    job: RestoreSpec, network: Any, source: Path, target: Path, row: str
) -> float:
    """Return the time of a restoration over that of its passes, and print both."""
    chain = job.chain()
    side = int(source.stem)
    dtype = TYPES[job.precision]
    machine.restart()
    whole = timed(lambda: restore_file(job, chain, source, target))
    most = (machine.peak() or 0) >> 20
    shapes = [*block_shapes(side, side, chain.traits, job.tile)]
    seconds, work = bare(network, shapes, dtype)
    speed = work / seconds
    print(
        f"\n{row:15} {job.precision} {side:5} px {work:8.0f} GFLOP {whole:7.2f} s, "
        f"{whole / seconds:.3f} of the passes; {speed:5.0f} GFLOP/s, "
        f"{speed / peak(dtype):.2f} of {peak(dtype):.0f}; {most} MiB"
    )
    return whole / seconds


@pytest.mark.parametrize("row", ROWS)
def test_a_published_network_costs_its_passes(row, planes, tmp_path) -> None:
    method, make, (side, tile) = ROWS[row]
    torch.manual_seed(0)
    network = make()
    weights = tmp_path / "w.pth"
    torch.save(network.state_dict(), weights)
    job = RestoreSpec(
        method,
        ("units=unit", "black=0", "white=2000"),
        (weights,),
        precision="bf16",
        tile=tile,
    )
    ready = to_device(network, "cpu")
    assert measured(job, ready, planes[side], tmp_path / "o.tif", row) <= MOST


@pytest.mark.parametrize("method", ["denoise", "jdsr", "denoise-fast", "jdsr-fast"])
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_shipped_network_costs_its_passes(
    method: str, precision: str, planes: dict[int, Path], tmp_path: Path
) -> None:
    from w2s_cli.networks.rebuild import rebuild
    from w2s_cli.weights import checkpoint

    ready = to_device(rebuild(checkpoint.load(checkpoint.shipped(method)).state), "cpu")
    job = RestoreSpec(method, precision=precision)
    # Once, small: what is imported at first use is no part of a plane's time.
    restore_file(job, job.chain(), planes[SMALL[0]], tmp_path / "small.tif")
    ratio = measured(job, ready, planes[LARGE[0]], tmp_path / "o.tif", method)
    assert ratio <= MOST
