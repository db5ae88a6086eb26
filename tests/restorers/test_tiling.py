from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.errors import OutOfMemoryError
from w2s_cli.methods import AUTOMATIC, METHODS
from w2s_cli.methods.build import build
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import fit_channels
from w2s_cli.restorers.restorer import Restorer, Traits
from w2s_cli.restorers.tiling import SMALLEST_TILE, block_shapes, restore_plane, spans
from w2s_cli.stack import Stack

rng = np.random.default_rng(0)
NOISE = {0: NoiseModel(2.0, 100, 3)}
NETWORKS = ("denoise", "jdsr", "denoise-fast", "jdsr-fast")
FASTER = {name: {"precision": "fp32"} for name in NETWORKS}
FASTER["vst+epll"] = {"betas": "1,8"}
IMAGE = (100 + 2 * rng.poisson(9, (79, 53))).astype(np.float32)
LEARNERS = {entry.name for entry in METHODS if "time to learn" in entry.needs}
ENLARGING = "n2sr output=sr"
LOCAL = [
    entry.name
    for entry in METHODS
    if entry.name not in ("vst+bm3d", *AUTOMATIC) and "published" not in entry.target
]
LOCAL.append(ENLARGING)
LARGER = ("denoise", "jdsr")  # the code is that of denoise-fast, jdsr-fast
ONE_OF_A_KIND = [name for name in LOCAL if name not in LARGER]


@pytest.fixture(scope="module", autouse=True)
def _learned_is_kept_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("W2S_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@cache
def _method(text: str) -> Restorer:
    """Return a method, by its name and its options; one that learns has learned."""
    name, *options = text.split()
    if name not in LEARNERS:
        method = METHODS[name].load()
        made: Restorer = method(**FASTER.get(name, {}))
        return made
    chain = build(name, [*options, "iterations=2", "width=4"], precision="fp32")
    repeats = 100 + 2 * rng.poisson(9, (2, 128, 128)).astype(np.float32)
    return fit_channels(Stack(repeats, "TYX"), chain, NOISE)[0]


def _pixels(name: str, image: np.ndarray, tile: int) -> np.ndarray:
    restored, _ = restore_planes(
        Stack(image, "YX"), Chain([_method(name)]), NOISE, tile=tile
    )
    return restored.data[()]


@cache
def _whole(name: str) -> np.ndarray:
    return _pixels(name, IMAGE, tile=10_000)


@pytest.mark.parametrize(
    ("name", "tile"),
    [*product(ONE_OF_A_KIND, [16, 33, 64]), *((name, 33) for name in LARGER)],
)
def test_tiling_leaves_no_seam(name: str, tile: int) -> None:
    whole, tiles = _whole(name), _pixels(name, IMAGE, tile)
    np.testing.assert_allclose(tiles, whole, atol=1e-4 * float(np.ptp(whole)), rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 7), (37, 64)])
@pytest.mark.parametrize("name", LOCAL)
def test_every_size_is_restored(name: str, shape: tuple[int, int]) -> None:
    image = (100 + 2 * rng.poisson(9, shape)).astype(np.uint16)
    scale = _method(name).traits.scale
    result = _pixels(name, image, tile=32)
    assert result.shape == (shape[0] * scale, shape[1] * scale)
    assert result.dtype == np.uint16


def test_tiles_cover_an_axis_once() -> None:
    for length in (1, 7, 64, 101):
        for tile in (1, 16, 33):
            covered = np.zeros(length, int)
            for span in spans(length, tile, margin=5, multiple_of=4):
                covered[span.inner] += 1
                assert span.outer.start % 4 == 0
                assert span.outer.stop % 4 == 0 or span.outer.stop == length
            assert (covered == 1).all()


@dataclass(frozen=True)
class _Greedy:
    """A restorer that runs out of memory above a size, and tells what it was given."""

    limit: int
    sides: list[int]

    traits = Traits()

    def __call__(self, blocks: FloatArray) -> FloatArray:
        self.sides.append(max(blocks.shape))
        if max(blocks.shape) > self.limit:
            raise MemoryError
        return blocks + 1


def test_tile_is_halved_when_memory_runs_out() -> None:
    plane = rng.random((300, 300)).astype(np.float32)
    greedy = _Greedy(limit=80, sides=[])
    np.testing.assert_array_equal(restore_plane(plane, greedy, tile=512), plane + 1)
    assert max(greedy.sides[3:]) == 75


def test_running_out_of_memory_ends_with_an_error() -> None:
    plane = np.zeros((300, 300), np.float32)
    run = partial(restore_plane, plane, tile=512)
    with pytest.raises(OutOfMemoryError, match="300 x 300") as caught:
        run(_Greedy(limit=SMALLEST_TILE - 1, sides=[]))
    assert "--device cpu" in caught.value.hint


@dataclass(frozen=True)
class _Recorder:
    """A restorer that tells the sides of each block that it was given."""

    traits: Traits
    shapes: list[tuple[int, ...]]

    def __call__(self, blocks: FloatArray) -> FloatArray:
        self.shapes.append(blocks.shape[1:])
        return blocks


@pytest.mark.parametrize("whole", [False, True])
def test_the_sides_of_blocks_are_known_before(whole: bool) -> None:
    traits = Traits(margin=5, multiple_of=4, whole=whole)
    recorder = _Recorder(traits, [])
    restore_plane(np.zeros((101, 77), np.float32), recorder, tile=33)
    assert recorder.shapes == [*block_shapes(101, 77, traits, 33)]
