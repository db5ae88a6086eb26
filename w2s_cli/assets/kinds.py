"""Which container a file is, by its first bytes."""

from collections.abc import Callable
from io import BufferedReader

from w2s_cli.assets import legacy_container, safetensors_container, zip_container
from w2s_cli.assets.contents import Contents
from w2s_cli.assets.refusal import AGAIN, Refusal

HEAD = 512  # bytes that tell
_WEB = "the download went wrong: fetch the file again, from its direct address"
_FOREIGN = (
    (b"<!doctype", "is a web page, not weights", _WEB),
    (b"<html", "is a web page, not weights", _WEB),
    (b"<?xml", "is a web page, not weights", _WEB),
    (
        b"version https://git-lfs",
        "is a pointer of Git LFS; the weights themselves are elsewhere",
        "run `git lfs pull` where the file comes from",
    ),
    (b"\x89hdf", "is an HDF5 file, as Keras writes", "convert it to PyTorch"),
    (b"\x1f\x8b", "is compressed with gzip", "unpack it first"),
    (b"\x93numpy", "is a NumPy array", "give a file of torch or safetensors"),
)


def contents(file: BufferedReader, size: int) -> Contents:
    """Return what a weight file of any known kind holds.

    Raises
    ------
    Refusal
        When it is of another kind, or its container refuses it.
    """
    head = file.read(HEAD)
    file.seek(0)
    return _reader(head)(file, size)


def _reader(head: bytes) -> Callable[[BufferedReader, int], Contents]:
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return zip_container.contents
    if head[8:9] == b"{":
        return safetensors_container.contents
    if head.startswith(b"\x80"):
        return legacy_container.contents
    raise _foreign(head)


def _foreign(head: bytes) -> Refusal:
    """Return what is said of a file that holds no weights."""
    if not head:
        return Refusal("is empty")
    start = head.lstrip().lower()
    for magic, reason, hint in _FOREIGN:
        if start.startswith(magic):
            return Refusal(reason, hint=hint)
    if head[257:262] == b"ustar":
        return Refusal(
            "is a tar file, as torch wrote before 0.2",
            hint="load and save it again with that version",
        )
    # The first field of its message is a version, the second a text.
    if head[:1] == b"\x08" and head[2:3] == b"\x12":
        return Refusal(
            "looks like an ONNX program, not weights",
            hint="give the PyTorch checkpoint that it was exported from",
        )
    return Refusal("is neither a safetensors nor a torch file", hint=AGAIN)
