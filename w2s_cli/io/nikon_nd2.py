"""ND2, Nikon's format: each position is an image. Read by the library nd2."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from math import prod
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.io.maker_files import (
    MOST_PLANES,
    MakerImage,
    WithinFile,
    maker_stack,
    reading,
)
from w2s_cli.io.maker_ome import ChannelFacts, Facts, PlaneFacts, measured_step
from w2s_cli.io.units import positive
from w2s_cli.io.wanted import Wanted
from w2s_cli.stack import Stack

_KIND = "a Nikon ND2 file"
_COLOUR = (3, 4)  # samples of a pixel that are a picture in colours
_START, _END, _END_BYTES = b"\xda\xce\xbe\x0a", b"ND2 CHUNK MAP SIGNATURE", 40
_CHUNK_START = 4096  # bytes before the pixels of a frame
_UNIX = 2440587.5  # the Julian day on which computers' time starts
_DAY = 86400.0  # seconds
_SETTINGS = "ImageMetadataSeqLV|0"


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open an ND2 file, as `w2s_cli.io.open_image` says."""
    import nd2

    with ExitStack() as files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is said here
            with reading(path, _KIND):
                _check_end(path)
                opened = files.enter_context(WithinFile(path))
                file = files.enter_context(nd2.ND2File(opened))
                handle = files.enter_context(path.open("rb"))
                images = [_image(one) for one in _positions(file, handle, path)]
            stack = maker_stack(images, wanted, path, _KIND)
        yield stack


def _check_end(path: Path) -> None:
    """Refuse a file without the table of its frames, which is written last."""
    with path.open("rb") as file:
        modern = file.read(4) == _START
        file.seek(-min(_END_BYTES, path.stat().st_size), SEEK_END)
        if modern and not file.read().startswith(_END):
            raise InputError(
                f"{path} is cut off: the table of its frames, at its end, is missing",
                hint="copy it again, or open it in NIS-Elements if the recording was "
                "interrupted",
            )


