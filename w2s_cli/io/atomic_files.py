"""Files that appear whole or not at all, and are never done by two at a time."""

import atexit
import errno
import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE, S_ISREG, S_IWUSR
from uuid import uuid4

from w2s_cli.errors import BusyError, DiskFullError, ExistsError, OutputError, disk_full
from w2s_cli.interruptions import Stopped

_PATIENCE = 0.2  # seconds: while another run looks whether a lock is still held
_NO_REPLACE = 1  # of Linux: RENAME_NOREPLACE
_ATTEMPTS = 10  # to remove a folder, into which a thread may be writing

# How to remove what this process has made for a while, by process and path. It is noted
# before it is made, and forgotten when it is gone: an interruption may come between two
# lines of Python, also between those that begin and end a `with` block.
_OWN: dict[tuple[int, Path], Callable[[], None]] = {}


@atexit.register
def remove_own() -> None:
    """Remove what interruptions have left of this process.

    A library's threads may write into a folder a moment longer: then once more.
    """
    for again in (True, False):
        for (process, _), remove in [*_OWN.items()]:
            if process == os.getpid():
                remove()
        if not (again and Stopped.heard and _OWN):
            break
        time.sleep(_PATIENCE)


@contextmanager
def claimed(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep other processes from working on `path` at the same time.

    The claim is a lock on a hidden file beside it, which ends with the process. A file
    system without locks goes without: there `replacing` alone keeps what is there.

    Raises
    ------
    BusyError
        When another process has claimed it, unless it is waited for.
    """
    digest = sha256(path.name.encode(errors="surrogateescape")).hexdigest()[:16]
    release = _try_lock(
        path.with_name(f".w2s-{digest}.lock"), -1 if wait else _PATIENCE
    )
    if release is None:
        raise BusyError(
            f"{path} is being written by another process",
            hint="wait for it, or name another folder with -o",
        )
    try:
        yield
    finally:
        release()


def _try_lock(path: Path, patience: float = _PATIENCE) -> Callable[[], None] | None:
    """Return what releases the lock that a file now is, None where another has it."""
    from filelock import FileLock, Timeout

    lock, key = FileLock(path, timeout=patience, mode=0o666), (os.getpid(), path)

    def release() -> None:
        with suppress(OSError, Timeout):
            lock.acquire(timeout=0)  # once more, where it is held
            path.unlink()  # while it is locked: who waits for it makes a new one
        lock.release(force=True)
        _OWN.pop(key, None)

    _OWN[key] = release
    try:
        lock.acquire(poll_interval=_PATIENCE / 4)
    except (Timeout, OSError) as error:
        del _OWN[key]
        # No locks here, or nothing can be written, which shows later
        return None if isinstance(error, Timeout) else lambda: None
    return release


@contextmanager
def replacing(
    path: Path, *, overwrite: bool = True, folder: bool = False
) -> Iterator[Path]:
    """Yield an empty file beside `path` that takes its place when the block succeeds.

    With `folder` it is an empty folder. A file that is replaced hands on its
    permissions and its group. Without `overwrite` one that is there by then stays, and
    an OutputError is raised. An OSError of the block, such as that of a full disk,
    becomes an OutputError.
    """
    temporary, remove = _own_name(path.parent)
    try:
        old = path.lstat() if overwrite and path.is_file() and not folder else None
        mode = S_IMODE(old.st_mode) if old and S_ISREG(old.st_mode) else 0o666
        if folder:
            temporary.mkdir()
        else:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL, mode | S_IWUSR))
        yield temporary
        if old and S_ISREG(old.st_mode):
            _hand_on(old, temporary)
        if folder:
            _put_folder(temporary, path, overwrite=overwrite)
        elif overwrite:
            temporary.replace(path)
        else:
            _put_exclusively(temporary, path)
    except (OSError, RuntimeError) as error:
        # NumPy and torch do not say that the disk is full: to write more does.
        full = error if isinstance(error, OSError) and error.errno else None
        full = full or _write_more(temporary)
        if full and disk_full(full):
            raise DiskFullError(
                f"cannot write {path}: {disk_full(full)}",
                hint="make room, and run it again",
            ) from error
        if not isinstance(error, OSError):
            raise
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}",
            hint="check the free space and the permissions of its folder",
        ) from error
    finally:
        remove()


@contextmanager
def temporary_folder(place: Path) -> Iterator[Path]:
    """Yield an empty folder in a place, which goes with the block."""
    folder, remove = _own_name(place)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        remove()


def _own_name(folder: Path) -> tuple[Path, Callable[[], None]]:
    """Return a new name in a folder, and what removes all that will have it."""
    remove_strays(folder)
    key = os.getpid(), folder / f"{own_prefix()}.tmp"
    _OWN[key] = partial(_remove, *key)
    return key[1], _OWN[key]


def _remove(process: int, temporary: Path) -> None:
    for _ in range(_ATTEMPTS):
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if not temporary.exists():
            break
        time.sleep(_PATIENCE / 4)
    if not Stopped.heard:  # else threads may write into it still: once more at the end
        _OWN.pop((process, temporary), None)


def _hand_on(old: os.stat_result, temporary: Path) -> None:
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(temporary, -1, old.st_gid)
    temporary.chmod(S_IMODE(old.st_mode))


def _put_exclusively(temporary: Path, path: Path) -> None:
    """Rename a file, unless there is one of the new name."""
    try:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            _rename_exclusively(temporary, path)
    except FileExistsError:
        raise _appeared(path) from None


def _rename_exclusively(temporary: Path, path: Path) -> None:
    """Rename a file, in one step where the system can; FileExistsError as it says."""
    if os.name == "nt":
        temporary.rename(path)
        return
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = [ctypes.c_char_p(os.fsencode(one.absolute())) for one in (temporary, path)]
    if rename and rename(0, names[0], 0, names[1], _NO_REPLACE) == 0:
        return
    if rename and ctypes.get_errno() == errno.EEXIST:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    temporary.replace(path)


def _put_folder(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Rename a folder; what it replaces is moved aside first, and then removed."""
    aside = path.parent / f"{own_prefix()}.old"
    key = os.getpid(), aside

    def settle() -> None:
        _put_back(aside)
        _OWN.pop(key, None)

    _OWN[key] = settle
    try:
        if overwrite and os.path.lexists(path):
            aside.mkdir()
            path.rename(aside / path.name)
        temporary.rename(path)
    except OSError as error:
        if path.exists() and not overwrite:
            raise _appeared(path) from error
        raise
    finally:
        settle()


def _put_back(aside: Path) -> None:
    """Put what was moved into a folder back where nothing is in its place by now."""
    spare = aside.with_suffix(".tmp")  # a stray, if this is killed while it goes
    with suppress(OSError):
        for old in [*aside.iterdir()]:
            if not os.path.lexists(place := aside.parent / old.name):
                old.rename(place)
        aside.rename(spare)
    shutil.rmtree(spare, ignore_errors=True)


def _appeared(path: Path) -> ExistsError:
    return ExistsError(
        f"{path} exists: it appeared in the meantime, and stays as it is",
        hint="replace it with --overwrite, or name another",
    )


def _write_more(temporary: Path) -> OSError | None:
    """Return why nothing more can be written to a file, or into a folder."""
    temporary = temporary / "more" if temporary.is_dir() else temporary
    try:
        with temporary.open("ab") as file:
            file.write(bytes(1 << 22))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


_RUN = uuid4().hex[:8]
_NAME = re.compile(
    r"\.w2s-(?P<host>.+)-(?P<process>\d+)-(?P<run>[0-9a-f]{8})-[\w-]+\.(tmp|old)"
)
_ABANDONED = 7 * 24 * 3600  # seconds; on another host one cannot tell any sooner


def own_prefix() -> str:
    """Return the start of a new name, which tells its host and process."""
    return f".w2s-{_host()}-{os.getpid()}-{_RUN}-{uuid4().hex[:8]}"


@cache
def remove_strays(folder: Path) -> None:
    """Remove, once a run, what processes that were killed have left in a folder.

    What they had moved aside, and had put nothing in the place of, is put back.
    """
    with suppress(OSError):
        for path in [*folder.glob(".w2s-*.old")]:
            if _is_abandoned(path):
                _put_back(path)
        for path in [*folder.glob(".w2s-*.tmp")]:
            if _is_abandoned(path):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
        for path in [*folder.glob(".w2s-*.lock")]:
            if release := _try_lock(path):
                release()


def _is_abandoned(path: Path) -> bool:
    name = _NAME.fullmatch(path.name)
    if name and name["host"] == _host() and os.name == "posix":
        process = int(name["process"])
        return not lives(process) or (process == os.getpid() and name["run"] != _RUN)
    return time.time() - path.lstat().st_mtime > _ABANDONED


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", platform.node())[:64]


def lives(process: int) -> bool:
    """Find out whether a process of this host runs; a zombie does not."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    with suppress(OSError):
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b") ")[2]
        return not state.startswith((b"Z", b"X"))
    return True
