"""`init` and `status` on a secured cluster with read-only ACLs: 200 topics, one denied; nothing is left behind."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.observation import KafkaObserver
from watermaster.adapters.kafka.sampling import NO_GROUP, SAMPLE_BYTES_MAX, Sampler
from watermaster.cli import main
from watermaster.contract.document import read_contract
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observed import ObservedGroup
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

QUIET_TOPICS = 192
GROUPS = 50
READER = "reader"
FRAME = b"\x00" + struct.pack(">i", 7)
VALUES: dict[str, list[bytes | None]] = {
    "look.orders.landing": [json.dumps({"id": n, "note": None if n % 2 else "x"}).encode() for n in range(30)],
    "look.framed-json": [FRAME + b'{"a": 1}'],
    "look.framed-avro": [FRAME + b"\x06abc\x02"],
    "look.text": [b"hello \x1b[2J".replace(b"\x1b", b"") + b"you"],
    "look.binary": [b"\xca\xfe\xba\xbe\x00\xff"],
    "look.tombstones": [None],
    "look.large": [json.dumps({"pad": "x" * 300_000}).encode() for _ in range(40)],
    "dlq.look": [b"{}"],
    "denied.secret": [b'{"secret": "canary-0f1a"}'],
}
FORMATS = {
    "look.orders.landing": "JSON",
    "look.framed-json": "JSON with registry framing",
    "look.framed-avro": "Avro or other schema with registry framing",
    "look.text": "text",
    "look.binary": "binary",
    "look.tombstones": "only tombstones",
    "look.large": "JSON",
    "look.empty": "empty",
    "dlq.look": "dead-letter topic",
    "denied.secret": "cannot read",
}


@pytest.fixture(scope="module")
def busy(kafka_secured: KafkaCluster) -> Iterator[KafkaCluster]:
    """The secured cluster with topics of every kind, and a login that may only read some of them."""
    names = [*VALUES, "look.empty", *(f"look.quiet-{number:03}" for number in range(QUIET_TOPICS))]
    answers = kafka_secured.admin().create_topics([NewTopic(name, 2, 1) for name in names])
    for answer in answers.values():
        answer.result(60)
    producer = Producer(kafka_secured.client_config("admin"))
    for topic, values in VALUES.items():
        for value in values:
            producer.produce(topic, value)
            producer.poll(0)
    for number in range(QUIET_TOPICS):
        producer.produce(f"look.quiet-{number:03}", b'{"n": 1}', partition=0)
    assert producer.flush(30) == 0
    kafka_secured.add_user(READER)
    for prefix in ("look.", "dlq.look"):
        kafka_secured.allow(READER, ["READ", "DESCRIBE", "DESCRIBE_CONFIGS"], "TOPIC", prefix, "PREFIXED")
    kafka_secured.allow(READER, ["DESCRIBE"], "TOPIC", "denied.", "PREFIXED")
    yield kafka_secured
    for answer in kafka_secured.admin().delete_topics(names).values():
        answer.result(60)


@pytest.fixture
def properties(busy: KafkaCluster, tmp_path: Path) -> Path:
    return busy.client_properties(READER, tmp_path / "client.properties", "java")


def run_init(bootstrap: str, folder: Path, *more: str) -> int:
    return main.execute(
        ["init", "--bootstrap", bootstrap, "--client-config", str(folder / "client.properties"),
         "--directory", str(folder), *more]
    )  # fmt: skip


def test_look_as_json(busy: KafkaCluster, properties: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = facts(busy)
    capfd.readouterr()
    assert run_init(busy.bootstrap, tmp_path, "--output", "json") == 0
    captured = capfd.readouterr()
    assert captured.err == ""
    shown = json.loads(captured.out)
    rows = {entry["row"]["topic"]: entry["row"] for entry in shown["look"]["topics"]}
    assert {name: rows[name]["guess"]["format"] for name in FORMATS} == FORMATS
    assert all(rows[f"look.quiet-{number:03}"]["guess"]["format"] == "JSON" for number in range(QUIET_TOPICS))
    assert rows["denied.secret"]["unseen"]["code"] == "WM-KAFKA-DENIED-TOPIC"
    assert rows["look.orders.landing"]["records"] == 30
    assert rows["look.orders.landing"]["records_last_hour"] == 30
    assert rows["look.orders.landing"]["guess"]["sampled"] == 20
    assert 0 < shown["look"]["bytes_read"] <= shown["look"]["bytes_budget"] == SAMPLE_BYTES_MAX
    assert shown["written"] == []
    assert not (tmp_path / "watermaster.yaml").exists()
    assert facts(busy) == before
    assert "canary" not in captured.out


def test_status_of_many_groups_from_what_init_wrote(
    busy: KafkaCluster, properties: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    busy.allow(READER, ["DESCRIBE"], "GROUP", "look.", "PREFIXED")
    busy.allow(READER, ["DESCRIBE", "DESCRIBE_CONFIGS"], "BROKER", "kafka-cluster")
    for number in range(GROUPS):
        # Every second one has read the only record of its topic.
        position = TopicPartition(f"look.quiet-{number:03}", 0, number % 2)
        member = Consumer(busy.client_config("admin", **{"group.id": f"look.group-{number:02}"}))
        member.commit(offsets=[position], asynchronous=False)
        member.close()
    before = facts(busy)
    assert run_init(busy.bootstrap, tmp_path, "--stream", "look.orders.landing", "--yes") == 0
    capfd.readouterr()
    config = str(tmp_path / "watermaster.yaml")
    shown = ""

    def look() -> Any:
        nonlocal shown
        assert main.execute(["status", "--lag", "--horizon", "--config", config, "--output", "json"]) == 0
        captured = capfd.readouterr()
        shown += captured.out + captured.err
        (cluster,) = json.loads(captured.out)["clusters"]
        # On a busy machine one look may not reach every record; it says so, and the next one does.
        assert all(line["because"] for line in cluster["horizon"] if not line["known"])
        known = [line["group"] for line in cluster["horizon"] if line["known"]]
        return cluster if len(known) == GROUPS // 2 else None

    cluster = wait_until(look, "a look has reached everything", timeout_s=120)
    for number in range(GROUPS):
        group = f"look.group-{number:02}"
        (lag,) = [line for line in cluster["lag"] if line["group"] == group]
        assert (lag["topic"], lag["partitions"]) == (f"look.quiet-{number:03}", 1)
        assert (lag["records_min"], lag["records"]) == (1 - number % 2, 1 - number % 2)
        (horizon,) = [line for line in cluster["horizon"] if line["group"] == group]
        # An empty group's position expires. Since when it is empty is told by a record that it has read, if by any;
        # else only the age of what is unread is known.
        known, cause = (True, "expiry") if number % 2 else (False, "time")
        assert (horizon["known"], horizon["cause"], horizon["lost_max"]) == (known, cause, 0)
        assert horizon["left_ms"] > 0
    assert facts(busy) == before
    assert "canary" not in shown
    for answer in busy.admin().delete_consumer_groups([f"look.group-{n:02}" for n in range(GROUPS)]).values():
        answer.result(60)


def test_files_for_chosen_topics(
    busy: KafkaCluster, properties: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_init(busy.bootstrap, tmp_path, "--stream", "look.orders.landing", "--yes") == 0
    out = capfd.readouterr().out
    assert "No group was joined" in out
    assert "of a budget of 8.0 MiB" in out
    configuration = load_configuration(tmp_path / "watermaster.yaml", {})
    (stream,) = configuration.gates["look.orders"].streams
    assert (stream.landing, stream.trusted, stream.quarantine) == (
        "look.orders.landing",
        "look.orders",
        "dlq.look.orders.landing",
    )
    assert configuration.clusters["primary"].client_config == tmp_path / "client.properties"
    contract = configuration.contract_path(stream).read_bytes()
    assert read_contract(contract, "c").problems == ()
    written = (tmp_path / "watermaster.yaml").read_text() + contract.decode()
    assert busy.password(READER) not in written + out

    assert run_init(busy.bootstrap, tmp_path, "--yes") == 2
    assert "WM-INIT-EXISTS" in capfd.readouterr().err
    configuration.contract_path(stream).write_text("mine")
    assert run_init(busy.bootstrap, tmp_path, "--all-json", "--yes", "--force") == 0
    capfd.readouterr()
    streams = [
        each for gate in load_configuration(tmp_path / "watermaster.yaml", {}).gates.values() for each in gate.streams
    ]
    assert len(streams) >= QUIET_TOPICS + 2


def test_a_topic_that_cannot_be_guarded(
    busy: KafkaCluster, properties: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_init(busy.bootstrap, tmp_path, "--stream", "denied.secret", "--yes") == 2
    assert "WM-INIT-STREAM" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / "client.properties"]


def test_a_small_budget_is_kept_and_said(busy: KafkaCluster, properties: Path) -> None:
    connection = connect(ClusterConfiguration("c", busy.bootstrap, client_config=properties))
    topics = [topic for topic in KafkaObserver(connection).topics().values() if topic.name.startswith("look.")]
    samples = Sampler(connection.settings, bytes_max=1).sample(topics, 20)
    reasons = [sample.unseen.code for sample in samples.by_topic.values() if sample.unseen]
    assert "WM-KAFKA-SAMPLE-BUDGET" in reasons
    # What is under way when the budget is reached still arrives: the client's queue and one answer.
    assert 1 <= samples.bytes_read < 3 * 1024 * 1024


def facts(cluster: KafkaCluster) -> tuple[list[str], list[str], list[tuple[str, int, int]]]:
    """What a look must leave as it was: topics, groups and their offsets, and the ends of all partitions."""
    admin = cluster.admin()
    listed = admin.list_consumer_groups(request_timeout=20).result(30)
    groups = sorted(group.group_id for group in listed.valid)
    assert NO_GROUP not in groups
    metadata = admin.list_topics(timeout=20)
    topics = sorted(name for name in metadata.topics if name != "__consumer_offsets")
    partitions = [TopicPartition(name, number) for name in topics for number in metadata.topics[name].partitions]
    answers = admin.list_offsets(
        dict.fromkeys(partitions, OffsetSpec.latest()), isolation_level=IsolationLevel.READ_UNCOMMITTED
    )
    ends = sorted((part.topic, part.partition, answer.result(30).offset) for part, answer in answers.items())
    return groups, topics, ends


def test_nothing_is_committed_under_the_name_without_group(
    busy: KafkaCluster, properties: Path, tmp_path: Path
) -> None:
    busy.allow(READER, ["DESCRIBE"], "GROUP", NO_GROUP)
    connection = connect(ClusterConfiguration("c", busy.bootstrap, client_config=properties))
    topics = [topic for topic in KafkaObserver(connection).topics().values() if topic.name.startswith("look.")]
    samples = Sampler(connection.settings).sample(topics, 5)
    assert len(samples.by_topic["look.orders.landing"].records) == 5
    admin = busy.client_properties("admin", tmp_path / "admin.properties")
    group = KafkaObserver(connect(ClusterConfiguration("c", busy.bootstrap, client_config=admin))).groups([NO_GROUP])
    assert group == {NO_GROUP: ObservedGroup(NO_GROUP, "DEAD", 0)}
