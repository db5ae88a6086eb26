"""Published files by name: from the cache, or fetched into it and checked."""

import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pooch

from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.weights.cache import (
    cache_folder,
    local_copy,
    locked,
    record,
    record_of,
    status,
)
from w2s_cli.weights.catalogue import Item, find
from w2s_cli.weights.download import Download, NotThereError, Progress

OFFLINE = "W2S_OFFLINE"
_NOT_IT = (b"<!doctype", b"<html", b"<?xml", b"version https://git-lfs")


def path_of(
    name: str,
    *,
    folder: Path | None = None,
    mirror: str = "",
    progress: Progress | None = None,
) -> Path:
    """Return the path of a published file, and fetch it before if need be.

    A file in the cache with another hash than it must have is fetched anew.

    Parameters
    ----------
    name
        As the catalogue has it.
    folder
        Where to take the file from instead of the network.
    mirror
        An address that holds the files, as NAME.SUFFIX or under the path that they have
        on their publisher's host.
    progress
        Is told how many bytes of a download are there, and of how many.

    Raises
    ------
    UnknownNameError
        When the catalogue has no such name.
    UsageError
        When `folder` is none, or `mirror` no address.
    WeightsError
        When the file cannot be had, or is not what it must be.
    OutputError
        When the cache cannot be written.
    """
    item = find(name)
    if _is_whole(item):
        return status(item).path
    path = cache_folder() / item.file
    with locked(path):
        if path.is_file() and not status(item).sha256:
            record(path, pooch.file_hash(path))  # somebody has put it there
        elif not _is_whole(item):
            _fetch(item, folder, mirror, progress)
    return path


def weights_of(name: str, progress: Progress | None = None) -> Path:
    """Return the path of the weights of a published network, fetched if need be.

    Raises
    ------
    WeightsError
        When they are not in the cache and cannot be had.
    """
    try:
        return path_of(name, progress=progress)
    except WeightsError as error:
        raise WeightsError(
            f"{name} needs its weights: {error}",
            hint=f"w2s fetch {name}, or w2s fetch {name} --from FOLDER "
            "where there is no connection",
        ) from error


def _is_whole(item: Item) -> bool:
    known = status(item)
    if not (known.cached and known.sha256):
        return False
    return bool(pooch.file_hash(known.path) == known.sha256)


def _fetch(
    item: Item, folder: Path | None, mirror: str, progress: Progress | None
) -> None:
    """Put a file into the cache, from where the user wants it to come."""
    known = status(item)
    if folder is not None:
        source = local_copy(item, folder, known.sha256)
        part = known.path.with_name(f"{known.path.name}.copy")
        try:
            _deliver(_Delivery(part, _copying(source), known.sha256), str(source), item)
        finally:
            part.unlink(missing_ok=True)
        return
    addresses = _addresses(item, mirror)
    _check_online(item)
    part = known.path.with_name(f"{known.path.name}.part")
    download = Download(item.size, bool(known.sha256), progress)
    for address in addresses:
        try:
            _deliver(_Delivery(part, download, known.sha256), address, item)
        except NotThereError:
            if address == addresses[-1]:
                raise
        else:
            return


def _addresses(item: Item, mirror: str) -> list[str]:
    """Return where a file may be, the likeliest first."""
    if not mirror:
        return [item.url]
    if not re.match(r"https?://.", mirror):
        raise UsageError(
            f"--mirror {mirror} is no address",
            hint="it starts with https:// or http://",
        )
    base = mirror.rstrip("/")
    return [f"{base}/{item.file}", f"{base}/{quote(item.path)}"]


def _check_online(item: Item) -> None:
    if os.environ.get(OFFLINE, "0") not in {"", "0"}:
        raise WeightsError(
            f"{item.name} is not in {cache_folder()}, and {OFFLINE} is set",
            hint=f"get {item.url} elsewhere, and bring it: "
            f"w2s fetch {item.name} --from FOLDER",
        )


def _copying(source: Path) -> Callable[[str, Path], None]:
    def bring(_: str, target: Path) -> None:
        shutil.copyfile(source, target)

    return bring


@dataclass
class _Delivery:
    """What pooch calls to get a file; it remembers what came.

    Attributes
    ----------
    part
        Where the file grows; it stays when it is interrupted.
    bring
        Makes it whole, from an address.
    known
        The hash that it must have; "" when that is not known.
    found
        The hash that it has.
    """

    part: Path
    bring: Callable[[str, Path], None]
    known: str
    found: str = ""

    def __call__(self, url: str, output_file: str, _: object) -> None:
        """Bring a file to where pooch checks it."""
        self.bring(url, self.part)
        if not self.known:
            _refuse_page(self.part, url)
        self.found = pooch.file_hash(self.part)
        self.part.replace(output_file)


def _deliver(delivery: _Delivery, url: str, item: Item) -> None:
    """Put a file into the cache if its hash is right; note the hash of a new one."""
    path = status(item).path
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        pooch.retrieve(
            url, delivery.known or None, path.name, path.parent, downloader=delivery
        )
    except ValueError as error:
        if delivery.found in {"", delivery.known}:
            raise
        # pooch has deleted the file
        hint = "the way damaged it, or it was replaced: fetch it again"
        if record_of(path).is_file():
            hint += f"; if it was replaced for good, delete {record_of(path)} first"
        raise WeightsError(
            f"{url} is not {item.name} and was deleted: "
            f"expected sha256 {delivery.known}, found {delivery.found}",
            hint=hint,
        ) from error
    if not delivery.known:
        record(path, delivery.found)


def _refuse_page(path: Path, url: str) -> None:
    with path.open("rb") as file:
        head = file.read(64).lstrip().lower()
    if head.startswith(_NOT_IT):
        path.unlink()
        raise WeightsError(
            f"{url} is a web page or a pointer, not the file",
            hint="bring the file itself, and give its folder with --from",
        )
