"""Downloads from a host on loopback that is slow, drops, corrupts, redirects, fails."""

import errno
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from w2s_cli.errors import OutputError, WeightsError
from w2s_cli.weights import cache
from w2s_cli.weights.cache import fetched_path
from w2s_cli.weights.download import _Session

CONTENT = os.urandom(300_000)


def dropping(after: int) -> Callable:
    return lambda handler: handler.serve(most=after)


def test_fetched_once(host, publish) -> None:
    publish("net", CONTENT)
    path = fetched_path("net")
    assert path == cache.cache_folder() / "net.pth"
    assert path.read_bytes() == CONTENT
    assert fetched_path("net") == path
    assert host.asked == [("/repository/net/epoch_49.pth", None)]
    left = {file.name for file in path.parent.iterdir()} - {".net.pth.lock"}
    assert left == {"net.pth"}


def test_everybody_may_read_what_was_fetched(host, publish) -> None:
    publish("net", CONTENT)
    mask = os.umask(0o022)
    try:
        assert fetched_path("net").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(mask)


def test_slow_but_steady(host, publish) -> None:
    publish("net", CONTENT)
    host.faults = [lambda handler: handler.serve(pause=0.05)]
    seen: list[tuple[int, int]] = []
    path = fetched_path("net", progress=lambda done, whole: seen.append((done, whole)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (300_000, 300_000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(host.asked) == 1


@pytest.mark.parametrize("known", [True, False])
def test_dropped_midway_goes_on(host, publish, known: bool) -> None:
    publish("net", CONTENT, known=known)
    host.faults = [dropping(200_000), dropping(70_000)]
    assert fetched_path("net").read_bytes() == CONTENT
    _, *ranges = (wanted for _, wanted in host.asked)
    starts = [int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) for wanted in ranges]
    assert 0 < starts[0] < starts[1] < 300_000


def test_stalled_goes_on(host, publish) -> None:
    publish("net", CONTENT)

    def stall(handler) -> None:
        handler.serve(most=100_000)
        threading.Event().wait(1)

    host.faults = [stall]
    assert fetched_path("net").read_bytes() == CONTENT
    assert host.asked[1][1].startswith("bytes=")


def test_every_drop_that_brings_something_is_forgiven(host, publish) -> None:
    publish("net", CONTENT)
    host.faults = [dropping(70_000) for _ in range(4)]  # more than the tries
    assert fetched_path("net").read_bytes() == CONTENT


def test_drops_that_bring_nothing_are_not(host, publish) -> None:
    publish("net", CONTENT)
    host.faults = [dropping(0) for _ in range(9)]
    with pytest.raises(WeightsError) as caught:
        fetched_path("net")
    assert "the connection broke off (tried 3 times more)" in str(caught.value)
    assert "it goes on where it stopped" in caught.value.hint
    assert len(host.asked) == 4


def test_a_host_without_ranges_starts_over(host, publish) -> None:
    publish("net", CONTENT)
    host.ranges = False
    host.faults = [dropping(200_000)]
    assert fetched_path("net").read_bytes() == CONTENT
    assert host.asked[1][1] is not None


def test_a_host_that_continues_elsewhere_starts_over(host, publish) -> None:
    publish("net", CONTENT)

    def elsewhere(handler) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 7-299999/300000")
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"wrong")

    host.faults = [dropping(200_000), elsewhere]
    assert fetched_path("net").read_bytes() == CONTENT
    assert host.asked[2][1] is None


def test_a_file_replaced_between_two_parts_is_not_mixed(host, publish) -> None:
    item = publish("net", CONTENT, known=False)
    other = os.urandom(300_000)

    def replaced(handler) -> None:
        handler.serve(most=200_000)
        host.version, host.files["/repository/net/epoch_49.pth"] = '"v2"', other

    host.faults = [replaced]
    assert fetched_path(item.name).read_bytes() == other


@pytest.mark.parametrize("version", ["", 'W/"weak"'])
def test_unversioned_parts_of_an_unknown_file_are_not_mixed(
    host, publish, version: str
) -> None:
    publish("net", CONTENT, known=False)
    host.version = version
    host.faults = [dropping(200_000)]
    assert fetched_path("net").read_bytes() == CONTENT
    assert [wanted for _, wanted in host.asked] == [None, None]


def test_the_date_of_a_file_will_do_as_its_version(host, publish) -> None:
    publish("net", CONTENT, known=False)
    host.version = ""
    host.headers["Last-Modified"] = "Wed, 21 Oct 2015 07:28:00 GMT"
    host.faults = [dropping(200_000)]
    fetched_path("net")
    assert host.asked[1][1].startswith("bytes=")


def test_interrupted_goes_on_the_next_time(host, publish) -> None:
    publish("net", CONTENT)

    def interrupt(done: int, whole: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetched_path("net", progress=interrupt)
    part = cache.cache_folder() / "net.pth.part"
    assert part.read_bytes() == CONTENT[: 2 << 16]
    assert fetched_path("net").read_bytes() == CONTENT
    assert host.asked[1][1] == f"bytes={2 << 16}-"
    assert not part.exists()


def test_a_part_that_is_whole_already(host, publish) -> None:
    publish("net", CONTENT)
    part = cache.cache_folder() / "net.pth.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert fetched_path("net").read_bytes() == CONTENT
    assert host.asked == []


def test_a_part_that_is_too_long(host, publish) -> None:
    publish("net", CONTENT)
    part = cache.cache_folder() / "net.pth.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT + b"more")
    host.faults = [416]
    assert fetched_path("net").read_bytes() == CONTENT


def test_busy_then_well(host, publish) -> None:
    publish("net", CONTENT)
    host.faults = [500, 503, 429]
    assert fetched_path("net").read_bytes() == CONTENT


def test_busy_for_good(host, publish) -> None:
    item = publish("net", CONTENT)
    host.faults = [500] * 9
    with pytest.raises(WeightsError) as caught:
        fetched_path("net")
    assert str(caught.value) == (
        f"cannot fetch {item.url}: it answers 500 Internal Server Error "
        "(tried 3 times more)"
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "{} is not there: it answers 404 Not Found"),
        (410, "{} is not there: it answers 410 Gone"),
        (403, "cannot fetch {}: it answers 403 Forbidden"),
    ],
)
def test_refused(host, publish, status: int, message: str) -> None:
    item = publish("net", CONTENT)
    host.faults = [status]
    with pytest.raises(WeightsError) as caught:
        fetched_path("net")
    assert str(caught.value) == message.format(item.url)
    assert "--from" in caught.value.hint
    assert len(host.asked) == 1


