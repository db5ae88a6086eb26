"""The cache: checked hashes, recorded hashes, folders, mirrors, no network, rivals."""

import os
import re
import threading
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from w2s_cli.errors import OutputError, UnknownNameError, UsageError, WeightsError
from w2s_cli.networks import NETWORKS
from w2s_cli.weights import cache, catalogue
from w2s_cli.weights.cache import fetched_path

CONTENT = os.urandom(100_000)
OTHER = os.urandom(100_000)
PLACE = "/repository/net/epoch_49.pth"


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def test_another_hash_is_deleted_and_told(host, publish) -> None:
    item = publish("net", CONTENT)
    host.files[PLACE] = OTHER
    with pytest.raises(WeightsError) as caught:
        fetched_path("net")
    assert str(caught.value) == (
        f"{item.url} is not net and was deleted: "
        f"expected sha256 {digest(CONTENT)}, found {digest(OTHER)}"
    )
    assert "fetch it again" in caught.value.hint
    assert "delete" not in caught.value.hint
    assert [*cache.cache_folder().glob("net*")] == []
    host.files[PLACE] = CONTENT
    assert fetched_path("net").read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_fetched_anew(host, publish) -> None:
    publish("net", CONTENT)
    fetched_path("net").write_bytes(b"damaged")
    assert fetched_path("net").read_bytes() == CONTENT
    assert len(host.asked) == 2


def test_an_unknown_hash_is_recorded_then_enforced(host, publish) -> None:
    item = publish("net", CONTENT, known=False)
    assert cache.status(item).hashed == "unknown"
    path = fetched_path("net")
    note = path.with_name("net.pth.sha256")
    assert note.read_text() == f"{digest(CONTENT)}  net.pth\n"
    assert cache.status(item) == cache.Status(path, True, "recorded", digest(CONTENT))
    path.unlink()
    host.files[PLACE] = OTHER
    with pytest.raises(WeightsError) as caught:
        fetched_path("net")
    assert f"expected sha256 {digest(CONTENT)}" in str(caught.value)
    assert f"delete {note} first" in caught.value.hint
    note.unlink()
    assert fetched_path("net").read_bytes() == OTHER
    assert cache.status(item).sha256 == digest(OTHER)


def test_a_file_put_there_by_hand_is_recorded(host, publish) -> None:
    item = publish("net", CONTENT, known=False)
    path = cache.status(item).path
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert fetched_path("net") == path
    assert cache.status(item).hashed == "recorded"
    assert host.asked == []


def test_a_damaged_record(host, publish) -> None:
    publish("net", CONTENT, known=False)
    note = fetched_path("net").with_name("net.pth.sha256")
    note.write_text("nonsense")
    with pytest.raises(WeightsError) as caught:
        fetched_path("net")
    assert str(caught.value) == f"{note} should start with a sha256, and does not"


@pytest.mark.parametrize("type_", ["text/html; charset=utf-8", ""])
def test_a_web_page_is_not_recorded(host, publish, type_: str) -> None:
    publish("net", b"\n<!DOCTYPE html><title>Sign in</title>", known=False)
    host.headers["Content-Type"] = type_
    with pytest.raises(WeightsError, match="is a web page"):
        fetched_path("net")
    assert [*cache.cache_folder().glob("net*")] == []


def test_a_lying_type_does_not_matter_where_the_hash_is_known(host, publish) -> None:
    publish("net", CONTENT)
    host.headers["Content-Type"] = "text/html"
    assert fetched_path("net").read_bytes() == CONTENT


def test_offline(host, publish, monkeypatch) -> None:
    item = publish("net", CONTENT)
    publish("had", OTHER)
    fetched_path("had")
    host.asked.clear()
    monkeypatch.setenv("W2S_OFFLINE", "1")
    assert fetched_path("had").read_bytes() == OTHER
    for mirror in ("", host.address):
        with pytest.raises(WeightsError) as caught:
            fetched_path("net", mirror=mirror)
        assert str(caught.value) == (
            f"net is not in {cache.cache_folder()}, and W2S_OFFLINE is set"
        )
        assert caught.value.hint == (
            f"get {item.url} elsewhere, and bring it: w2s fetch net --from FOLDER"
        )
    assert host.asked == []
    monkeypatch.setenv("W2S_OFFLINE", "0")
    fetched_path("net")


@pytest.mark.parametrize(
    "place", ["net.pth", "epoch_49.pth", "net/epoch_49.pth", "deep/down/any.bin"]
)
def test_from_a_folder(host, publish, tmp_path: Path, monkeypatch, place: str) -> None:
    publish("net", CONTENT)
    monkeypatch.setenv("W2S_OFFLINE", "1")
    file = tmp_path / "usb" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    path = fetched_path("net", folder=tmp_path / "usb")
    assert path.read_bytes() == CONTENT
    assert file.exists()
    assert not path.with_name("net.pth.copy").exists()


def test_from_a_clone_of_its_repository(host, publish, tmp_path: Path) -> None:
    item = publish("net", CONTENT, known=False)
    for name in ("net", "other"):
        file = tmp_path / "clone" / name / "epoch_49.pth"
        file.parent.mkdir(parents=True)
        file.write_bytes(CONTENT if name == "net" else OTHER)
    assert fetched_path("net", folder=tmp_path / "clone").read_bytes() == CONTENT
    assert cache.status(item).hashed == "recorded"


