"""Do what is missing: an output is kept if it says that it is the very result."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from w2s_cli import __version__
from w2s_cli.batch.journal import FOLDER
from w2s_cli.errors import OutputError
from w2s_cli.io import open_image
from w2s_cli.io.atomic_files import claimed, remove_strays, replacing
from w2s_cli.io.fingerprints import (
    KEY,
    Identity,
    fingerprint,
    hash_of,
    identity,
    input_hash,
    is_whole,
)
from w2s_cli.io.formats import format_for
from w2s_cli.io.targets import check_target, make_folder
from w2s_cli.pipeline.file_restoration import FileReport, Spread, restore_file
from w2s_cli.pipeline.request import INPUT, REQUEST, request
from w2s_cli.pipeline.restoration import RestoreProgress
from w2s_cli.pipeline.shared_fitting import FittedMethods
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.pipeline.uncertainty import check_map
from w2s_cli.restorers.chain import Chain

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A file whose result was there already."""

    source: Path
    target: Path

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "status": "kept",
            "source": str(self.source),
            "target": str(self.target),
        }


def restore_missing(
    spec: RestoreSpec,
    chain: Chain,
    source: Path,
    target: Path,
    *,
    folder: Path | None = None,
    fitted: FittedMethods | None = None,
    progress: RestoreProgress | None = None,
    wait: bool = False,
    spread: Spread | None = None,
) -> FileReport | Kept:
    """Restore a file, unless its output is there and is the very result.

    What is there otherwise is replaced. Raises BusyError where another process has the
    file in hand, unless it is waited for.
    """
    remove_strays(target.parent)
    if folder:
        remove_strays(_place_of_note(target, folder).parent)
    found = _identity(target)
    why = why_redone(spec, chain, source, target, folder)
    if not why:
        return Kept(source, target)
    if folder and not target.parent.is_dir():
        with spec.opened(source):  # a file that cannot be read makes no folder
            make_folder(target.parent)
    anew = replace(spec, overwrite=True)
    check_target(target, overwrite=True)
    with claimed(target, wait=wait):
        now = _identity(target)
        if now != found:  # another process was faster
            why = why_redone(spec, chain, source, target, folder)
            if not why:
                return Kept(source, target)
        report = restore_file(
            *(anew, chain, source, target),
            fitted=fitted,
            progress=progress,
            spread=spread,
        )
        note_record(report, folder)
        return replace(report, redone=why if found else "")


def why_redone(
    spec: RestoreSpec,
    chain: Chain,
    source: Path,
    target: Path,
    folder: Path | None = None,
) -> str:
    """Return why an output is not the result that is asked for; "" where it is."""
    if _identity(target) is None:
        return "it is missing"
    form = format_for(target)
    record: Record = {}
    try:
        if form.keeps_record:
            with open_image(target) as stack:
                record = stack.history[-1] if stack.history else {}
        elif folder and (own := _noted(target, folder)):
            record = own if own.get(KEY) == fingerprint(target) else {}
    except Exception as error:  # what is broken can fail in any way
        return f"it cannot be read: {error}"
    if REQUEST not in record or INPUT not in record:
        return "it does not say how it was made"
    if record[REQUEST] != request(spec, chain, source):
        return _difference(spec, record)
    with spec.opened(source) as stack:
        files = stack.extra.get("files", [source])
    if record[INPUT] != input_hash(files):
        return "its input has changed since"
    noted = _noted(target, folder) if folder and not form.sealed else {}
    if form.sealed and not is_whole(target):
        return "it is damaged"
    if KEY in noted and noted[KEY] != fingerprint(target):
        return "it is damaged"
    if spec.save_weights and not spec.train_on and not _are_saved(spec, record):
        return f"the weights that it learned are not in {spec.save_weights}"
    return _why_map_redone(spec, target) if spec.uncertainty else ""


def _why_map_redone(spec: RestoreSpec, target: Path) -> str:
    """Return why the map of standard errors of an output is not whole, or ""."""
    path = check_map(target, spec.error_map)
    if _identity(path) is None:
        return "its map of standard errors is missing"
    damaged = format_for(path).sealed and not is_whole(path)
    return "its map of standard errors is damaged" if damaged else ""


def _are_saved(spec: RestoreSpec, record: Record) -> bool:
    learned = [one.get("weights_sha256") for one in record.get("learned", ())]
    path = spec.save_weights
    return path is not None and path.is_file() and [hash_of(path)] == learned


def note_record(report: FileReport, folder: Path | None) -> None:
    """Keep the record and fingerprint of an output whose format has no fingerprint."""
    target = report.target
    if folder is None or format_for(target).sealed:
        return
    own = {KEY: fingerprint(target), "target": os.path.relpath(target, folder)}
    place = _place_of_note(target, folder)
    with suppress(OutputError):  # without it the file is made anew another time
        make_folder(place.parent)
        with replacing(place) as temporary:
            temporary.write_text(json.dumps({**report.record, **own}), "utf-8")


def _identity(path: Path) -> Identity | None:
    """Return what changes with a file; None where there is none that can be seen."""
    try:
        return identity(path) if path.exists() else None
    except OSError:
        return None


def _noted(target: Path, folder: Path) -> Record:
    try:
        found = json.loads(_place_of_note(target, folder).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _place_of_note(target: Path, folder: Path) -> Path:
    name = os.path.relpath(target, folder)
    return folder / FOLDER / f"{sha256(os.fsencode(name)).hexdigest()[:32]}.json"


def _difference(spec: RestoreSpec, record: Record) -> str:
    """Return in words what was otherwise when an output was made."""
    if (version := record.get("version")) != __version__:
        return f"it was made by version {version}"
    if (method := record.get("method", spec.method)) != spec.method:
        return f"it was made by {method}"
    return "it was made with other options, weights or noise"
