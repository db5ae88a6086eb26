"""Sets of OME files: which images lie in a file, and where their metadata are.

A set may say all in each of its files, or only in one of them, the others pointing to
it, or in a companion file of XML without pixels.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import tifffile

from w2s_cli.errors import InputError, few
from w2s_cli.io.formats import COMPANION

_MOST_COMPRESSED = 100_000  # pixels a byte
_PLANE = 16  # bytes that a plane takes at least, with what describes it


def whole_xml(xml: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the OME-XML of a file's set, and what is missing of it.

    It is in the file itself, unless that only names the file where it is.
    """
    root = ElementTree.fromstring(xml)
    pointer = root.find("{*}BinaryOnly")
    if pointer is None:
        return xml, ()
    master = path.with_name(Path(pointer.get("MetadataFile", "")).name)
    try:
        if master.suffix.lower() in (COMPANION, ".xml"):
            found = master.read_text(encoding="utf-8")
        else:
            with tifffile.TiffFile(master) as file:
                found = file.ome_metadata or ""
        whole = ElementTree.fromstring(found)
    except (OSError, ValueError, tifffile.TiffFileError, ElementTree.ParseError):
        return "", (
            f"its metadata are in {master.name}, which is missing or cannot be read: "
            "pixel sizes, channels and axes are not known",
        )
    if own := root.get("UUID"):
        whole.set("UUID", own)
    else:
        whole.attrib.pop("UUID", None)
    return ElementTree.tostring(whole, encoding="unicode"), ()


def for_tifffile(xml: str, path: Path) -> str:
    """Return OME-XML in which tifffile finds what lies in one file of a set.

    Images are named by their number, by which they are known again in the result; those
    that lie in other files alone are left out, and the file is known under a new name.
    """
    root = ElementTree.fromstring(xml)
    images = root.findall("{*}Image")
    for number, image in enumerate(images):
        image.set("Name", str(number))
        for pixels in image.iterfind("{*}Pixels"):
            for data in pixels.findall("{*}TiffData"):
                if data.get("PlaneCount") == "0":  # tifffile would take all planes
                    pixels.remove(data)
    _name_file(root, path)
    own = [image for image in images if _lies_in(image, root.get("UUID"), path)]
    for image in images if own else ():
        if image not in own:
            root.remove(image)
    _check_promises(root, path)
    # tifffile splits an axis where an annotation says that it holds another one, such
    # as angles in Z; OME counts planes as if it did not.
    for notes in root.findall("{*}StructuredAnnotations"):
        root.remove(notes)
    return ElementTree.tostring(root, encoding="unicode")


def member_of(companion: Path) -> tuple[str, Path]:
    """Return the OME-XML in a companion file, and the first of its TIFF files."""
    xml = companion.read_text(encoding="utf-8")
    names = [
        companion.with_name(Path(uuid.get("FileName", "")).name)
        for uuid in ElementTree.fromstring(xml).iterfind("{*}Image/" + _UUIDS)
    ]
    there = [path for path in names if path.is_file()]
    if not there:
        raise InputError(
            f"none of the {len({*names})} files that {companion} describes is there: "
            f"{few(sorted({path.name for path in names}))}",
            hint="copy them into the same folder",
        )
    return xml, there[0]


