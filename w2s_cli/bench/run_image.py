"""One image restored, timed and scored.

How the first version of the W2S tables restored its 8-bit images.

A denoised image was saved as whole grays before it was enlarged. Networks that enlarge
saw overlapping tiles without context beyond them, and later tiles were pasted over the
earlier ones, less their first pixels. So figures of that version have seams in them,
and the same network without tiles scores otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import product
from time import perf_counter

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.bench.config import MethodConfig, chain_of
from w2s_cli.bench.scores.score import resources_for, score
from w2s_cli.datasets.data_set import ImagePair
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import restore_plane
from w2s_cli.restorers.units import DisplayRange
from w2s_cli.stack import Stack

TILE, STRIDE = 128, 64  # pixels of the input
SKIPPED = 32  # of them at the top and left of a tile that is not at the image's edge
WHITE = np.float32(255)


def restored_first_version(plane: FloatArray, chain: Chain) -> FloatArray:
    """Return what methods make of a (Y, X) image from 0 to 255, clipped to that."""
    larger = [link.traits.scale > 1 for link in chain.links]
    at = [*larger, True].index(True)
    if before := chain.links[:at]:
        plane = restore_plane(plane, Chain(before), tile=max(plane.shape))
        plane = plane.clip(0, WHITE)
    if at == len(larger):
        return plane
    plane, chain = np.floor(plane) if before else plane, Chain(chain.links[at:])
    scale = chain.traits.scale
    height, width = plane.shape
    output = np.empty((height * scale, width * scale), np.float32)
    for (y, top), (x, left) in product(_tiles(height), _tiles(width)):
        result = restore_plane(plane[y, x], chain, tile=TILE).clip(0, WHITE)
        place = np.s_[
            (y.start + top) * scale : y.stop * scale,
            (x.start + left) * scale : x.stop * scale,
        ]
        output[place] = result[top * scale :, left * scale :]
    return output


def _tiles(length: int) -> Iterator[tuple[slice, int]]:
    """Yield the tiles of an axis, and how many of their pixels are left out."""
    for start in range(0, length, STRIDE):
        yield slice(start, min(start + TILE, length)), SKIPPED if start else 0


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The scores of one image, or why it has none."""

    # name, group: the image and its field of view
    name: str
    group: str
    content: str  # hash of the image and its truth
    # by metric; empty where the image could not be restored
    scores: dict[str, float]
    seconds: float  # of the restoration, with the estimate of the noise
    error: str = ""  # why it could not be restored


def content_of(pair: ImagePair) -> str:
    """Return a hash of the pixels of a pair."""
    digest = sha256()
    for plane in (pair.image, pair.truth, pair.valid):
        if plane is not None:
            digest.update(f"{plane.dtype} {plane.shape}".encode())
            digest.update(np.ascontiguousarray(plane).data)
    digest.update(str(pair.noise).encode())
    return digest.hexdigest()


def run_image(config: MethodConfig, pair: ImagePair, content: str) -> ImageResult:
    """Return the scores of one image; an image that is refused says why."""
    _warm_up(config)
    start = perf_counter()
    try:
        image = restored(config, pair)
        seconds = perf_counter() - start
        scores = score(
            *(pair.truth, image, config.metrics, config.convention, pair.valid),
            low=pair.image,
            resources=_resources(config.metrics, config.convention),
        )
    except InputError as error:
        return ImageResult(pair.name, pair.group, content, {}, 0.0, str(error))
    return ImageResult(pair.name, pair.group, content, scores, seconds)


def restored(config: MethodConfig, pair: ImagePair) -> FloatArray:
    """Return the restored image, float32 in the unit of the input."""
    noise = pair.noise if config.known_noise else None
    result = restore_stack(
        config.spec,
        Stack(pair.image, "YX"),
        given=(noise,) if noise else (),
        chain=chain_of(config),
        judge=False,
    )
    if config.first_version:
        return restored_first_version(pair.image, result.chains[0])
    plane: FloatArray = result.image.data[()]
    return plane


@lru_cache(maxsize=8)
def _warm_up(config: MethodConfig) -> None:
    """Restore a small image, once a process: loading weights is no part of the time.

    A method that is fitted is so to each image anew, and loads nothing before.
    """
    if chain_of(config).to_fit:
        return
    noise = NoiseModel(1.0)
    plane = noise.sample(np.full((64, 64), 100, np.float32), np.random.default_rng(0))
    known = ChannelDiagnosis(model=noise, display_range=DisplayRange(0, 200))
    stack = Stack(np.asarray(plane, np.float32), "YX")
    result = restore_stack(
        config.spec, stack, chain=chain_of(config), diagnosis=Diagnosis((known,))
    )
    result.image.data[()]  # a plane is computed when it is asked for


_resources = lru_cache(maxsize=1)(resources_for)
