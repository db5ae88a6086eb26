"""The command line, and a host of published files, as unreliable as a test wants it."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result
from urllib3.util.retry import Retry

from w2s_cli.cli import app
from w2s_cli.weights import catalogue, download
from w2s_cli.weights.catalogue import Item


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return no workers for what measures: it needs the machine for itself."""
    return None if config.option.markexpr.startswith("not quality") else 0


def pytest_configure() -> None:
    """Let each worker compute on one core: the others have their own work."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def w2s(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run one command, which ends with `code` where that is given; raise its bugs."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(
        *words: str | Path, stdin: bytes | None = None, code: int | None = None
    ) -> Result:
        given = [str(word) for word in words]
        how: dict[str, Any] = {"catch_exceptions": False, "prog_name": "w2s"}
        result = CliRunner().invoke(app, given, input=stdin, **how)
        assert code in (None, result.exit_code), result.output
        return result

    return run


class Handler(BaseHTTPRequestHandler):
    """Answers one request; a fault of the host may do so instead."""

    def do_GET(self) -> None:
        host: Host = self.server.host  # type: ignore[attr-defined]
        host.asked.append((self.path, self.headers.get("Range")))
        fault = host.faults.pop(0) if host.faults else None
        if fault is None:
            self.serve()
        elif isinstance(fault, int):
            self.send_response(fault)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            fault(self)

    def serve(self, *, most: int | None = None, pause: float = 0) -> None:
        host: Host = self.server.host  # type: ignore[attr-defined]
        content = host.files.get(self.path)
        if content is None:
            self.send_response(404)
            self.end_headers()
            return
        wanted = self.headers.get("Range") if host.ranges else None
        if self.headers.get("If-Range", host.version) != host.version:
            wanted = None
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            whole = len(content)
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        if host.version:
            self.send_header("ETag", host.version)
        for name, value in host.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:][:most]
        for at in range(0, len(body), 1 << 16):
            self.wfile.write(body[at : at + (1 << 16)])
            threading.Event().wait(pause)

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Host:
    """Files by path, and what goes wrong with the next requests.

    A fault is a status to answer with, a function of the handler, or None for none.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Callable[[Handler], None] | int | None] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    version: str = '"v1"'
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def publish(
        self,
        name: str,
        content: bytes,
        *,
        path: str = "",
        known: bool = True,
        sized: bool = True,
    ) -> Item:
        """Put a file on the host, and return what a catalogue would say of it."""
        path = path or f"/repository/{name}/epoch_49.pth"
        self.files[path] = content
        return Item(
            name=name,
            kind="weights",
            title="a test",
            url=self.address + path,
            published_as=Path(path).name,
            licence="MIT",
            citation="nobody",
            sha256=sha256(content).hexdigest() if known else "",
            size=len(content) if sized else 0,
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    host: Host

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients that go away are what is tested."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Host]:
    """Serve on loopback; fetch into a cache of the test's own, with little patience."""
    for variable in ("W2S_OFFLINE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "RETRY", Retry(total=3, backoff_factor=0))
    monkeypatch.setattr(download, "TIMEOUT", (2, 0.3))
    server = _Server(("127.0.0.1", 0), Handler)
    server.host = Host(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.host
    server.shutdown()
    thread.join()
    server.server_close()


Publish = Callable[..., Item]


@pytest.fixture
def publish(host: Host, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Put files on the host and into the catalogue, in place of the real ones."""
    rows: dict[str, Item] = {}
    monkeypatch.setattr(catalogue, "WEIGHTS", rows)
    monkeypatch.setattr(catalogue, "DATASETS", {})

    def published(name: str, content: bytes, **how: Any) -> Item:
        rows[name] = host.publish(name, content, **how)
        return rows[name]

    return published
