"""OME-XML as programs really write it, brought to where a parser can read it."""

import re
from xml.etree import ElementTree

LATEST = "http://www.openmicroscopy.org/Schemas/OME/2016-06"

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""The characters that XML cannot hold."""

_BARE_AND = re.compile(r"&(?!#\d+;|#x[\da-fA-F]+;|(amp|lt|gt|quot|apos);)")


def readable(xml: str) -> tuple[str, tuple[str, ...]]:
    """Return XML that a parser reads, "" where there is no way, and what to say of it.

    Elements without a namespace get OME's; characters that XML forbids are mended.
    """
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        mended = _BARE_AND.sub("&amp;", FORBIDDEN.sub("", xml))
        mended = mended[: mended.rfind("OME>") + len("OME>")]
        try:
            root = ElementTree.fromstring(mended)
        except ElementTree.ParseError:
            return "", (
                f"its OME-XML cannot be read ({error}): pixel sizes, names and times "
                "that it may hold are not known, and left out",
            )
        xml = mended
    bare = [element for element in root.iter() if not element.tag.startswith("{")]
    for element in bare:
        element.tag = f"{{{LATEST}}}{element.tag}"
    return (ElementTree.tostring(root, encoding="unicode") if bare else xml), ()
