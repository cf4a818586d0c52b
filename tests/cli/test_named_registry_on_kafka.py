"""A cluster and its registry named on the spot: every command that reads values reads Avro and JSON Schema by them."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import fastavro
import pytest
from confluent_kafka import Producer

from watermaster.cli import main
from watermaster.cli.errors import ExitCode
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.registry import RegistryServer
from watermaster.testing.registry_proxy import RegistryProxy

pytestmark = [pytest.mark.kafka, pytest.mark.registry]

GOOD: Final = 60
DAY_MS: Final = 86_400_000
PASSWORD: Final = "canary-7f3b"
LOGIN: Final = "Basic cmVhZGVyOmNhbmFyeS03ZjNi"
AVRO: Any = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "id", "type": "long"}, {"name": "status", "type": "string"}],
}
JSON_SCHEMA: Any = {"type": "object", "properties": {"id": {"type": "integer"}, "status": {"type": "string"}}}
CONTRACT: Final = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: '{version}'
status: active
schema:
  - name: orders
    logicalType: object
    customProperties: [{{property: encoding, value: {encoding}, vendor: watermaster}}]
    properties:
      - {{name: id, logicalType: integer, required: true, unique: true, logicalTypeOptions: {{minimum: {minimum}}}}}
      - {{name: status, logicalType: string, required: true}}
"""


