"""A process that has the program loaded, and runs it in copies of itself.

So a run takes tenths of a second, and a fault at a random moment meets the work instead
of the imports. Orders and answers are lines of JSON.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

import numpy
import scipy.ndimage
import tifffile

import w2s_cli.batch.workers
import w2s_cli.cli
import w2s_cli.methods.filters
import w2s_cli.pipeline.file_restoration

LOADED = (numpy, scipy.ndimage, tifffile, w2s_cli)


def start(words: list[str], folder: str, log: str, user: int, most: int) -> int:
    """Run the program in a copy: as a user, with files of at most so many bytes."""
    if child := os.fork():
        return child
    code = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        for number in (1, 2):
            os.dup2(said, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        if most:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        if user:
            os.setgid(user)
            os.setuid(user)
        sys.argv = ["w2s", *words]
        w2s_cli.cli.main()
    except SystemExit as end:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # they come too late
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt as early:  # before the program hears signals
        code = 128 + getattr(early, "number", signal.SIGINT)
    finally:
        os._exit(code)


def warm_up(raw: str, *options: str) -> None:
    """Import what is imported late, which another user may not be allowed to read."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SystemExit):
        words = ["restore", raw, "-o", folder, *options]
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
            w2s_cli.cli.app(words, prog_name="w2s")


if __name__ == "__main__":
    warm_up(*sys.argv[1:])
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        else:
            answer = start(**order)
        print(answer, flush=True)
