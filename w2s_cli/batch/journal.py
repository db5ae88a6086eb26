"""The journal of a run: a hidden file in the folder of the outputs, a line an event.

Each process writes one of its own, `.w2s/TIME-PROCESS-....jsonl`: first what is to be
done, then of each file what became of it. Lines are written whole, one at a time.
"""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from w2s_cli import __version__
from w2s_cli.batch.jobs import Done, Failure, FilePair, Report, Reports
from w2s_cli.batch.naming import Shard
from w2s_cli.errors import BusyError, ExistsError
from w2s_cli.io.fingerprints import size_of
from w2s_cli.io.text_files import strict_json
from w2s_cli.pipeline.request import INPUT, REQUEST
from w2s_cli.pipeline.uncertainty import map_of

FOLDER = ".w2s"
SCHEMA = 1
REFUSED = "refused"  # an event: not done because the output is there, or about to be
_BEING_THERE = (BusyError, ExistsError)
_CHUNK = 10_000  # lines that are written at once
_ASKED = {
    "error_map",
    "event",
    "source",
    "target",
    "bytes",
    "error",
    "hint",
    "exit_code",
}
_REPEATED = ("record", "channels")  # keys of a report that the output has as well

Event = Mapping[str, Any]


@dataclass
class Journal:
    """The journal of this process in a folder of outputs.

    Nothing is written before there is such a folder, which the first output makes.
    Where it cannot be written, the work goes on, and `trouble` says why.
    """

    folder: Path
    trouble: str = ""
    _lines: list[str] = field(default_factory=list)
    _file: int | None = None

    def begin(
        self, every: Sequence[FilePair], own: Sequence[FilePair], shard: Shard
    ) -> None:
        """Write what is to be done: of `every` file the `own` ones."""
        listed = "\n".join(sorted(self._name(target) for _, target in every))
        self._add(
            event="run",
            schema=SCHEMA,
            version=__version__,
            started=time.time(),
            host=platform.node(),
            process=os.getpid(),
            cwd=str(Path.cwd()),
            shard=str(shard),
            files=len(every),
            list=sha256(os.fsencode(listed)).hexdigest(),
        )
        for source, target in own:
            self._add(event="planned", source=str(source), target=self._name(target))
        self._flush()

    def write(self, report: Report) -> None:
        """Write what became of a file."""
        said = report.as_json()
        target = Path(said.pop("target", ""))
        facts = {key: it for key, it in said.items() if key not in _REPEATED}
        if not isinstance(report, Failure) and target.exists():
            facts["bytes"] = size_of(target)
        record = said.get("record")
        if record:
            facts |= {key: record[key] for key in (INPUT, REQUEST) if key in record}
        status = facts.pop("status")
        if isinstance(report, Failure) and isinstance(report.error, _BEING_THERE):
            status = REFUSED
        self._add(event=status, target=self._name(target), **facts)
        self._flush()

    def end(self) -> None:
        """Write that the run has ended in good order."""
        self._add(event="end", ended=time.time())
        self._flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _add(self, **event: Any) -> None:
        self._lines.append(json.dumps(event) + "\n")

    def _name(self, target: Path) -> str:
        """Return the name of an output in the folder, which may be moved."""
        return os.path.relpath(target, self.folder)

    def _flush(self) -> None:
        if self.trouble or not self.folder.is_dir():
            return
        try:
            if self._file is None:
                self._file = self._opened()
            for start in range(0, len(self._lines), _CHUNK):
                lines = "".join(self._lines[start : start + _CHUNK]).encode()
                while lines:
                    lines = lines[os.write(self._file, lines) :]
        except OSError as error:
            self.trouble = f"{self.folder / FOLDER}: {error.strerror or error}"
        self._lines = []

    def _opened(self) -> int:
        place = self.folder / FOLDER
        place.mkdir(exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        name = f"{stamp}-{os.getpid()}-{uuid4().hex[:8]}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        return os.open(place / name, flags, 0o666)


def journaled(found: Reports[Done], journal: Journal) -> Reports[Done]:
    """Write each report to a journal, then yield it."""
    try:
        report = next(found)
        while True:
            interrupt = None
            try:
                journal.write(report)
            except KeyboardInterrupt as error:
                interrupt = error
            try:
                yield report
                if interrupt:
                    raise interrupt
            except KeyboardInterrupt as error:  # thrown in from outside, too
                report = found.throw(error)
            else:
                report = next(found)
    except StopIteration:
        return
    finally:
        journal.end()


def journals(folder: Path) -> list[list[Event]]:
    """Return the events in each journal of a folder of outputs, the oldest first.

    A line that a killed run has left half, or another program has written, is no event.
    """
    found = [[*_events(path)] for path in (folder / FOLDER).glob("*.jsonl")]
    whole = [events for events in found if events and events[0]["event"] == "run"]
    return sorted(whole, key=lambda events: float(events[0]["started"]))


_NEEDED = {
    "run": ("started", "shard"),
    "planned": ("source", "target"),
    "failed": ("target", "error"),
    **dict.fromkeys(("done", "kept"), ("target",)),
    **dict.fromkeys((REFUSED, "not begun"), ("target", "error")),
    "end": (),
}
_NUMBERS = {"started": (int, float), "process": (int,), "bytes": (int,)}
_TEXTS = ("source", "target", "cwd", "host", "shard", "list", "error", "hint")


def _events(path: Path) -> Iterator[Event]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                event = strict_json(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict) and _is_event(event):
                # Of a million files, what nobody asks for would fill the memory.
                head = event.get("event") == "run"
                yield event if head else {k: v for k, v in event.items() if k in _ASKED}


def _is_event(facts: Event) -> bool:
    """Find out whether a line is one of those that are written here."""
    needed = _NEEDED.get(str(facts.get("event")))
    return (
        needed is not None
        and {*needed} <= facts.keys()
        and all(isinstance(facts.get(key, ""), str) for key in _TEXTS)
        and all(isinstance(facts.get(key, 0), kind) for key, kind in _NUMBERS.items())
        and Shard.is_one(facts.get("shard", "1/1"))
        and "\0" not in "".join(facts.get(key, "") for key in _TEXTS)
    )


def written(folder: Path) -> set[str]:
    """Return the names of the outputs that the journals in a folder list."""
    done = [
        event
        for events in journals(folder)
        for event in events
        if event["event"] == "done"
    ]
    maps = {str(map_of(Path(one["target"]))) for one in done if one.get("error_map")}
    return {one["target"] for one in done} | maps
