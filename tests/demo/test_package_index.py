"""Fetching one locked file from an index, by a real server on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from watermaster.adapters.files.package_index import PUBLIC_INDEX, LockedFile, fetch, index_address
from watermaster.stream.fault import UsageFault, WorldFault

CONTENT = b"the file's bytes" * 100
FILE = LockedFile("birds", "birds-1.0.tar.gz", hashlib.sha256(CONTENT).hexdigest(), bytes_max=10_000)


class Index:
    """A server whose answers a test sets: path -> (status, media type, body)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str, bytes]] = {}
        self.requests: list[tuple[str, str | None]] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.requests.append((self.path, self.headers["Authorization"]))
                status, media_type, body = index.answers.get(self.path, (404, "text/plain", b""))
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}/simple"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def list_as_html(self, link: str = "../../files/birds-1.0.tar.gz#sha256=0") -> None:
        page = f'<html><a href="/old">birds-0.9.tar.gz</a><br/><a href="{link}">birds-1.0.tar.gz</a></html>'
        self.answers["/simple/birds/"] = (200, "text/html", page.encode())

    def list_as_json(self, link: str = "/files/birds-1.0.tar.gz") -> None:
        page = {"files": [{"filename": "other", "url": "/other"}, {"filename": FILE.name, "url": link}]}
        media_type = "application/vnd.pypi.simple.v1+json"
        self.answers["/simple/birds/"] = (200, media_type, json.dumps(page).encode())

    def serve(self, content: bytes = CONTENT) -> None:
        self.answers["/files/birds-1.0.tar.gz"] = (200, "application/gzip", content)


@pytest.fixture
def index() -> Iterator[Index]:
    found = Index()
    yield found
    found.close()


@pytest.mark.parametrize("listing", ["list_as_html", "list_as_json"])
def test_both_forms_of_the_index_are_read(index: Index, tmp_path: Path, listing: str) -> None:
    getattr(index, listing)()
    index.serve()
    seen: list[int] = []
    path = fetch(FILE, index.address, tmp_path, seen.append)
    assert path.read_bytes() == CONTENT
    assert seen[-1] == len(CONTENT)


def test_the_cache_is_used_and_mended(index: Index, tmp_path: Path) -> None:
    index.list_as_json()
    index.serve()
    fetch(FILE, index.address, tmp_path)
    asked = len(index.requests)
    fetch(FILE, index.address, tmp_path)
    assert len(index.requests) == asked
    (tmp_path / FILE.name).write_bytes(b"half")
    assert fetch(FILE, index.address, tmp_path).read_bytes() == CONTENT


def test_other_bytes_are_refused_and_leave_nothing(index: Index, tmp_path: Path) -> None:
    index.list_as_json()
    index.serve(b"other bytes")
    with pytest.raises(WorldFault, match="WM-PACKAGE-CHECKSUM"):
        fetch(FILE, index.address, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_file_is_cut(index: Index, tmp_path: Path) -> None:
    index.list_as_json()
    index.serve(b"x" * (FILE.bytes_max * 50))
    seen: list[int] = []
    with pytest.raises(WorldFault, match="WM-PACKAGE-CHECKSUM"):
        fetch(FILE, index.address, tmp_path, seen.append)
    assert seen[-1] < FILE.bytes_max * 50


def test_nothing_listens(tmp_path: Path) -> None:
    with pytest.raises(WorldFault, match="WM-PACKAGE-UNREACHABLE") as caught:
        fetch(FILE, "http://127.0.0.1:9/simple", tmp_path)
    assert "WATERMASTER_PACKAGE_INDEX" in caught.value.hint


def test_the_index_refuses(index: Index, tmp_path: Path) -> None:
    with pytest.raises(WorldFault, match="HTTP status 404"):
        fetch(FILE, index.address, tmp_path)
    assert len(index.requests) == 1  # it has answered: asking again is no use


@pytest.mark.parametrize(
    ("media_type", "page"),
    [
        ("text/html", b'<a href="/x">birds-2.0.tar.gz</a>'),
        ("text/html", b"\xff<<<<a"),
        ("application/json", b"{}"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"files": [1]}'),
    ],
)
def test_a_page_without_the_file(index: Index, tmp_path: Path, media_type: str, page: bytes) -> None:
    index.answers["/simple/birds/"] = (200, media_type, page)
    with pytest.raises(WorldFault, match="WM-PACKAGE-MISSING"):
        fetch(FILE, index.address, tmp_path)


@pytest.mark.parametrize("address", ["ftp://host/simple", "no address", "http://", "http://[::1/simple"])
def test_a_wrong_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageFault, match="WM-PACKAGE-INDEX"):
        fetch(FILE, address, tmp_path)


def test_a_login_stays_with_its_host_and_out_of_messages(index: Index, tmp_path: Path) -> None:
    other = Index()
    try:
        index.list_as_json(link=f"http://{other.host}/files/birds-1.0.tar.gz")
        other.serve(b"other bytes")
        address = index.address.replace("//", "//robin:hush@")
        with pytest.raises(WorldFault, match="WM-PACKAGE-CHECKSUM") as caught:
            fetch(FILE, address, tmp_path)
    finally:
        other.close()
    assert index.requests[0][1] is not None
    assert other.requests == [("/files/birds-1.0.tar.gz", None)]
    assert "hush" not in str(caught.value) + caught.value.hint


def test_which_index_is_asked() -> None:
    everything = {"WATERMASTER_PACKAGE_INDEX": "http://env", "PIP_INDEX_URL": "http://pip/"}
    pip_only = {"PIP_INDEX_URL": "http://pip/"}
    assert index_address("http://chosen/", "http://configured", everything) == "http://chosen"
    assert index_address(None, "http://configured", everything) == "http://env"
    assert index_address(None, "http://configured", pip_only) == "http://configured"
    assert index_address(None, None, pip_only) == "http://pip"
    assert index_address(None, None, {}) == PUBLIC_INDEX


def test_a_configured_default_does_not_hide_pips_index() -> None:
    assert index_address(None, PUBLIC_INDEX, {"PIP_INDEX_URL": "http://pip"}) == "http://pip"
