"""Images that were read lately, so that they need not be read again."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock

from w2s_cli._typing import FloatArray
from w2s_cli.datasets.data_set import DataSet, Image, Mask

LIMIT = 2**30  # bytes
_Planes = tuple[FloatArray, Mask | None]


class ImageCache:
    """What `read` of images gave, the latest of it, for any number of threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.held = 0
        self._planes: OrderedDict[Image, _Planes] = OrderedDict()
        self._lock = Lock()

    def read(self, image: Image) -> _Planes:
        """Return what the image gives; errors are its own."""
        with self._lock:
            if image in self._planes:
                self._planes.move_to_end(image)
                return self._planes[image]
        planes = image.read()  # others may read meanwhile
        with self._lock:
            if image not in self._planes:
                self._planes[image] = planes
                self.held += _bytes(planes)
            while self.held > self.limit:
                self.held -= _bytes(self._planes.popitem(last=False)[1])
        return planes


@dataclass(frozen=True, slots=True)
class CachedImage:
    """An image that is read through a memory."""

    image: Image
    memory: ImageCache

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return self.image.where

    def shape(self) -> tuple[int, int]:
        """Return its size; InputError where it is broken."""
        return self.image.shape()

    def read(self) -> _Planes:
        """Return its values and where they are valid; nobody may change them."""
        return self.memory.read(self.image)


def with_cache(data: DataSet) -> DataSet:
    """Return a set whose images are all read through one memory."""
    memory = ImageCache()
    return replace(
        data,
        inputs={level: _cached(part, memory) for level, part in data.inputs.items()},
        truths={scale: _cached(part, memory) for scale, part in data.truths.items()},
    )


def _cached(part: Mapping[str, Image], memory: ImageCache) -> dict[str, Image]:
    return {name: CachedImage(image, memory) for name, image in part.items()}


def _bytes(planes: _Planes) -> int:
    values, valid = planes
    return values.nbytes + (0 if valid is None else valid.nbytes)
