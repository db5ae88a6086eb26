"""Small files as the programs of microscopes write them, after the published layouts.

None is a microscope's own: they hold what a reader looks at, and nothing else.
"""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

_ND2_MAGIC = 0x0ABECEDA


def _lite(name: str, value: Any) -> bytes:
    """Return a value in the variant of Nikon: type, name, content."""
    text = (name + "\0").encode("utf-16-le")
    codes = {bool: (1, "?"), int: (3, "I"), float: (6, "d")}
    if isinstance(value, str):
        kind, content = 8, (value + "\0").encode("utf-16-le")
    elif isinstance(value, Mapping):
        items = [_lite(key, one) for key, one in value.items()]
        kind, head = 11, 2 + len(text) + 12
        content = struct.pack("<IQ", len(items), head + sum(map(len, items)))
        content += b"".join(items) + bytes(8 * len(items))
    else:
        kind, form = codes[type(value)]
        content = struct.pack(f"<{form}", value)
    return bytes([kind, len(text) // 2]) + text + content


def _loops(loops: Sequence[tuple[str, int]], points: Sequence[str]) -> dict[str, Any]:
    """Return the description of an experiment, the slowest loop outside."""
    (axis, count), *inner = loops
    kinds: dict[str, tuple[int, dict[str, Any]]] = {
        "T": (1, {"uiCount": count, "dStart": 0.0, "dPeriod": 500.0, "dDuration": 0.0}),
        "P": (
            2,
            {
                "Points": {
                    f"i{n:010}": {"dPosX": 10.0 * n, "dPosY": 5.0, "pPosName": name}
                    for n, name in enumerate(points)
                }
            },
        ),
        "Z": (4, {"uiCount": count, "dZStep": 0.25, "dZLow": 0.0, "dZHigh": 1.0}),
    }
    kind, parameters = kinds[axis]
    found: dict[str, Any] = {"eType": kind, "uLoopPars": parameters}
    if inner:
        found["ppNextLevelEx"] = {"": _loops(inner, points)}
    return found


def write_nd2(
    path: Path,
    pixels: np.ndarray,
    loops: str = "",
    *,
    channels: Sequence[str] = ("GFP",),
    points: Sequence[str] = (),
    calibrated: bool = True,
    frames: int | None = None,
    padding: int = 0,
    lossless: bool = False,
) -> None:
    """Write an ND2 file of version 3: loops, then Y, X, components."""
    *lead, height, width, components = pixels.shape
    colour = components > len(channels)
    bits = 8 * pixels.dtype.itemsize
    planes = pixels.reshape(-1, height, width, components)
    stride = width * components * pixels.dtype.itemsize + padding
    wave = {"pPoint": {"Point0": {"eType": 1, "dWavelength": 509.0, "dTValue": 1.0}}}
    said = {
        "bCalibrated": calibrated,
        "dCalibration": 0.1 if calibrated else 0.0,
        "dObjectiveMag": 60.0,
        "dObjectiveNA": 1.4,
        "wsObjectiveName": "Plan Apo 60x",
        "dRefractIndex1": 1.515,
        "dTimeAbsolute": 2459580.5,
        "sPicturePlanes": {
            "uiCount": len(channels),
            "sPlaneNew": {
                f"a{n}": {
                    "uiCompCount": 3 if colour else 1,
                    "uiSampleIndex": n,
                    "sDescription": name,
                    "uiColor": 0x00FF00,
                    "pFluorescentProbe": {
                        "m_EmissionSpectrum": wave,
                        "m_ExcitationSpectrum": wave,
                    },
                }
                for n, name in enumerate(channels)
            },
            "sSampleSetting": {
                f"a{n}": {"dExposureTime": 20.0 * (n + 1)} for n in range(len(channels))
            },
        },
    }
    attributes = {
        **{"uiWidth": width, "uiHeight": height, "uiComp": components},
        **{"uiBpcInMemory": bits, "uiBpcSignificant": min(bits, 12)},
        "uiWidthBytes": stride,
        "uiSequenceCount": len(planes) if frames is None else frames,
        "eCompression": 0 if lossless else 2,
        **{"uiTileWidth": width, "uiTileHeight": height},
    }
    times = np.arange(len(planes)) * 250.0
    chunks = {
        "ImageAttributesLV!": _lite("SLxImageAttributes", attributes),
        "ImageMetadataSeqLV|0!": _lite("SLxPictureMetadata", said),
        "CustomData|AcqTimesCache!": times.tobytes(),
    }
    if loops:
        experiment = _loops([*zip(loops, lead, strict=True)], points)
        chunks["ImageMetadataLV!"] = _lite("SLxExperiment", experiment)
    for number, plane in enumerate(planes[:frames]):
        data = b"".join(row.tobytes().ljust(stride, b"\xff") for row in plane)
        data = zlib.compress(data) if lossless else data
        chunks[f"ImageDataSeq|{number}!"] = bytes(8) + data
    data, places = b"", b""
    first = {"ND2 FILE SIGNATURE CHUNK NAME01!": b"Ver3.0".ljust(64, b"\0")}
    for name, content in {**first, **chunks}.items():
        if data:
            places += name.encode() + struct.pack("<QQ", len(data), len(content))
        reserved = 4072 if data else 32
        head = struct.pack("<IIQ", _ND2_MAGIC, reserved, len(content))
        data += head + name.encode().ljust(reserved, b"\0") + content
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", len(data))
    head = struct.pack("<IIQ", _ND2_MAGIC, 32, len(places) + len(end))
    data += head + b"ND2 FILEMAP SIGNATURE NAME 0001!" + places + end
    path.write_bytes(data)


def write_lif(path: Path, images: Mapping[str, tuple[str, np.ndarray]]) -> None:
    """Write a LIF file: by the name of each image its axes and pixels."""
    elements, blocks = "", b""
    for number, (name, (axes, pixels)) in enumerate(images.items()):
        pixels = np.ascontiguousarray(pixels)
        steps = dict(zip(axes, pixels.strides, strict=True))
        lengths = dict(zip(axes, pixels.shape, strict=True))
        channel = "C" if "C" in axes else "S"
        channels = "".join(
            f'<ChannelDescription DataType="0" ChannelTag="{tag}" '
            f'Resolution="{8 * pixels.dtype.itemsize}" LUTName="{table}" Min="0" '
            'NameOfMeasuredQuantity="" Max="255" Unit="" IsLUTInverted="0" '
            f'BytesInc="{n * steps.get(channel, 0)}" BitInc="0"><ChannelProperty>'
            f"<Key>DyeName</Key><Value>dye {n}</Value></ChannelProperty>"
            "</ChannelDescription>"
            for n, (table, tag) in enumerate(
                [("Red", 1), ("Green", 2), ("Blue", 3)][: lengths.get(channel, 1)]
            )
        )
        dimensions = "".join(
            f'<DimensionDescription DimID="{code}" '
            f'NumberOfElements="{lengths[axis]}" Origin="0" '
            f'Length="{step * (lengths[axis] - 1)}" Unit="{unit}" '
            f'BytesInc="{steps[axis]}" BitInc="0"/>'
            for axis, code, step, unit in (
                *(("X", 1, 1e-7, "m"), ("Y", 2, 1e-7, "m"), ("Z", 3, -4e-7, "m")),
                *(("T", 4, 1.5, "s"), ("M", 10, 1, "")),
            )
            if axis in axes
        )
        tiles = "".join(
            f'<Tile FieldX="{n}" FieldY="0" PosX="{n}e-3" PosY="0" PosZ="0"/>'
            for n in range(lengths.get("M", 0))
        )
        elements += (
            f'<Element Name="{name}"><Data><Image><ImageDescription><Channels>'
            f"{channels}</Channels><Dimensions>{dimensions}</Dimensions>"
            '</ImageDescription><Attachment Name="HardwareSetting">'
            '<ATLConfocalSettingDefinition NumericalAperture="1.3" Magnification='
            '"63" Immersion="GLYC" ObjectiveName="HC PL APO" Pinhole="1e-4"/>'
            f'</Attachment><Attachment Name="TileScanInfo">{tiles}</Attachment>'
            "<TimeStampList>1d8000000000000</TimeStampList></Image></Data>"
            f'<Memory Size="{pixels.nbytes}" MemoryBlockID="B{number}"/></Element>'
        )
        label = f"B{number}".encode("utf-16-le")
        body = struct.pack("<BQBI", 0x2A, pixels.nbytes, 0x2A, len(label) // 2)
        body += label
        blocks += struct.pack("<II", 0x70, len(body)) + body + pixels.tobytes()
    text = (
        '<LMSDataContainerHeader Version="2"><Element Name="project"><Children>'
        f"{elements}</Children></Element></LMSDataContainerHeader>"
    ).encode("utf-16-le")
    head = struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(text) // 2)
    path.write_bytes(head + text + blocks)


_CZI_TYPES = {("uint8", 1): 0, ("uint16", 1): 1, ("float32", 1): 2, ("uint8", 3): 3}
_COMPRESSED: dict[int, Callable[[np.ndarray], bytes]] = {
    0: lambda pixels: pixels.tobytes(),
    4: lambda pixels: imagecodecs.jpegxr_encode(pixels.squeeze(-1), level=100),
    5: lambda pixels: imagecodecs.zstd_encode(pixels.tobytes()),
    6: lambda pixels: (  # of two bytes, the low ones come first
        (b"\x03\x01\x01" if pixels.itemsize == 2 else b"\x01")
        + imagecodecs.zstd_encode(
            pixels.view(np.uint8)
            .reshape(-1, 2 if pixels.itemsize == 2 else 1)
            .T.tobytes()
        )
    ),
}


def _segment(name: str, content: bytes) -> bytes:
    return struct.pack("<16sqq", name.encode(), len(content), len(content)) + content


def write_czi(
    path: Path,
    tiles: Sequence[tuple[Mapping[str, int], np.ndarray]],
    *,
    compression: int = 0,
    xml: str = "<ImageDocument/>",
    reduced: int = 0,
) -> None:
    """Write a CZI file of tiles, their place and (Y, X, samples).

    The last `reduced` of them are those of a pyramid.
    """
    entries, blocks, start = [], b"", 32 + 512
    for number, (place, pixels) in enumerate(tiles):
        level = number >= len(tiles) - reduced
        factor = 2 if level else 1
        height, width, samples = pixels.shape
        sizes = {"X": width * factor, "Y": height * factor}
        at = {"X": 0, "Y": 0, **place}
        kind = _CZI_TYPES[str(pixels.dtype), samples]
        entry = struct.pack(
            *("<2siqiiBB4si", b"DV", kind, start + len(blocks), 0, compression),
            *(2 * level, 0, b"", len(at)),
        )
        for axis, first in at.items():
            size = sizes.get(axis, 1)
            entry += struct.pack(
                "<4siifi", axis.encode(), first, size, 0.0, size // factor
            )
        tags = (
            f"<METADATA><Tags><StageXPosition>{7 + at['X']}</StageXPosition>"
            f"<AcquisitionTime>2024-01-01T00:00:{at.get('T', 0) * 2:02}Z"
            "</AcquisitionTime></Tags></METADATA>"
        ).encode()
        blue_first = pixels[..., ::-1] if samples > 1 else pixels
        data = _COMPRESSED[compression](np.ascontiguousarray(blue_first))
        head = struct.pack("<iiq", len(tags), 0, len(data)) + entry.ljust(240, b"\0")
        blocks += _segment("ZISRAWSUBBLOCK", head + tags + data)
        entries.append(entry)
    text = xml.encode()
    metadata = struct.pack("<ii", len(text), 0).ljust(256, b"\0") + text
    directory = struct.pack("<i", len(entries)).ljust(128, b"\0")
    places = start + len(blocks), start + len(blocks) + 32 + len(metadata)
    header = struct.pack(
        *("<iiii16s16siqqiq", 1, 0, 0, 0, b"", b"", 0, places[1], places[0], 0, 0)
    )
    path.write_bytes(
        _segment("ZISRAWFILE", header.ljust(512, b"\0"))
        + blocks
        + _segment("ZISRAWMETADATA", metadata)
        + _segment("ZISRAWDIRECTORY", directory + b"".join(entries))
    )
