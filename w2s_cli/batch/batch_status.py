"""What has become of a batch, by the journals of its runs."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from w2s_cli.batch.journal import REFUSED, Event, journals
from w2s_cli.errors import NothingMatchedError
from w2s_cli.io.atomic_files import lives
from w2s_cli.io.fingerprints import size_of
from w2s_cli.io.formats import is_zarr

_ENDS = ("done", "kept", "failed")


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """The files of a batch: what is done, what is not, and why."""

    folder: Path
    runs: int
    done: int
    failed: tuple[Event, ...]  # each with source, target, error, hint, exit_code
    missing: tuple[Event, ...]  # each with source, target, why
    gone: tuple[Event, ...]  # not done, but a later run did not have the input either
    running: int  # processes that are at work
    doubts: tuple[str, ...]  # why there may be more that is missing

    @property
    def complete(self) -> bool:
        """Return whether all is done."""
        return not (self.failed or self.missing or self.doubts)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "schema": 1,
            "folder": str(self.folder),
            "complete": self.complete,
            "runs": self.runs,
            "running": self.running,
            "done": self.done,
            "failed": [*self.failed],
            "missing": [*self.missing],
            "gone": [*self.gone],
            "doubts": [*self.doubts],
        }


def batch_status(folder: Path) -> BatchStatus:
    """Return what became of the files that the runs into a folder were given."""
    runs = journals(folder)
    if not runs:
        raise NothingMatchedError(
            f"{folder} has no journal of a batch",
            hint="w2s restore writes one where its output is a folder",
        )
    heads = [events[0] for events in runs]
    at_work = {at for at, events in enumerate(runs) if _at_work(events)}
    newest = {head["shard"]: at for at, head in enumerate(heads)}
    done = 0
    states: dict[str, list[Event]] = {"failed": [], "missing": [], "gone": []}
    for at, plan, end in _files(runs):
        failed = end.get("event") == "failed"
        why = _why_missing(folder / plan["target"], end, running=at in at_work)
        later = max(newest.get(shard, -1) for shard in ("1/1", heads[at]["shard"]))
        source = Path(heads[at].get("cwd", ""), plan["source"])
        if not failed and not why:
            done += 1
        elif later > at and not os.path.exists(source):  # noqa: PTH110 - or False
            states["gone"].append(_facts(plan, {}))
        else:
            more = end if failed else {"why": why}
            states["failed" if failed else "missing"].append(_facts(plan, more))
    return BatchStatus(
        folder,
        len(runs),
        done,
        **{name: tuple(found) for name, found in states.items()},
        running=len(at_work),
        doubts=tuple(_doubts(heads)),
    )


def _files(runs: Sequence[Sequence[Event]]) -> Iterator[tuple[int, Event, Event]]:
    """Yield of each file the run that planned it last, the plan, and its end or {}."""
    plans: dict[str, tuple[int, Event]] = {}
    ends: dict[str, Event] = {}
    for at, events in enumerate(runs):
        for event in events:
            name, target = event["event"], event.get("target", "")
            if name == "planned":
                plans[target] = at, event
            elif name in _ENDS:
                ends[target] = event
            elif name == REFUSED:
                ends.setdefault(target, {**event, "event": "failed"})
    for target, (at, plan) in plans.items():
        yield at, plan, ends.get(target, {})


def _facts(plan: Event, more: Event) -> Event:
    keys = ("why", "error", "hint", "exit_code")
    said = {key: more[key] for key in keys if key in more}
    return {"source": plan["source"], "target": plan["target"], **said}


def _why_missing(target: Path, end: Event, *, running: bool) -> str:
    """Return why an output is not there; "" where it is."""
    if not end:
        return f"not done {'yet: the run goes on' if running else 'when the run ended'}"
    if not os.path.isfile(target) and not is_zarr(target):  # noqa: PTH113 - or False
        return "done, but the output is there no longer"
    found, size = size_of(target), end.get("bytes")
    if size is not None and found != size:
        return f"done, but the output has {found} bytes instead of {size} since"
    return ""


def _at_work(events: Sequence[Event]) -> bool:
    head = events[0]
    if events[-1]["event"] == "end" or head.get("host") != platform.node():
        return False
    return isinstance(head.get("process"), int) and lives(head["process"])


def _doubts(heads: Sequence[Event]) -> Iterator[str]:
    """Say which shards have not run, and which were of another list."""
    whole = [at for at, head in enumerate(heads) if head["shard"] == "1/1"]
    since = heads[whole[-1] + 1 :] if whole else heads
    latest: dict[str, Event] = {head["shard"]: head for head in since}
    for of in dict.fromkeys(shard.partition("/")[2] for shard in latest):
        run = {
            shard: head for shard, head in latest.items() if shard.endswith(f"/{of}")
        }
        lacking = int(of) - len(run)
        if lacking and not whole:
            every = (f"{number}/{of}" for number in range(1, int(of) + 1))
            first = [*islice((one for one in every if one not in run), 3)]
            rest = f" and {lacking - len(first)} more" if lacking > len(first) else ""
            yield f"shards that have not run: {', '.join(first)}{rest}"
        if len({head.get("list") for head in run.values()}) > 1:
            yield (
                f"the {of} shards were not given the same files: run once more with "
                "--resume and without --shard"
            )
