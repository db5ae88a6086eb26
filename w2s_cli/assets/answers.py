"""What the answers of a web server mean for a download."""

from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from requests import exceptions

from w2s_cli.errors import WeightsError

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


def check(response: requests.Response, *, verified: bool) -> None:
    """Tell success from what passes, and from what stays as it is.

    Raises
    ------
    BrokenOffError
        When the server may do better the next time.
    NotThereError
        When it does not have the file.
    WeightsError
        When it refuses, or gives a web page and no hash would show that (`verified`).
    """
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


def offset(response: requests.Response, length: int) -> int:
    """Return from which byte on an answer goes, when `length` bytes are there.

    Raises
    ------
    BrokenOffError
        When it goes on from elsewhere.
    """
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        return 0
    if not response.headers.get("Content-Range", "").startswith(f"bytes {length}-"):
        raise BrokenOffError(
            "it does not continue the file where it was asked to", start_over=True
        )
    return length


def coming(response: requests.Response) -> int:
    """Return how many bytes an answer has; 0 when it does not say."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else 0


def named(error: exceptions.RequestException, url: str) -> Exception:
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