def frame(schema_id: int, payload: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + payload


def avro_payload(order: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(AVRO), order)
    return out.getvalue()


@dataclass
class Desk:
    """One topic of yesterday's orders, good ones and one that cannot be read, and nothing but options to read it by."""

    cluster: KafkaCluster
    registry: RegistryServer
    proxy: RegistryProxy
    folder: Path
    topic: str
    encoding: str
    capfd: pytest.CaptureFixture[str]
    said: str = field(default="")

    def fill(self) -> None:
        doc = f"{self.topic}-{uuid4().hex[:6]}"
        payload: Callable[[Any], bytes] = avro_payload
        if self.encoding == "avro":
            schema_id = self.registry.register(f"{doc}-value", {**AVRO, "doc": doc})
        else:
            text = json.dumps({**JSON_SCHEMA, "description": doc})
            schema_id = self.registry.register(f"{doc}-value", text, "JSON")
            payload = lambda order: json.dumps(order).encode()  # noqa: E731
        orders = [frame(schema_id, payload({"id": number, "status": "paid"})) for number in range(GOOD)]
        self.write([*orders, frame(schema_id, payload({"id": 7, "status": "sent"})) + b"!"])

    def write(self, values: list[bytes]) -> None:
        noon_ms = int(time.time() * 1000) // DAY_MS * DAY_MS - DAY_MS // 2
        producer = Producer(self.cluster.client_config())
        for value in values:
            producer.produce(self.topic, value, partition=0, timestamp=noon_ms)
        assert producer.flush(60) == 0

    def contract(self, version: str = "1", minimum: int = 0) -> str:
        path = self.folder / f"orders-{version}.odcs.yaml"
        path.write_text(CONTRACT.format(version=version, encoding=self.encoding, minimum=minimum))
        return str(path)

    @property
    def registry_options(self) -> list[str]:
        login = self.folder / "registry.yaml"
        (self.folder / "registry.password").write_text(PASSWORD)
        login.write_text("user: reader\npassword_file: registry.password\ntimeout_ms: 400\n")
        return ["--registry", self.proxy.url, "--registry-config", str(login)]

    def ask(self, *arguments: str, options: list[str] | None = None) -> int:
        """A command with the broker and the registry as options."""
        self.capfd.readouterr()
        named = self.registry_options if options is None else options
        code = main.execute([*arguments, "--bootstrap", self.cluster.bootstrap, *named, "--output", "json"])
        captured = self.capfd.readouterr()
        self.said, self.errors = captured.out, captured.err
        assert PASSWORD not in self.said + self.errors
        return code

    @property
    def report(self) -> Any:
        return json.loads(self.said)

    @property
    def readers(self) -> dict[str, list[str]]:
        """Every command that reads values of a cluster that is named on the spot."""
        contract = self.contract()
        check = ["check", "--topic", self.topic, "--contract", contract]
        return {
            "infer": ["contract", "infer", "--topic", self.topic],
            "diff": ["contract", "diff", contract, self.contract("2", minimum=10), "--topic", self.topic],
            "observe": ["gate", "--observe", "--stream", self.topic, "--contract", contract],
            "check": check,
            "check a range": [*check, "--range", "0:0-10"],
            "check a window": [*check, "--window", "1d", "--grace", "1m"],
        }


@pytest.fixture
def proxy(registry: RegistryServer) -> Iterator[RegistryProxy]:
    with RegistryProxy(registry.url) as proxy:
        yield proxy
        proxy.heal()


@pytest.fixture(params=["avro", "json-schema"])
def desk(
    kafka: KafkaCluster, registry: RegistryServer, proxy: RegistryProxy, tmp_path: Path,
    fresh_name: Callable[[str], str], request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    topic = fresh_name("named")
    kafka.create_topic(topic, 1)
    desk = Desk(kafka, registry, proxy, tmp_path, topic, request.param, capfd)
    desk.fill()
    return desk


def test_values_are_read_by_what_the_registry_tells(desk: Desk) -> None:
    torn = {"avro.trailing" if desk.encoding == "avro" else "json.trailing": 1}
    readers = desk.readers
    assert desk.ask(*readers["infer"]) == 0
    assert (desk.report["learnt"], desk.report["passed_over"]) == (GOOD, torn)
    assert f"encoding, value: {desk.encoding}" in desk.report["contract"]
    assert desk.ask(*readers["diff"]) == 0
    assert (desk.report["records"], desk.report["comparison"]["newly_held"]) == (GOOD + 1, 10)
    assert desk.ask(*readers["observe"]) == 0
    (stream,) = desk.report["streams"]
    assert {one["rule"]: one["records"] for one in stream["reasons"]} == torn
    assert desk.ask(*readers["check"]) == ExitCode.FINDINGS
    assert (desk.report["passed"], desk.report["held"]) == (GOOD, 1)
    assert desk.ask(*readers["check a range"]) == 0
    assert desk.report["records"] == 10
    assert desk.ask(*readers["check a window"]) == ExitCode.FINDINGS
    assert (desk.report["passed"], desk.report["held"]) == (GOOD, 1)
    logins = Counter(headers.get("authorization") or headers.get("Authorization") for _, headers in desk.proxy.asked)
    assert set(logins) == {LOGIN}
    assert sorted(path.suffix for path in desk.folder.iterdir()) == [".password", ".yaml", ".yaml", ".yaml"]


FAULTS: dict[str, tuple[Callable[[RegistryProxy], None], str]] = {
    "down": (RegistryProxy.go_down, "WM-REGISTRY-UNREACHABLE"),
    "slow": (RegistryProxy.hold, "WM-REGISTRY-UNREACHABLE"),
    "wrong": (lambda proxy: proxy.answer_all(b"<html>please log in</html>", 200), "WM-REGISTRY-ANSWER"),
    "denied": (lambda proxy: proxy.answer_all(b"{}", 401), "WM-REGISTRY-DENIED"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("desk", ["avro"], indirect=True)
def test_a_registry_that_cannot_tell_ends_every_reader_with_its_code(desk: Desk, fault: str) -> None:
    break_it, code = FAULTS[fault]
    break_it(desk.proxy)
    for name, arguments in desk.readers.items():
        assert desk.ask(*arguments) == 3, name
        assert code in desk.errors, name


@pytest.mark.parametrize("desk", ["avro"], indirect=True)
def test_without_a_registry_the_option_is_named(desk: Desk) -> None:
    for name, arguments in desk.readers.items():
        assert desk.ask(*arguments, options=[]) == 3, name
        assert "WM-REGISTRY-NONE" in desk.errors, name
        assert "--registry URL" in desk.errors, name


@pytest.mark.parametrize("desk", ["avro"], indirect=True)
def test_schemas_that_nobody_knows_or_reads_are_named_as_such(desk: Desk) -> None:
    unknown = desk.topic + "-unknown"
    desk.cluster.create_topic(unknown, 1)
    desk.topic = unknown
    desk.write([frame(9_999_999, avro_payload({"id": 1, "status": "paid"}))] * 3)
    assert desk.ask(*desk.readers["infer"]) == 3
    assert "WM-SCHEMA-UNKNOWN" in desk.errors
    assert desk.ask(*desk.readers["check"]) == ExitCode.FINDINGS
    assert [one["reason"]["rule"] for one in desk.report["reasons"]] == ["schema.unknown"]
    proto = desk.topic + "-proto"
    desk.cluster.create_topic(proto, 1)
    desk.topic = proto
    schema_id = desk.registry.register(f"{proto}-value", 'syntax = "proto3"; message A { int64 id = 1; }', "PROTOBUF")
    desk.write([frame(schema_id, b"\0\x08\x01")] * 3)
    assert desk.ask(*desk.readers["infer"]) == 3
    assert "WM-SCHEMA-KIND" in desk.errors


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--registry", "http://127.0.0.1:1"], "WM-CLUSTER-CHOICE"),
        (["--client-config", "c.properties"], "WM-CLUSTER-CHOICE"),
        (["--bootstrap", "127.0.0.1:1", "--cluster", "shop"], "WM-CLUSTER-CHOICE"),
        (["--bootstrap", "127.0.0.1:1", "--registry-config", "r.yaml"], "WM-USAGE"),
        (["--bootstrap", "127.0.0.1:1", "--registry", "http://reader:canary-7f3b@127.0.0.1:1"], "WM-CONFIG-SECRET"),
        (["--bootstrap", "127.0.0.1:1", "--registry", "http://registry.example.org"], "WM-CONFIG-PLAINTEXT"),
    ],
)  # fmt: skip
def test_options_that_say_nothing_or_too_much_are_refused(
    options: list[str], code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main.execute(["contract", "infer", "--topic", "orders", *options]) == 2
    errors = capfd.readouterr().err
    assert code in errors
    assert PASSWORD not in errors


@pytest.mark.parametrize(
    "command",
    [["check", "f.jsonl", "--contract", "c"], ["contract", "infer", "f.jsonl"], ["contract", "diff", "a", "b"]],
)
def test_a_cluster_is_named_for_a_topic(command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main.execute([*command, "--bootstrap", "127.0.0.1:1"]) == 2
    assert "--bootstrap is for a topic" in capfd.readouterr().err


def test_a_gate_does_not_run_on_a_cluster_that_it_would_not_heed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main.execute(["gate", "--bootstrap", "127.0.0.1:1"]) == 2
    errors = capfd.readouterr().err
    assert "--bootstrap is for looking" in errors
    assert "WM-CLUSTER-CHOICE" in errors
