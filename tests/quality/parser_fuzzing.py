"""Mutated files for every parser of the project, each in a process that is watched.

`python tests/quality/parser_fuzzing.py --minutes 30` writes what failed, and the files
that did it, into a folder. The minutes are those of a processor, shared by the parsers.
"""

import argparse
import json
import os
import re
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fuzzed_parsers import PARSERS, Parser, mutants
from w2s_cli.errors import W2SError

SECONDS = 10  # of a processor that a file may take; a minute by the clock
MEMORY = 1 << 30  # bytes beyond those of the program, or four times the file
READ = "read"
REFUSED = "refused: "
"""What an outcome starts with that is right."""


def outcome_of(parser: Parser, path: Path) -> str:
    """Return "read", "refused: " with the reason, or what went wrong."""

    def stop(number: int, frame: Any) -> None:
        raise TimeoutError

    timers = {signal.SIGALRM: signal.ITIMER_REAL, signal.SIGPROF: signal.ITIMER_PROF}
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = used + max(MEMORY, 4 * path.stat().st_size)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    for number, timer in timers.items():
        signal.signal(number, stop)
        signal.setitimer(timer, SECONDS * (1 if timer == signal.ITIMER_PROF else 6))
    begun = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser.read(path)
        found = READ
    except W2SError as error:
        causes = [*_causes(error)]
        found = f"{REFUSED}{error}"
        if any(isinstance(one, MemoryError | TimeoutError) for one in causes):
            found = "".join(traceback.format_exception(error))
    except OSError as error:
        found = f"{REFUSED}{error}"
        if isinstance(error, TimeoutError) or not error.filename:
            found = "".join(traceback.format_exception(error))
    except BaseException as error:
        found = "".join(traceback.format_exception(error))
    finally:
        for timer in timers.values():
            signal.setitimer(timer, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    if (taken := time.process_time() - begun) > SECONDS:  # and nobody was told
        return f"it took {taken:.0f} s: {found}"
    return found


def _causes(error: BaseException) -> Any:
    while error := error.__cause__ or error.__context__:  # type: ignore[assignment]
        yield error


def is_fault(outcome: str) -> bool:
    """Return whether a file was neither read nor refused in the program's words."""
    return outcome != READ and not outcome.startswith(REFUSED)


def fuzz(name: str, seed: int, seconds: float, kept: Path) -> None:
    """Read mutants of one parser, and keep those that fail, once for each place."""
    parser = PARSERS[name]
    begun = time.process_time()
    counts, reasons, faults = Counter[str](), Counter[str](), Counter[str]()
    # The file in hand stays where the process is killed by it
    with TemporaryDirectory(dir=kept, prefix=f"{name}-{seed}-") as folder:
        path = Path(folder) / f"x{parser.suffix}"
        for number, content in enumerate(mutants(parser, seed)):
            if time.process_time() > begun + seconds:
                break
            path.write_bytes(content)
            outcome = outcome_of(parser, path)
            if not is_fault(outcome):
                counts[outcome.partition(":")[0]] += 1
                reasons[_kind(outcome)] += 1
                continue
            place = _kind("".join(outcome.splitlines()[-4:]))
            faults[place] += 1
            if faults[place] == 1:
                case = kept / f"{name}-{seed}-{number}"
                case.with_suffix(parser.suffix).write_bytes(content)
                case.with_suffix(".txt").write_text(outcome, errors="replace")
    said = {"files": number, **counts, "reasons": len(reasons), "faults": faults}
    (kept / f"{name}-{seed}.json").write_text(json.dumps(said))
    told = "".join(f"{count} {reason}\n" for reason, count in reasons.most_common())
    (kept / f"{name}-{seed}.reasons").write_text(told, errors="replace")


def _kind(text: str) -> str:
    """Return a message without what differs from file to file."""
    return re.sub(r"'.*'|\".*\"|\S*/\S+|\d+", "_", text)[:200]


def run(names: list[str], seed: int, seconds: float, kept: Path) -> dict[str, Any]:
    """Return how many files each parser read and refused, and what failed how often."""
    kept.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in names:
        share = seconds / len(names)
        process = get_context("spawn").Process(
            target=fuzz, args=(name, seed, share, kept)
        )
        process.start()
        process.join(20 * share + 600)
        if process.is_alive():
            process.kill()
            process.join()
        told = kept / f"{name}-{seed}.json"
        crashed = {"faults": {f"the process ended: {process.exitcode}": 1}}
        found[name] = json.loads(told.read_text()) if told.exists() else crashed
        print(name, json.dumps(found[name]), flush=True)
    return found


def main() -> int:
    """Run from the command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--seed", type=int, default=int(time.time()))
    asked.add_argument("--only", nargs="*", default=[*PARSERS])
    asked.add_argument("--folder", type=Path, default=Path("fuzzing"))
    given = asked.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    found = run(given.only, given.seed, given.minutes * 60, given.folder)
    return any(one["faults"] for one in found.values())


if __name__ == "__main__":
    sys.exit(main())
