"""The real schema registry over Confluent's API, and the proxy that makes it misbehave."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.apicurio import ARCHIVE_BYTES, fetch_archive, find_apicurio
from watermaster.testing.registry import RegistryServer
from watermaster.testing.registry_proxy import RegistryProxy
from watermaster.testing.settings import KitSettings, settings_from_environment

RECORD = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}
Fresh = Callable[[str], str]


def test_a_registered_schema_is_read_back_by_its_id(registry: RegistryServer, fresh_name: Fresh) -> None:
    subject = fresh_name("orders")
    number = registry.register(subject, RECORD)
    assert json.loads(registry.get(f"/schemas/ids/{number}")["schema"]) == RECORD
    assert registry.get(f"/subjects/{subject}/versions") == [1]


def test_references_are_kept(registry: RegistryServer, fresh_name: Fresh) -> None:
    inner, outer = fresh_name("inner"), fresh_name("outer")
    registry.register(inner, {**RECORD, "name": "Inner"})
    holder = {"type": "record", "name": "Outer", "fields": [{"name": "inner", "type": "Inner"}]}
    number = registry.register(outer, holder, references=[("Inner", inner, 1)])
    assert registry.get(f"/schemas/ids/{number}")["references"] == [{"name": "Inner", "subject": inner, "version": 1}]


def test_a_deleted_schema_is_not_known_any_more(registry: RegistryServer, fresh_name: Fresh) -> None:
    subject = fresh_name("gone")
    number = registry.register(subject, {**RECORD, "name": "Gone"})
    registry.delete(subject)
    with pytest.raises(httpx2.HTTPStatusError) as caught:
        registry.get(f"/schemas/ids/{number}")
    assert caught.value.response.json()["error_code"] == 40403


def test_the_proxy_forwards_and_misbehaves(registry: RegistryServer, fresh_name: Fresh) -> None:
    number = registry.register(fresh_name("orders"), RECORD)
    path = f"/schemas/ids/{number}"
    with RegistryProxy(registry.url) as proxy:
        assert httpx2.get(proxy.url + path + "?deleted=true").json() == registry.get(path)
        proxy.answer(path, {"schema": '"string"'})
        assert httpx2.get(proxy.url + path).json() == {"schema": '"string"'}
        proxy.answer_all(b"<html>", 500)
        assert httpx2.get(proxy.url + path).status_code == 500
        proxy.go_down()
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.get(proxy.url + path)
        proxy.hold()
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(proxy.url + path, timeout=0.1)
        proxy.heal()
        assert httpx2.get(proxy.url + path).json() == registry.get(path)
        assert proxy.count(path) == 6


CONTENT = b"bytes of an archive"


@pytest.fixture
def mirror() -> Iterator[str]:
    class Repository(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/archive" else 404)
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_archive_is_fetched_and_compared(mirror: str, tmp_path: Path) -> None:
    fetch_archive(f"{mirror}/archive", tmp_path / "here", hashlib.sha256(CONTENT).hexdigest())
    assert (tmp_path / "here").read_bytes() == CONTENT
    assert len(CONTENT) < ARCHIVE_BYTES


@pytest.mark.parametrize(("path", "code"), [("archive", "WM-TESTKIT-CHECKSUM"), ("other", "WM-TESTKIT-APICURIO")])
def test_other_bytes_and_no_bytes_are_faults(mirror: str, tmp_path: Path, path: str, code: str) -> None:
    with pytest.raises(WorldFault) as caught:
        fetch_archive(f"{mirror}/{path}", tmp_path / "here")
    assert caught.value.code == code


def test_a_wrong_home_is_the_users_mistake(tmp_path: Path) -> None:
    java = settings_from_environment().java
    with pytest.raises(UsageFault, match="WM-TESTKIT-APICURIO-HOME"):
        find_apicurio(KitSettings(java=java, apicurio_home=tmp_path))
