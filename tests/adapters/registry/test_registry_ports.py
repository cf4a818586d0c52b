"""What the ports of a registry promise, asked of the ones in memory, of a real registry and of a real folder alike."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import UUID

import pytest

from watermaster.adapters.memory.registry import MemoryRegistry, MemorySchemas
from watermaster.adapters.registry.client import ANSWER_BYTES_MAX, SCHEMA_S_MAX, HttpRegistry
from watermaster.adapters.registry.folder import SchemaFolder
from watermaster.gate.schema import AVRO, JSON, OVERSIZE, Schema, SchemaId
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.schema_ports import SchemaMemory, SchemaRegistry
from watermaster.stream.fault import WorldFault
from watermaster.testing.registry import RegistryServer
from watermaster.testing.registry_proxy import RegistryProxy
from watermaster.testing.tls import Authority

Fresh = Callable[[str], str]
GUID = UUID("0191e6a5-7000-7000-8000-000000000001")
UNKNOWN = 2**31 - 1


def record(name: str, *fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": n, "type": t} for n, t in fields]}


class Rig(Protocol):
    registry: SchemaRegistry

    def add(
        self, subject: str, schema: Any, kind: str = AVRO, references: tuple[tuple[str, str, int], ...] = ()
    ) -> int: ...


class MemoryRig:
    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self._subjects: dict[str, tuple[str, ...]] = {}

    def add(
        self, subject: str, schema: Any, kind: str = AVRO, references: tuple[tuple[str, str, int], ...] = ()
    ) -> int:
        texts = [text for _, named, _ in references for text in self._subjects[named]]
        number = len(self.registry.schemas) + 1
        self.registry.schemas[number] = Schema(kind, json.dumps(schema), tuple(dict.fromkeys(texts)))
        self._subjects[subject] = (*texts, json.dumps(schema))
        return number


class HttpRig:
    def __init__(self, server: RegistryServer) -> None:
        self._server = server
        self.registry: SchemaRegistry = HttpRegistry(RegistryConfiguration("main", server.url))

    def add(
        self, subject: str, schema: Any, kind: str = AVRO, references: tuple[tuple[str, str, int], ...] = ()
    ) -> int:
        return self._server.register(subject, schema if kind == AVRO else json.dumps(schema), kind, references)


@pytest.fixture(params=["memory", pytest.param("http", marks=pytest.mark.registry)])
def rig(request: pytest.FixtureRequest) -> Rig:
    return MemoryRig() if request.param == "memory" else HttpRig(request.getfixturevalue("registry"))


def test_a_schema_is_told_by_its_id(rig: Rig, fresh_name: Fresh) -> None:
    order = record("Order", ("id", "string"))
    found = rig.registry.schema(rig.add(fresh_name("orders"), order))
    assert found is not None
    assert found.fingerprint() == Schema(AVRO, json.dumps(order)).fingerprint()


def test_json_schemas_have_their_kind(rig: Rig, fresh_name: Fresh) -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
    found = rig.registry.schema(rig.add(fresh_name("orders"), schema, JSON))
    assert found is not None
    assert found.kind == JSON


def test_references_come_before_what_refers_to_them_and_once(rig: Rig, fresh_name: Fresh) -> None:
    money, item, order = fresh_name("money"), fresh_name("item"), fresh_name("order")
    rig.add(money, record("Money", ("cents", "long")))
    rig.add(item, record("Item", ("price", "Money")), references=(("Money", money, 1),))
    both = (("Item", item, 1), ("Money", money, 1))
    number = rig.add(order, record("Order", ("item", "Item"), ("total", "Money")), references=both)
    found = rig.registry.schema(number)
    assert found is not None
    assert [json.loads(text)["name"] for text in (*found.references, found.text)] == ["Money", "Item", "Order"]


def test_an_id_that_is_not_there_is_known_to_be_unknown(rig: Rig) -> None:
    assert rig.registry.schema(UNKNOWN) is None


@pytest.fixture(params=["memory", "folder"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> SchemaMemory:
    return MemorySchemas() if request.param == "memory" else SchemaFolder(tmp_path / "schemas" / "main")


@pytest.mark.parametrize("schema_id", [7, GUID])
def test_what_was_remembered_is_recalled(memory: SchemaMemory, schema_id: SchemaId) -> None:
    assert memory.recall(schema_id) is None
    schema = Schema(AVRO, '{"type": "fixed", "name": "ü", "size": 1}', ('"int"',))
    memory.remember(schema_id, schema)
    memory.remember(schema_id, schema)
    assert memory.recall(schema_id) == schema
    assert memory.recall(8) is None


def test_a_folder_outlives_its_process_and_says_what_is_damaged(tmp_path: Path) -> None:
    SchemaFolder(tmp_path).remember(7, Schema(AVRO, '"int"'))
    assert SchemaFolder(tmp_path).recall(7) == Schema(AVRO, '"int"')
    (tmp_path / "7.json").write_text("{")
    with pytest.raises(WorldFault) as caught:
        SchemaFolder(tmp_path).recall(7)
    assert (caught.value.code, caught.value.retriable) == ("WM-SCHEMA-MEMORY", True)


def test_a_disk_that_refuses_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WorldFault) as caught:
        SchemaFolder(tmp_path / "file").remember(7, Schema(AVRO, '"int"'))
    assert caught.value.code in {"WM-SCHEMA-MEMORY", "WM-FILES-WRITE"}


# What only a registry over HTTP can do


@pytest.fixture
def proxy(registry: RegistryServer) -> Iterator[RegistryProxy]:
    with RegistryProxy(registry.url) as proxy:
        yield proxy


def client(proxy: RegistryProxy, **more: Any) -> HttpRegistry:
    return HttpRegistry(replace(RegistryConfiguration("main", proxy.url, timeout_ms=500), **more))


def code_of(registry: HttpRegistry, schema_id: SchemaId = 1) -> str:
    with pytest.raises(WorldFault) as caught:
        registry.schema(schema_id)
    assert caught.value.retriable
    assert "127.0.0.1" not in caught.value.message
    return caught.value.code


def test_a_registry_that_is_down_or_slow_is_a_fault_that_passes(proxy: RegistryProxy) -> None:
    proxy.answer("/schemas/ids/1", {"schema": '"int"'})
    registry = client(proxy)
    proxy.go_down()
    assert code_of(registry) == "WM-REGISTRY-UNREACHABLE"
    proxy.heal()
    proxy.hold()
    assert code_of(registry) == "WM-REGISTRY-UNREACHABLE"
    proxy.heal()
    proxy.answer("/schemas/ids/1", {"schema": '"int"'})
    assert registry.schema(1) == Schema(AVRO, '"int"')
    assert code_of(HttpRegistry(RegistryConfiguration("main", "http://127.0.0.1:1"))) == "WM-REGISTRY-UNREACHABLE"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"error_code": 50001, "message": "?"}),
        (500, {"schema": '"int"'}),
        (404, b"<html>no such page</html>"),
        (404, {"error_code": 404, "message": "HTTP 404 Not Found"}),
        (302, {"schema": '"int"'}),
        (200, b"<html>please log in</html>"),
        (200, b""),
        (200, []),
        (200, {}),
        (200, {"schema": 5}),
        (200, {"schema": ""}),
        (200, {"schema": "no JSON"}),
        (200, {"schema": '"int"', "schemaType": 5}),
        (200, {"schema": '"int"', "references": "x"}),
        (200, {"schema": '"int"', "references": [{"name": "x"}]}),
        (200, b"[" * 100_000),
    ],
)
def test_what_no_registry_answers_is_a_fault_and_never_a_schema(proxy: RegistryProxy, status: int, body: Any) -> None:
    proxy.answer("/schemas/ids/1", body, status)
    assert code_of(client(proxy)) == "WM-REGISTRY-ANSWER"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_is_said(proxy: RegistryProxy, status: int) -> None:
    proxy.answer("/schemas/ids/1", {"error_code": status, "message": "no"}, status)
    assert code_of(client(proxy)) == "WM-REGISTRY-DENIED"


def test_guids_are_asked_for_in_confluents_way(proxy: RegistryProxy) -> None:
    proxy.answer(f"/schemas/guids/{GUID}", {"schema": '"int"', "guid": str(GUID)})
    registry = client(proxy)
    assert registry.schema(GUID) == Schema(AVRO, '"int"')
    proxy.answer(f"/schemas/guids/{GUID}", {"error_code": 40403, "message": "Schema not found"}, 404)
    assert registry.schema(GUID) is None
    assert code_of(registry, UUID(int=5)) == "WM-REGISTRY-ANSWER", "this registry has no such page"


def test_a_schema_beyond_every_limit_is_told_without_being_read(proxy: RegistryProxy) -> None:
    proxy.answer("/schemas/ids/1", b'{"schema": "' + b" " * ANSWER_BYTES_MAX + b'"}')
    assert client(proxy).schema(1) == Schema(OVERSIZE, "")


def test_references_that_go_in_circles_or_on_for_ever_end(proxy: RegistryProxy) -> None:
    def refers_to(version: int) -> list[dict[str, Any]]:
        return [{"name": "x", "subject": "s", "version": version}]

    proxy.answer("/schemas/ids/1", {"schema": '"int"', "references": refers_to(1)})
    proxy.answer("/subjects/s/versions/1", {"schema": '"long"', "references": refers_to(1)})
    assert client(proxy).schema(1) == Schema(AVRO, '"int"', ('"long"',))
    for version in range(1, 300):
        proxy.answer(f"/subjects/s/versions/{version}", {"schema": '"long"', "references": refers_to(version + 1)})
    assert code_of(client(proxy)) == "WM-REGISTRY-ANSWER"


def test_a_schema_whose_references_take_too_long_together_is_given_up(
    proxy: RegistryProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("watermaster.adapters.registry.client.time", SimpleNamespace(monotonic=lambda: next(ticks) / 4))
    references = [{"name": f"n{number}", "subject": f"s{number}", "version": 1} for number in range(100)]
    for number in range(100):
        proxy.answer(f"/subjects/s{number}/versions/1", {"schema": '"long"'})
    proxy.answer("/schemas/ids/1", {"schema": '"int"', "references": references[:3]})
    registry = client(proxy, timeout_ms=10_000)
    assert registry.schema(1) is not None
    proxy.answer("/schemas/ids/1", {"schema": '"int"', "references": references})
    assert code_of(registry) == "WM-REGISTRY-UNREACHABLE"
    assert len(proxy.asked) <= 4 + SCHEMA_S_MAX * 4


def test_nobody_goes_where_a_schema_points(proxy: RegistryProxy) -> None:
    foreign = {"$ref": f"{proxy.url}/schemas/ids/2", "$id": f"{proxy.url}/meta-data"}
    references = [{"name": f"{proxy.url}/x", "subject": "s", "version": 1}]
    proxy.answer("/schemas/ids/1", {"schemaType": JSON, "schema": json.dumps(foreign), "references": references})
    assert client(proxy).schema(1) == Schema(JSON, json.dumps(foreign))
    assert [path for path, _ in proxy.asked] == ["/schemas/ids/1"]


def test_logins_come_from_files_and_are_read_anew(proxy: RegistryProxy, tmp_path: Path) -> None:
    proxy.answer("/schemas/ids/1", {"schema": '"int"'})
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    client(proxy, user="anna", password_file=secret).schema(1)
    bearer = client(proxy, token_file=secret)
    bearer.schema(1)
    secret.write_text("rotated")
    bearer.schema(1)
    client(proxy).schema(1)
    logins = [headers.get("Authorization", headers.get("authorization")) for _, headers in proxy.asked]
    assert logins == ["Basic YW5uYTpzM2NyZXQ=", "Bearer s3cret", "Bearer rotated", None]
    for content in ("", "two\nlines", "ü"):
        secret.write_text(content)
        assert code_of(bearer) == "WM-REGISTRY-SECRET"


def test_certificates_are_judged(registry: RegistryServer, tmp_path: Path) -> None:
    authority, file, trusted = Authority(), tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.write_server(file)
    trusted.write_bytes(authority.certificate_pem())
    with RegistryProxy(registry.url, file) as proxy:
        proxy.answer("/schemas/ids/1", {"schema": '"int"'})
        assert client(proxy, ca_file=trusted).schema(1) == Schema(AVRO, '"int"')
        assert code_of(client(proxy)) == "WM-REGISTRY-UNREACHABLE", "nobody vouches for it"
        with pytest.raises(WorldFault) as caught:
            client(proxy, ca_file=tmp_path / "nothing")
    assert caught.value.code == "WM-REGISTRY-TLS"
