from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest

from w2s_cli.errors import InputError
from w2s_cli.training.patches.image_cache import CachedImage, ImageCache


@dataclass(frozen=True)
class _Image:
    name: str
    reads: list[str] = field(compare=False)
    where = "there"

    def shape(self) -> tuple[int, int]:
        return 10, 10

    def read(self):
        self.reads.append(self.name)
        if self.name == "broken":
            raise InputError("it is broken")
        return np.full((10, 10), ord(self.name), np.float32), np.ones((10, 10), bool)


def test_the_images_read_least_lately_are_forgotten() -> None:
    reads: list[str] = []
    memory = ImageCache(limit=2 * 500)  # bytes of two images
    for name in "abacabb":
        values, _ = CachedImage(_Image(name, reads), memory).read()
        assert values[0, 0] == ord(name)
    assert "".join(reads) == "abcb"
    assert memory.held == 1000


def test_an_image_that_does_not_fit_is_read_every_time() -> None:
    reads: list[str] = []
    memory = ImageCache(limit=499)
    for _ in range(3):
        memory.read(_Image("a", reads))
    assert (len(reads), memory.held) == (3, 0)


def test_failures_are_told_and_not_kept() -> None:
    memory, image = ImageCache(), _Image("broken", [])
    for _ in range(2):
        with pytest.raises(InputError, match="it is broken"):
            memory.read(image)
    kept = CachedImage(image, memory)
    assert (kept.where, kept.shape(), memory.held) == ("there", (10, 10), 0)


def test_many_threads_read_at_once() -> None:
    reads: list[str] = []
    memory = ImageCache(limit=5 * 500)
    names = np.random.default_rng(0).choice([*"abcdefgh"], 2000)
    with ThreadPoolExecutor(8) as workers:
        found = workers.map(lambda name: memory.read(_Image(str(name), reads)), names)
        assert [values[0, 0] for values, _ in found] == [ord(name) for name in names]
    assert memory.held == 5 * 500