def each_once(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return files less those that hold only more of the image of an earlier one.

    Also returned are lines that name those files.
    """
    kept: dict[object, Path] = {}
    more: dict[Path, list[str]] = defaultdict(list)
    for path in paths:
        named = ".ome." in path.name.lower() and path.is_file()
        names = _files_of_image(path, path.stat().st_mtime_ns) if named else ()
        key = (path.parent, *names) if len(names) > 1 else path
        if key in kept and path.name in names:
            more[kept[key]].append(path.name)
        else:
            kept[key] = path
    return [*kept.values()], [
        f"{path}: its image goes on in {few(others)}, which has no output of its own"
        for path, others in more.items()
    ]


@lru_cache(maxsize=1 << 16)
def _files_of_image(path: Path, _changed: int) -> tuple[str, ...]:
    """Return the files of the only image that a file of a set holds some of, or ()."""
    try:
        with tifffile.TiffFile(path) as file:
            xml, _ = whole_xml(file.ome_metadata or "", path)
        if "FileName" not in xml:
            return ()
        root = ElementTree.fromstring(xml)
    except (OSError, ValueError, tifffile.TiffFileError, ElementTree.ParseError):
        return ()
    _name_file(root, path)
    images = root.findall("{*}Image")
    own = [image for image in images if _lies_in(image, root.get("UUID"), path)]
    if len(own) != 1:
        return ()
    return tuple(sorted({one.get("FileName", "") for one in own[0].iterfind(_UUIDS)}))


_UUIDS = "{*}Pixels/{*}TiffData/{*}UUID"


def _name_file(root: Element, path: Path) -> None:
    """Let the file be known by a UUID that its images have, if it has one at all."""
    uuids = root.findall("{*}Image/" + _UUIDS)
    texts = {uuid.text for uuid in uuids}
    if root.get("UUID") in texts:
        return
    own = [one.text for one in uuids if one.get("FileName", "") == path.name]
    if own and own[0]:
        root.set("UUID", own[0])
    elif len(texts) == 1:  # all in one file, which was renamed
        root.set("UUID", texts.pop() or "")


def _lies_in(image: Element, uuid: str | None, path: Path) -> bool:
    data = image.findall("{*}Pixels/{*}TiffData")
    if not data:
        return image.find("{*}Pixels") is not None
    for one in data:
        named = one.find("{*}UUID")
        if named is None or (named.text == uuid if uuid else False):
            return True
        if uuid is None and named.get("FileName", "").lower() == path.name.lower():
            return True
    return False


def _check_promises(root: Element, path: Path) -> None:
    """Refuse XML with more planes than its files can hold, before lists are made."""
    files = {uuid.get("FileName", "") for uuid in root.iterfind("{*}Image/" + _UUIDS)}
    held = sum(
        file.stat().st_size
        for file in {path, *(path.with_name(Path(name).name) for name in files)}
        if file.is_file()
    )
    for pixels in root.iterfind("{*}Image/{*}Pixels"):
        promised = prod(_count(pixels, f"Size{axis}") for axis in "ZCT")
        for data in pixels.iterfind("{*}TiffData"):
            counts = (_count(data, name) for name in ("PlaneCount", "NumPlanes"))
            promised = max(promised, *counts)
        width, height = _count(pixels, "SizeX"), _count(pixels, "SizeY")
        area = promised * width * height
        if promised * _PLANE > held or area > _MOST_COMPRESSED * held:
            raise InputError(
                f"{path} promises {promised} planes of {width} x {height} pixels, more "
                f"than {held} bytes can hold",
                hint="copy or export it again",
            )


def _count(element: Element, name: str) -> int:
    text = element.get(name, "1")
    return int(text) if text.isdecimal() else 1


def missing_members(xml: str, path: Path) -> list[str]:
    """Return the files that the first image lies in and that are not in the folder."""
    names = _members(xml, path)
    there = (name for name in names if path.with_name(name).exists())
    return sorted(names.difference(there, {path.name}))


def files_read(xml: str, path: Path, description: str) -> list[Path]:
    """Return the files that the first image is read from, `path` before the others.

    Its metadata may be in another file, which its own description names.
    """
    names = _members(xml, path)
    if master := _MASTER.search(description):
        names.add(Path(master[1]).name)
    others = (path.with_name(name) for name in sorted(names - {path.name}))
    return [path, *(other for other in others if other.is_file())]


_MASTER = re.compile(r'<\w*:?BinaryOnly[^>]*MetadataFile="([^"]+)"')


def _members(xml: str, path: Path) -> set[str]:
    if "FileName" not in xml:
        return set()
    image = ElementTree.fromstring(xml).find("{*}Image")
    uuids = [] if image is None else image.findall(_UUIDS)
    return {Path(uuid.get("FileName", path.name)).name for uuid in uuids}