@dataclass(frozen=True, slots=True)
class _Position:
    """One of the images in a file: its place on the axes that OME has none for."""

    file: Any
    handle: BinaryIO  # of the same file
    path: Path
    loops: Mapping[str, int]  # all axes in which frames follow each other
    fixed: Mapping[str, int]  # the place on those that are not T and Z

    @property
    def inner(self) -> dict[str, int]:
        """Return the axes of frames that the image has, and their lengths."""
        return {axis: n for axis, n in self.loops.items() if axis not in self.fixed}

    @property
    def samples(self) -> int:
        """Return how many samples a pixel has, which are no channels."""
        count: int = self.file.components_per_channel
        return count if count in _COLOUR else 1

    @property
    def channels(self) -> int:
        """Return the number of channels."""
        return int(self.file.attributes.componentCount) // self.samples

    def frame(self, index: tuple[int, ...]) -> int:
        """Return the number in the file of the frame at an index of T and Z."""
        at = {**self.fixed, **dict(zip(self.inner, index, strict=False))}
        place = [at[axis] for axis in self.loops]
        return int(np.ravel_multi_index(place, [*self.loops.values()])) if place else 0

    def read(self, index: tuple[int, ...], rows: slice, columns: slice) -> NDArray[Any]:
        """Return a part of a plane, as `MakerImage` says."""
        per = self.file.components_per_channel
        part = self._rows(self.frame(index), rows)[:, columns]
        channel = index[-1] if self.channels > 1 else 0
        if self.samples > 1:
            return np.array(part[..., channel * per : channel * per + per])
        return np.array(part[..., channel])

    def _rows(self, frame: int, rows: slice) -> NDArray[Any]:
        """Return rows of a frame as (Y, X, components).

        Those that are stored as they are are read at their place: the library maps the
        file into memory, which would grow with it, and dies where it is cut.
        """
        attributes, dtype = self.file.attributes, self.file.dtype
        height, width = attributes.heightPx, attributes.widthPx
        count = attributes.componentCount
        stride = attributes.widthBytes or width * count * dtype.itemsize
        place = self._place(frame)
        if place is None or not self.bare:
            # (channels, Y, X, components), of which the library drops axes of length 1
            whole = self.file.read_frame(frame).reshape(
                -1, height, width, self.file.components_per_channel
            )
            part = whole[:, rows].transpose(1, 2, 0, 3)
            return np.reshape(part, (*part.shape[:2], count))
        self.handle.seek(place + rows.start * stride)
        data = self.handle.read((rows.stop - rows.start) * stride)
        pixels = np.frombuffer(data, dtype).reshape(-1, stride // dtype.itemsize)
        return pixels[:, : width * count].reshape(rows.stop - rows.start, width, count)

    @property
    def bare(self) -> bool:
        """Return whether frames are stored as they are."""
        said = self.file.attributes.compressionType in (None, "none")
        return said and not self.file.is_legacy

    def _place(self, frame: int) -> int | None:
        """Return where in the file the pixels of a frame start; None if not known."""
        chunks = getattr(self.file._rdr, "chunkmap", None)
        found = chunks and chunks.get(f"ImageDataSeq|{frame}!".encode())
        return found[0] + _CHUNK_START if found else None

    def there(self) -> NDArray[np.bool_]:
        """Return which planes the file has: the library gives zeros for the others."""
        attributes = self.file.attributes
        frames = [self.frame(index) for index in np.ndindex(*self.inner.values())]
        stored = attributes.heightPx * (attributes.widthBytes or 0) if self.bare else 1
        end = self.path.stat().st_size - max(stored, 1)
        places = map(self._place, frames)
        held = [place is not None and place <= end for place in places]
        if self.file.is_legacy:
            held = [frame < attributes.sequenceCount for frame in frames]
        return np.array(held, bool).repeat(self.channels)

    def name(self) -> str:
        """Return what the microscopist called the position, or its number."""
        points = [
            point.name or ""
            for loop in self.file.experiment
            if loop.type == "XYPosLoop"
            for point in loop.parameters.points
        ]
        words = [
            (axis == "P" and [*points, *[""] * self.loops[axis]][place])
            or f"{'position' if axis == 'P' else axis} {place + 1}"
            for axis, place in self.fixed.items()
        ]
        return ", ".join(words)


def _positions(file: Any, handle: BinaryIO, path: Path) -> list[_Position]:
    """Return the images: one for each place on the axes that are not T and Z."""
    loops = {axis: n for axis, n in file.sizes.items() if axis not in "CYXS"}
    recorded = prod(loop.count for loop in file.experiment)
    if recorded != prod(loops.values()):
        raise InputError(
            f"{path} was recorded in loops of which w2s cannot tell the order: "
            f"{recorded} frames along {', '.join(loops) or 'no axis'}",
            hint="split them in NIS-Elements, or export it as OME-TIFF",
        )
    apart = [axis for axis in loops if axis not in "TZ"]
    return [
        _Position(file, handle, path, loops, dict(zip(apart, place, strict=True)))
        for place in product(*(range(loops[axis]) for axis in apart))
    ]


def _image(position: _Position) -> MakerImage:
    attributes, channels = position.file.attributes, position.channels
    return MakerImage(
        name=position.name(),
        sizes={**position.inner, **({"C": channels} if channels > 1 else {})},
        plane=(attributes.heightPx, attributes.widthPx),
        dtype=position.file.dtype,
        samples=position.samples,
        read=position.read,
        facts=lambda: _facts(position),
        extra={"format": "ND2", "compression": attributes.compressionType or "none"},
        # Compressed frames are decoded whole
        chunk=(1, attributes.widthPx) if position.bare else None,  # others are whole
        there=position.there,
        sparse=position.file.is_legacy,  # compressed as a picture
    )


def _facts(position: _Position) -> Facts:
    """Return what the file says of an image; of the older kind nothing is read."""
    file = position.file
    if file.is_legacy:
        old = "it is an ND2 file of the older kind: its metadata are not read"
        return Facts(warnings=(old,))
    channels = file.metadata.channels or []
    if not channels:
        return Facts()
    lens, volume = channels[0].microscope, channels[0].volume
    calibrated = zip(volume.axesCalibration, volume.axesCalibrated, strict=True)
    planes = _planes(position)
    return Facts(
        # The library says 1 of what is not calibrated.
        pixel_size={
            axis: float(size)
            for axis, (size, known) in zip("XYZ", calibrated, strict=True)
            if known and positive(size) and (axis != "Z" or "Z" in position.inner)
        },
        time_step=_time_step(position, planes),
        channels=[
            ChannelFacts(
                one.channel.name or "",
                (one.channel.color.r, one.channel.color.g, one.channel.color.b),
                one.channel.excitationLambdaNm,
                one.channel.emissionLambdaNm,
                pinhole=one.microscope.pinholeDiameterUm,
            )
            for one in channels
        ],
        planes=planes,
        date=_date(position),
        objective=lens.objectiveName or "",
        magnification=lens.objectiveMagnification,
        aperture=lens.objectiveNumericalAperture,
        index=lens.immersionRefractiveIndex,
        bits=file.attributes.bitsPerComponentSignificant * (file.dtype.kind == "u"),
    )


def _planes(position: _Position) -> list[PlaneFacts]:
    """Return exposure, time and stage of each plane that the file has."""
    inner, channels = position.inner, position.channels // position.samples or 1
    if prod(inner.values()) * channels > MOST_PLANES:
        return []
    exposures = _exposures(position.file)
    there = position.there()[:: position.channels]
    found = []
    for number, index in enumerate(np.ndindex(*inner.values())):
        if not there[number]:
            continue
        at = dict(zip(inner, index, strict=True))
        said = position.file.frame_metadata(position.frame(index)).channels
        for channel, one in enumerate(said[:channels]):
            exposure = exposures[channel % len(exposures)] if exposures else None
            stage = one.position.stagePositionUm
            found.append(
                PlaneFacts(
                    (at.get("T", 0), channel, at.get("Z", 0)),
                    exposure / 1000 if positive(exposure) and exposure else None,
                    round(one.time.relativeTimeMs / 1000, 9),
                    {axis: float(getattr(stage, axis.lower())) for axis in "XYZ"},
                )
            )
    return found


def _exposures(file: Any) -> list[float]:
    """Return milliseconds for each channel, or one for all; nothing if unknown."""
    chunks = file.unstructured_metadata(strip_prefix=False, include={_SETTINGS})
    said: dict[str, Any] = next(iter(chunks.values()), {})
    said = said.get("SLxPictureMetadata", said).get("sPicturePlanes", {})
    rows = said.get("sSampleSetting", {})
    return [float(row.get("dExposureTime", 0.0)) for row in rows.values()]


def _time_step(position: _Position, planes: list[PlaneFacts]) -> float | None:
    """Return seconds between frames: as measured, or else as it was asked for."""
    if "T" not in position.inner:
        return None
    periods = [
        loop.parameters.periodMs / 1000
        for loop in position.file.experiment
        if loop.type == "TimeLoop"
    ]
    return measured_step(planes) or (positive(periods[0]) if periods else None)


def _date(position: _Position) -> str:
    """Return when the file was recorded, as ISO 8601 has it; "" where not known."""
    stamp = position.file.frame_metadata(0).channels[0].time
    day = stamp.absoluteJulianDayNumber - stamp.relativeTimeMs / 1000 / _DAY
    if day < _UNIX:
        return ""
    moment = datetime.fromtimestamp(round((day - _UNIX) * _DAY, 3), UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
