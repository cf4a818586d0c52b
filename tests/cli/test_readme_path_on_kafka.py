"""The README's path, word for word, on one stream of a cluster with 200 topics: JSON, and Avro with a registry."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import fastavro
import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import NewTopic

from watermaster.cli import main
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.port import reserve_port
from watermaster.testing.reading import read_topic
from watermaster.testing.registry import RegistryServer
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.registry]

TOPICS: Final = 200
PARTITIONS: Final = 2
BEFORE: Final = 2_400
"""Records that `init` learns from; a drafted rule wants a thousand."""
AFTER: Final = 600
ORDER: Any = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "status", "type": "string"},
        {"name": "customer", "type": ["null", "string"]},
    ],
}
Encode: TypeAlias = Callable[[Any], bytes]


@dataclass
class Walk:
    """One person, one folder, one stream."""

    cluster: KafkaCluster
    folder: Path
    name: str
    key: Encode
    value: Encode
    port: int
    capfd: pytest.CaptureFixture[str]
    good: list[bytes] = field(default_factory=list)
    bad: dict[bytes, str] = field(default_factory=dict)
    """Values with the rule that each breaks."""

    @property
    def landing(self) -> str:
        return f"{self.name}.landing"

    @property
    def config(self) -> Path:
        return self.folder / "watermaster.yaml"

    def order(self, number: int, **changes: object) -> bytes:
        status = "paid" if number % 3 else "sent"
        return self.value({"id": number, "status": status, "customer": f"c-{number % 97}", **changes})

    def produce(self, first: int, count: int, bad: dict[bytes, str]) -> None:
        """Good records with what is bad among them."""
        values = [self.order(number) for number in range(first, first + count)]
        self.good += values
        self.bad |= bad
        producer = Producer(self.cluster.client_config())
        for index, value in enumerate([*values[: count // 2], *bad, *values[count // 2 :]]):
            headers = [("trace", b"%d" % index), ("null", None)] if index % 7 == 0 else None
            producer.produce(self.landing, value, self.key(index), index % PARTITIONS, headers=headers)
        assert producer.flush(60) == 0

    def run(self, *arguments: str) -> Any:
        """A command of the README in the folder; what it says to scripts."""
        self.capfd.readouterr()
        assert main.execute([*arguments, "--output", "json"]) == 0, self.capfd.readouterr()
        return json.loads(self.capfd.readouterr().out)

    def serve_metrics_elsewhere(self) -> None:
        """The usual port may be somebody's."""
        text = self.config.read_text()
        self.config.write_text(text.replace("workers: 1", f"workers: 1\n    metrics_listen: 127.0.0.1:{self.port}"))

    def run_gate(self) -> None:
        """`watermaster gate` until it has judged everything, then Ctrl-C."""
        with (self.folder / "gate.log").open("wb") as log:
            command = [sys.executable, "-m", "watermaster", "gate"]
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        try:
            wait_until(lambda: self.judged(process), "everything is judged", 120)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0, (self.folder / "gate.log").read_text()
        finally:
            process.kill()
            process.wait()

    def judged(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, (self.folder / "gate.log").read_text()
        committed = self.cluster.committed(f"watermaster.{self.name}", self.landing)
        return sum(max(0, offset) for offset in committed.values()) == len(self.good) + len(self.bad)


@pytest.fixture(scope="module")
def busy(kafka: KafkaCluster) -> Iterator[KafkaCluster]:
    """A cluster with 200 topics more, half of which name schemas that no registry has."""
    names = [f"readme.quiet-{number:03}" for number in range(TOPICS)]
    for answer in kafka.admin().create_topics([NewTopic(name, 1, 1) for name in names]).values():
        answer.result(60)
    producer = Producer(kafka.client_config())
    for number, name in enumerate(names):
        producer.produce(name, b'{"n": 1}' if number % 2 else b"\0\0\x01\xe2\x40\x06abc")
    assert producer.flush(60) == 0
    yield kafka
    for answer in kafka.admin().delete_topics(names).values():
        answer.result(60)


@pytest.fixture
def walk(
    busy: KafkaCluster,
    tmp_path: Path,
    fresh_name: Callable[[str], str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Walk]:
    monkeypatch.chdir(tmp_path)
    name = fresh_name("readme")
    busy.create_topic(f"{name}.landing", PARTITIONS)
    port = reserve_port()
    yield Walk(busy, tmp_path, name, text_key, json_value, port.number, capfd)
    port.release()


def text_key(number: Any) -> bytes:
    return b"k-%d" % number


def json_value(order: Any) -> bytes:
    return json.dumps(order).encode()


def avro(schema: Any, number: int) -> Encode:
    """Confluent's serializer."""
    parsed = fastavro.parse_schema(schema)

    def encode(value: Any) -> bytes:
        out = io.BytesIO(b"\0" + number.to_bytes(4, "big"))
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, parsed, value)
        return out.getvalue()

    return encode


def follow_the_readme(walk: Walk, later: dict[bytes, str], *named: str) -> str:
    """From `init` to `quarantine groups`; what is written as contract."""
    look = walk.run("init", "--bootstrap", walk.cluster.bootstrap, "--stream", walk.landing, "--yes", *named)
    rows = [entry["row"] for entry in look["look"]["topics"] if entry["row"]["topic"].startswith("readme.quiet-")]
    failing = Counter(row["unseen"]["code"] for row in rows if row["unseen"])
    assert len(rows) == TOPICS
    assert failing == ({"WM-SCHEMA-UNKNOWN": TOPICS // 2} if named else {})
    assert look["look"]["bytes_read"] <= look["look"]["bytes_budget"]
    assert look["remarks"] == []
    walk.serve_metrics_elsewhere()
    walk.produce(BEFORE, AFTER, later)
    assert walk.run("status")["clusters"][0]["gates"][0]["gate"] == walk.name
    (observed,) = walk.run("gate", "--observe")["streams"]
    foreseen = Counter({reason["rule"]: reason["records"] for reason in observed["reasons"]})
    assert foreseen == Counter(walk.bad.values())
    walk.run("gate", "topics")
    walk.run("gate", "topics", "--yes")
    walk.run("contract", "activate", walk.landing, "--yes")
    walk.run_gate()
    walk.run("gate", "verify", "--mode", "full")
    assert_nothing_is_lost_or_altered(walk)
    assert_what_is_bad_is_held_for_its_reason(walk)
    return (walk.folder / "contracts" / f"{walk.name}.odcs.yaml").read_text()


def assert_nothing_is_lost_or_altered(walk: Walk) -> None:
    sent = content(read_topic(walk.cluster.client_config(), walk.landing))
    trusted = read_topic(walk.cluster.client_config(), walk.name)
    assert content(trusted, ours=1) == [one for one in sent if one[2] not in walk.bad]
    assert len(trusted) == len(walk.good)
    held = content(read_topic(walk.cluster.client_config(), f"dlq.{walk.landing}"))
    assert Counter(one[:3] for one in held) == Counter(one[:3] for one in sent if one[2] in walk.bad)


def assert_what_is_bad_is_held_for_its_reason(walk: Walk) -> None:
    groups = walk.run("quarantine", "groups")["groups"]
    assert sum(group["records"] for group in groups) == len(walk.bad)
    landing = read_topic(walk.cluster.client_config(), walk.landing)
    values = {(message.partition(), message.offset()): message.value() for message in landing}
    found = {}
    for record in walk.run("quarantine", "list")["records"]:
        (broken,) = record["broken"]
        found[values[record["origin"]["partition"], record["origin"]["offset"]]] = broken["rule"]
    assert found == walk.bad


def content(messages: Sequence[Message], ours: int = 0) -> list[tuple[object, ...]]:
    """Partition, key, value, timestamp and headers, less those that a gate appends."""
    return [
        (m.partition(), m.key(), m.value(), m.timestamp(), (m.headers() or [])[: len(m.headers() or []) - ours])
        for m in messages
    ]


def test_a_stream_of_json_without_a_registry(walk: Walk) -> None:
    walk.produce(0, BEFORE, {b"{no json": "json.syntax"})
    later = {
        walk.order(9_001, status="gone"): "$.status:enum",
        walk.order(9_002, customer=None): "$.customer:required",
        walk.order(9_003, id="9003"): "$.id:type",
        b"": "json.empty",
    }
    text = follow_the_readme(walk, later)
    assert "encoding" not in text
    assert "registry: main   #" in walk.config.read_text()


def test_a_stream_of_avro_with_a_registry(walk: Walk, registry: RegistryServer) -> None:
    doc = uuid.uuid4().hex
    walk.value = avro(ORDER, registry.register(f"{walk.landing}-value", {**ORDER, "doc": doc}))
    walk.key = avro("long", registry.register(f"{walk.landing}-key", "long"))
    walk.produce(0, BEFORE, {walk.order(9_000) + b"!": "avro.trailing"})
    later = {
        walk.order(9_001, status="gone"): "$.status:enum",
        walk.order(9_002, customer=None): "$.customer:required",
        walk.order(9_003)[:-1]: "avro.truncated",
        b'{"id": 9004}': "frame.magic",
    }
    text = follow_the_readme(walk, later, "--registry", registry.url)
    assert "encoding, value: avro" in text
    assert "encoding: avro\n          logicalType: integer" in text
    assert f'url: "{registry.url}"' in walk.config.read_text()