def test_redirected(host, publish) -> None:
    publish("net", CONTENT)
    host.files["/there"] = CONTENT

    def move(handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/there")
        handler.end_headers()

    host.faults = [move]
    assert fetched_path("net").read_bytes() == CONTENT
    assert [path for path, _ in host.asked][-1] == "/there"


def test_redirected_in_circles(host, publish) -> None:
    publish("net", CONTENT)

    def move(handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", handler.path)
        handler.end_headers()

    host.faults = [move] * 40
    with pytest.raises(WeightsError, match="sent on in circles"):
        fetched_path("net")


def test_no_redirect_from_https_to_http() -> None:
    response = requests.Response()
    response.status_code, response.url = 302, "https://safe.org/a/net.pth"
    with _Session() as session:
        response.headers["location"] = "../b.pth"
        assert session.get_redirect_target(response) == "../b.pth"
        response.headers["location"] = "http://open.org/net.pth"
        with pytest.raises(WeightsError) as caught:
            session.get_redirect_target(response)
    assert str(caught.value) == (
        "https://safe.org/a/net.pth sends us on to http://open.org/net.pth, "
        "which is not encrypted"
    )


def test_nobody_there(host, publish) -> None:
    item = publish("net", CONTENT)
    catalogued = item.url.rpartition(":")[0]
    with pytest.raises(WeightsError, match=r"cannot connect to 127\.0\.0\.1:1 "):
        fetched_path("net", mirror=f"{catalogued}:1")


def test_another_length_is_another_file(host, publish) -> None:
    item = publish("net", CONTENT)
    host.files["/repository/net/epoch_49.pth"] = b"<html>Sorry</html>"
    with pytest.raises(WeightsError) as caught:
        fetched_path("net")
    assert str(caught.value) == (
        f"{item.url} is another file: expected 300000 bytes, found 18"
    )
    assert [*cache.cache_folder().glob("net*")] == []


def test_a_full_disk_is_seen_beforehand(host, publish, monkeypatch) -> None:
    publish("net", CONTENT)
    usage = shutil.disk_usage(Path.cwd())._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError) as caught:
        fetched_path("net")
    assert "300,000 bytes are missing, and the disk has room for 1,000" in str(
        caught.value
    )
    assert caught.value.hint == "make room, or name another folder in W2S_CACHE_DIR"


def test_a_disk_that_fills_up(host, publish) -> None:
    publish("net", CONTENT)

    def fill(done: int, whole: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError) as caught:
        fetched_path("net", progress=fill)
    assert str(caught.value).startswith(f"cannot write {cache.cache_folder()}/net.pth")
    assert "No space left on device" in str(caught.value)
    assert fetched_path("net").read_bytes() == CONTENT


def without_length(content: bytes):
    """Return an answer that does not say how long it is, and ends with the line."""

    def answer(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return answer


def test_a_cut_answer_of_no_length_goes_on(host, publish) -> None:
    publish("net", CONTENT, known=False)
    host.faults = [without_length(CONTENT[:70_000])]
    assert fetched_path("net").read_bytes() == CONTENT


def test_an_answer_longer_than_the_file_is_refused(host, publish) -> None:
    publish("net", CONTENT, known=False)
    host.faults = [without_length(CONTENT + b"and so on")]
    with pytest.raises(WeightsError, match="expected 300000 bytes, and it goes on"):
        fetched_path("net")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "nothing came from .*: 0 bytes"), (b"PK\3\4 and half of it", "is cut off")],
)
def test_what_cannot_be_the_file_is_not_recorded(
    host, publish, content: bytes, message: str
) -> None:
    publish("net", CONTENT, known=False, sized=False)
    host.faults = [without_length(content)]
    with pytest.raises(WeightsError, match=message):
        fetched_path("net")
    assert fetched_path("net").read_bytes() == CONTENT
