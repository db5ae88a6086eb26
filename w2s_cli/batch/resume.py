"""Do what is missing: an output is kept if it says that it is the very result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from w2s_cli import __version__
from w2s_cli.io import open_image
from w2s_cli.io.atomic_files import claimed
from w2s_cli.io.fingerprints import KEY, fingerprint, identity, input_hash, is_whole
from w2s_cli.io.formats import format_for
from w2s_cli.io.targets import check_target, make_folder
from w2s_cli.pipeline.file_restoration import FileReport, restore_file
from w2s_cli.pipeline.request import INPUT, REQUEST, request
from w2s_cli.pipeline.restoration import RestoreProgress
from w2s_cli.pipeline.shared_fitting import FittedMethods
from w2s_cli.pipeline.spec import RestoreSpec
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
    known: Record | None = None,
    fitted: FittedMethods | None = None,
    progress: RestoreProgress | None = None,
    into_folder: bool = False,
    wait: bool = False,
) -> FileReport | Kept:
    """Restore a file, unless its output is there and is the very result.

    What is there otherwise is replaced. `known` is what a journal says of the output,
    for formats that hold no record. Raises BusyError where another process has the file
    in hand, unless it is waited for.
    """
    found = identity(target) if target.exists() else None
    why = why_redone(spec, chain, source, target, known)
    if not why:
        return Kept(source, target)
    if into_folder and not target.parent.is_dir():
        with spec.opened(source):  # a file that cannot be read makes no folder
            make_folder(target.parent)
    anew = replace(spec, overwrite=True)
    check_target(target, overwrite=True)
    with claimed(target, wait=wait):
        now = identity(target) if target.exists() else None
        if now != found:  # another process was faster
            why = why_redone(spec, chain, source, target, known)
            if not why:
                return Kept(source, target)
        return replace(
            restore_file(anew, chain, source, target, fitted=fitted, progress=progress),
            redone=why if found else "",
        )


def why_redone(
    spec: RestoreSpec,
    chain: Chain,
    source: Path,
    target: Path,
    known: Record | None = None,
) -> str:
    """Return why an output is not the result that is asked for; "" where it is."""
    if not target.exists():
        return "it is missing"
    form = format_for(target)
    record: Record = {}
    try:
        if form.keeps_record:
            with open_image(target) as stack:
                record = stack.history[-1] if stack.history else {}
        elif known and known.get(KEY) == fingerprint(target):
            record = known
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
    if form.sealed and not is_whole(target):
        return "it is damaged"
    return ""


def _difference(spec: RestoreSpec, record: Record) -> str:
    """Return in words what was otherwise when an output was made."""
    if (version := record.get("version")) != __version__:
        return f"it was made by version {version}"
    if (method := record.get("method", spec.method)) != spec.method:
        return f"it was made by {method}"
    return "it was made with other options, weights or noise"