def test_a_common_name_does_not_do_for_an_unknown_hash(
    host, publish, tmp_path: Path
) -> None:
    item = publish("net", CONTENT, known=False)
    (tmp_path / "epoch_49.pth").write_bytes(CONTENT)
    with pytest.raises(WeightsError) as caught:
        fetched_path("net", folder=tmp_path)
    assert str(caught.value) == f"{tmp_path} has no file for net"
    assert caught.value.hint == (
        f"fetch {item.url} elsewhere and put it there as net.pth"
    )


def test_from_a_folder_with_another_file(host, publish, tmp_path: Path) -> None:
    publish("net", CONTENT)
    (tmp_path / "net.pth").write_bytes(OTHER)
    with pytest.raises(WeightsError) as caught:
        fetched_path("net", folder=tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'net.pth'} is not net: "
        f"expected sha256 {digest(CONTENT)}, found {digest(OTHER)}"
    )
    assert host.asked == []
    (tmp_path / "right.pth").write_bytes(CONTENT)
    assert fetched_path("net", folder=tmp_path).read_bytes() == CONTENT


def test_a_web_page_in_a_folder(host, publish, tmp_path: Path) -> None:
    publish("net", CONTENT, known=False)
    (tmp_path / "net.pth").write_bytes(b"<html>no</html>")
    with pytest.raises(WeightsError, match="is a web page"):
        fetched_path("net", folder=tmp_path)


def test_from_no_folder(host, publish, tmp_path: Path) -> None:
    publish("net", CONTENT)
    with pytest.raises(UsageError, match="there is no such folder"):
        fetched_path("net", folder=tmp_path / "nowhere")


@pytest.mark.parametrize("place", ["/lab/net.pth", "/lab/repo/a%20b/epoch_49.pth"])
def test_mirror(host, publish, place: str) -> None:
    publish("net", CONTENT, path="/repo/a%20b/epoch_49.pth")
    host.files = {place: CONTENT}
    assert fetched_path("net", mirror=f"{host.address}/lab/").read_bytes() == CONTENT


def test_mirror_without_the_file(host, publish) -> None:
    publish("net", CONTENT)
    with pytest.raises(WeightsError, match="is not there: it answers 404 Not Found"):
        fetched_path("net", mirror=f"{host.address}/lab")
    assert [path for path, _ in host.asked] == ["/lab/net.pth", f"/lab{PLACE}"]


def test_mirror_that_is_no_address(host, publish) -> None:
    publish("net", CONTENT)
    with pytest.raises(UsageError) as caught:
        fetched_path("net", mirror="ftp.lab.org")
    assert str(caught.value) == "--mirror ftp.lab.org is no address"


def test_rivals_fetch_once(host, publish) -> None:
    publish("net", CONTENT)
    host.faults = [lambda handler: handler.serve(pause=0.05)]
    found: list[bytes] = []
    rivals = [
        threading.Thread(target=lambda: found.append(fetched_path("net").read_bytes()))
        for _ in range(4)
    ]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert found == [CONTENT] * 4
    assert len(host.asked) == 1


def test_no_such_name(host, publish) -> None:
    publish("net", CONTENT)
    with pytest.raises(UnknownNameError) as caught:
        fetched_path("nett")
    assert str(caught.value) == "no published file is called 'nett'"
    assert caught.value.hint == "did you mean 'net'?"


def test_a_cache_that_cannot_be_made(host, publish, tmp_path, monkeypatch) -> None:
    publish("net", CONTENT)
    (tmp_path / "file").touch()
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="cannot write"):
        fetched_path("net")


def test_where_the_cache_is(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("W2S_CACHE_DIR", raising=False)
    assert cache.cache_folder() == tmp_path / "w2s"
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "mine"))
    assert cache.cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("W2S_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert "w2s" in cache.cache_folder().parts


REAL = [*catalogue.WEIGHTS.values(), *catalogue.DATASETS.values()]


@pytest.mark.parametrize("item", REAL, ids=lambda item: item.name)
def test_rows_of_the_catalogue(item: catalogue.Item) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", item.name)
    assert re.fullmatch(r"([0-9a-f]{64})?", item.sha256)
    assert item.network == "" or item.network in NETWORKS
    assert item.units in {"", "z", "z/255", "unit", "centred"}
    assert urlsplit(item.url).scheme == "https"
    assert item.title
    assert item.licence
    if "raw.githubusercontent.com" in item.url:
        assert item.sha256 or re.search(r"/[0-9a-f]{40}/", item.url), "pin a commit"


def test_names_and_files_are_unique() -> None:
    assert len({item.file for item in REAL}) == len(REAL)
    assert len({item.url for item in REAL}) == len(REAL)


def test_what_must_be_there() -> None:
    denoisers = {
        f"{n}-w2s-avg{k}" for n in ("dncnn", "memnet") for k in (1, 2, 4, 8, 16)
    }
    assert catalogue.WEIGHTS.keys() >= denoisers | {
        *("jdsr-w2s-avg1", "dncnn-fmd", "n2n-fmd", "dncnn-natural", "memnet-natural"),
        *("dncnn-kair-25", "real-esrgan-x2", "vgg19", "niqe"),
    }
    assert "w2s-raw" in catalogue.DATASETS
