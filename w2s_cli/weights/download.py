"""Files over HTTP that go on where they stopped."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from requests import exceptions
from urllib3.exceptions import MaxRetryError
from urllib3.util.retry import Retry

from w2s_cli.errors import OutputError, WeightsError

BRING = (
    "bring the file and give its folder with --from, or name another host with --mirror"
)
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # states that a server recovers from


class NotThereError(WeightsError):
    """A server that does not have the file."""


class BrokenOffError(Exception):
    """A transfer that may succeed when it is tried again, or started over."""

    def __init__(self, message: str, *, start_over: bool = False) -> None:
        super().__init__(message)
        self.start_over = start_over


def _check(response: requests.Response, *, verified: bool) -> None:
    """Tell success from what passes, and from what stays as it is."""
    status = response.status_code
    answer = f"it answers {status} {response.reason}"
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise BrokenOffError(answer, start_over=True)
    if status in _PASSING:
        raise BrokenOffError(answer)
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise NotThereError(f"{response.url} is not there: {answer}", hint=BRING)
    if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        raise WeightsError(f"cannot fetch {response.url}: {answer}", hint=BRING)
    page = response.headers.get("Content-Type", "").startswith("text/html")
    if page and not verified:
        raise WeightsError(f"{response.url} is a web page, not the file", hint=BRING)


def _offset(response: requests.Response, length: int) -> int:
    """Return from which byte on an answer goes, when `length` bytes are there."""
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        return 0
    if not response.headers.get("Content-Range", "").startswith(f"bytes {length}-"):
        raise BrokenOffError(
            "it does not continue the file where it was asked to", start_over=True
        )
    return length


def _explained(error: exceptions.RequestException, url: str) -> Exception:
    """Return what a failure of the network means, in a few words."""
    host = urlsplit(url).netloc
    match error:
        case exceptions.SSLError() if "certificate" in str(error).lower():
            reason = f"{host} cannot prove who it is"
        case exceptions.TooManyRedirects():
            reason = "it is sent on in circles"
        case exceptions.ProxyError():
            return BrokenOffError("the proxy does not answer")
        case exceptions.Timeout():
            return BrokenOffError(f"{host} does not answer in time")
        case exceptions.ChunkedEncodingError():
            return BrokenOffError("the connection broke off")
        case exceptions.ConnectionError() if "timed out" in str(error):
            return BrokenOffError(f"{host} does not answer in time")
        case exceptions.ConnectionError():
            return BrokenOffError(f"cannot connect to {host}")
        case _:
            reason = str(error)
    return WeightsError(f"cannot fetch {url}: {reason}", hint=BRING)


Progress = Callable[[int, int], None]  # bytes so far, and of the whole; 0 if unknown

RETRY = Retry(total=5, backoff_factor=0.5, backoff_max=30)
TIMEOUT = (10.0, 60.0)  # seconds: for the connection, and between two packets
CHUNK = 1 << 16
_AGAIN = "fetch it again later: it goes on where it stopped"


class _Session(requests.Session):
    """Requests that do not fall back from an encrypted connection to an open one."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a response sends us, if anywhere."""
        target = super().get_redirect_target(resp)
        if target and resp.url.startswith("https:"):
            address = urljoin(resp.url, target)
            if urlsplit(address).scheme != "https":
                raise WeightsError(
                    f"{resp.url} sends us on to {address}, which is not encrypted",
                    hint=BRING,
                )
        return target


@dataclass(frozen=True)
class Download:
    """Fetch an address into a partial file, and go on with the one that is there."""

    size: int = 0  # bytes that the file must have; 0 when that is not known
    # Whether a hash will show if the parts do not belong together. Otherwise a partial
    # file is continued only if the server says that it still has the same
    verified: bool = False
    progress: Progress | None = None  # is told of every 64 KiB

    def __call__(self, url: str, part: Path) -> None:
        """Bring `part` to its full length."""
        retry, most = RETRY, _length(part)
        with _Session() as session:
            while not (self.verified and self.size and _length(part) == self.size):
                try:
                    self._receive(session, url, part)
                    break
                except BrokenOffError as error:
                    if error.start_over:
                        part.unlink(missing_ok=True)
                    length = _length(part)
                    retry = _next(RETRY if length > most else retry, url, error)
                    most = max(most, length)
                retry.sleep()
        _mark(part).unlink(missing_ok=True)

    def _receive(self, session: requests.Session, url: str, part: Path) -> None:
        """Ask once for what is missing, and write what comes."""
        try:
            with session.get(
                url, headers=self._headers(part), stream=True, timeout=TIMEOUT
            ) as response:
                _check(response, verified=self.verified)
                start = _offset(response, _length(part))
                total = self._total(response, start, part)
                self._write(response, part, start, total)
        except exceptions.RequestException as error:
            raise _explained(error, url) from error

    def _headers(self, part: Path) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}  # or lengths would mean nothing
        mark, length = _mark(part), _length(part)
        if length and mark.is_file():
            headers["If-Range"] = mark.read_text("latin-1")
        if length and (mark.is_file() or self.verified):
            headers["Range"] = f"bytes={length}-"
        return headers

    def _total(self, response: requests.Response, start: int, part: Path) -> int:
        """Return the length of the whole file, once it is sure that it fits."""
        given = response.headers.get("Content-Length", "")
        missing = int(given) if given.isdecimal() else 0
        total = start + missing if missing else 0
        if self.size and total and total != self.size:
            part.unlink(missing_ok=True)
            raise WeightsError(
                f"{response.url} is another file: expected {self.size} bytes, "
                f"found {total}",
                hint=BRING,
            )
        free = shutil.disk_usage(part.parent).free
        if missing > free:
            raise OutputError(
                f"cannot write {part}: {missing:,} bytes are missing, "
                f"and the disk has room for {free:,}",
                hint="make room, or name another folder in W2S_CACHE_DIR",
            )
        return total

    def _write(
        self, response: requests.Response, part: Path, start: int, total: int
    ) -> None:
        if not start:
            version = response.headers.get("ETag", "")
            if not version or version.startswith("W/"):  # a weak one: not equal bytes
                version = response.headers.get("Last-Modified", "")
            part.unlink(missing_ok=True)  # before its mark is that of another version
            _mark(part).unlink(missing_ok=True)
            if version:
                _mark(part).write_text(version, "latin-1")
        length = start
        with part.open("ab" if start else "wb") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                length += len(chunk)
                if self.size and length > self.size:
                    raise WeightsError(
                        f"{response.url} is another file: expected {self.size} bytes, "
                        "and it goes on",
                        hint=BRING,
                    )
                if self.progress:
                    self.progress(length, total or self.size)
        if length < (total or self.size):  # a server may not say how long it is
            raise BrokenOffError("the connection broke off")


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _mark(part: Path) -> Path:
    """Return where it is noted which version of a file `part` is the start of."""
    return part.with_name(part.name + ".version")


def _next(retry: Retry, url: str, error: BrokenOffError) -> Retry:
    """Return the budget less one try; it grows patient."""
    try:
        return retry.increment("GET", url, error=error)
    except MaxRetryError:
        raise WeightsError(
            f"cannot fetch {url}: {error} (tried {RETRY.total} times more)",
            hint=f"{_AGAIN}; or {BRING}",
        ) from error
