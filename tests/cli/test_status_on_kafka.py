"""`status` on real Kafka: what a gate has committed, and a cluster that is half down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.cli import main
from watermaster.gate.ledger import LedgerEntry, encode_entry
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

CONFIGURATION = """\
clusters:
  primary:
    bootstrap: {bootstrap}
  absent:
    bootstrap: 127.0.0.1:1
gates:
  {gate}:
    cluster: primary
    streams:
      - landing: {gate}.landing
        trusted: {gate}.trusted
        contract: flights.odcs.yaml
    control: {gate}.control
"""


def ledger_entry(gate: str, topic_id: str, now_ms: int, *, start: int, held: int) -> bytes:
    return encode_entry(
        LedgerEntry(
            gate=gate, cluster="c", topic=f"{gate}.landing", topic_id=topic_id, partition=0, from_=start, to=start + 10,
            activation=2, contract="sha256:x", now_ms=now_ms, read=10, passed=10 - held, held=held, dropped=0,
        )
    )  # fmt: skip


def prepare(cluster: KafkaCluster, gate: str, replication: int) -> None:
    """Topics of a gate, 50 landing records, and the traces of a gate that has judged 20 of them."""
    for topic in (f"{gate}.trusted", f"dlq.{gate}.landing", f"watermaster.ledger.{gate}", f"{gate}.control"):
        cluster.create_topic(topic, 1, replication)
    cluster.create_topic(f"{gate}.landing", 1, replication)
    topic_id = cluster.topic_id(f"{gate}.landing")
    producer = Producer(cluster.client_config())
    for number in range(50):
        producer.produce(f"{gate}.landing", str(number).encode(), partition=0)
    now_ms = int(time.time() * 1000)
    for start, held in ((0, 1), (10, 3)):
        producer.produce(
            f"watermaster.ledger.{gate}", ledger_entry(gate, topic_id, now_ms, start=start, held=held), key=b"k"
        )
    assert producer.flush(30) == 0
    consumer = Consumer(cluster.client_config(**{"group.id": f"watermaster.{gate}", "enable.auto.commit": False}))
    metadata = json.dumps({"a": 2, "t": topic_id})
    position = TopicPartition(f"{gate}.landing", 0, 20, metadata)

    def commits() -> bool:
        """A coordinator that has just moved refuses single partitions, and the client raises nothing for that."""
        return all(part.error is None for part in consumer.commit(offsets=[position], asynchronous=False) or ())

    wait_until(commits, "the gate's position is committed")
    consumer.close()


def status(config: Path, capfd: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capfd.readouterr()
    assert main.execute(["status", "--config", str(config), "--output", "json", *more]) == 0
    captured = capfd.readouterr()
    assert captured.err == ""
    return {cluster["name"]: cluster for cluster in json.loads(captured.out)["clusters"]}


def test_a_gate_and_a_cluster_that_is_absent(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = fresh_name("status")
    prepare(kafka, gate, 1)
    config = tmp_path / "watermaster.yaml"
    config.write_text(CONFIGURATION.format(bootstrap=kafka.bootstrap, gate=gate))
    seen = status(config, capfd)
    (shown,) = seen["primary"]["gates"]
    (stream,) = shown["streams"]
    assert shown["group"]["state"] == "EMPTY"
    assert (stream["lag"], stream["held_share"], stream["judged_recently"], stream["activation"]) == (30, 0.2, 20, 2)
    assert 0 <= stream["last_commit_age_ms"] < 120_000
    assert not stream["recreated"]
    assert seen["primary"]["unseen"] == []
    assert seen["absent"]["cluster"] is None
    assert [unseen["code"] for unseen in seen["absent"]["unseen"]] == ["WM-KAFKA-UNREACHABLE"]

    assert main.execute(["status", "--config", str(config)]) == 0
    out = capfd.readouterr().out
    assert f"Gate {gate}" in out
    assert "20.00%" in out
    assert "absent (development): no answer" in out
    assert "could not see cluster absent" in out


def test_a_landing_topic_that_was_created_anew(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = fresh_name("anew")
    prepare(kafka, gate, 1)
    before = kafka.topic_id(f"{gate}.landing")
    kafka.delete_topic(f"{gate}.landing")
    kafka.create_topic(f"{gate}.landing", 1)
    # Kafka forgets the offsets of a deleted topic; a late commit of the old one is what a gate must notice.
    consumer = Consumer(kafka.client_config(**{"group.id": f"watermaster.{gate}", "enable.auto.commit": False}))
    position = TopicPartition(f"{gate}.landing", 0, 0, json.dumps({"a": 2, "t": before}))
    consumer.commit(offsets=[position], asynchronous=False)
    consumer.close()
    config = tmp_path / "watermaster.yaml"
    config.write_text(CONFIGURATION.format(bootstrap=kafka.bootstrap, gate=gate))
    (stream,) = status(config, capfd, "--cluster", "primary")["primary"]["gates"][0]["streams"]
    assert stream["recreated"]


def test_missing_topics_and_an_unknown_cluster(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = fresh_name("nothing")
    config = tmp_path / "watermaster.yaml"
    config.write_text(CONFIGURATION.format(bootstrap=kafka.bootstrap, gate=gate))
    seen = status(config, capfd, "--cluster", "primary")["primary"]
    assert {unseen["code"] for unseen in seen["unseen"]} == {"WM-KAFKA-UNKNOWN-TOPIC"}
    assert f"{gate}.landing" not in kafka.admin().list_topics(timeout=20).topics
    assert main.execute(["status", "--config", str(config), "--cluster", "primry"]) == 2
    assert "Clusters in watermaster.yaml: absent, primary" in capfd.readouterr().err


@pytest.fixture
def one_down(kafka_three: KafkaCluster, fresh_name: Callable[[str], str]) -> Iterator[tuple[KafkaCluster, str, str]]:
    """Three brokers, a gate whose topics live on all of them, a topic on one alone, and that one killed."""
    gate, alone = fresh_name("half"), fresh_name("alone")
    prepare(kafka_three, gate, 3)
    kafka_three.create_topic(alone, 1, 1)
    node = kafka_three.leader(alone, 0)
    assert node is not None
    kafka_three.broker(node).kill()
    wait_until(lambda: kafka_three.leader(alone, 0) is None, f"{alone} has no leader")
    wait_until(lambda: kafka_three.leader(f"{gate}.landing", 0) not in (None, node), "the landing topic has moved")
    yield kafka_three, gate, alone
    kafka_three.broker(node).start()
    kafka_three.wait_until_ready()


def test_half_down(one_down: tuple[KafkaCluster, str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cluster, gate, alone = one_down
    config = tmp_path / "watermaster.yaml"
    text = CONFIGURATION.format(bootstrap=cluster.bootstrap, gate=gate).replace(f"{gate}.trusted", alone)
    config.write_text(text)

    def settled() -> dict[str, Any] | None:
        """Brokers learn of the new leaders and coordinators one after the other; until then figures may be unknown."""
        seen = status(config, capfd, "--cluster", "primary")["primary"]
        (stream,) = seen["gates"][0]["streams"]
        if stream["lag"] is None or stream["held_share"] is None:
            assert any(gate in unseen["what"] for unseen in seen["unseen"]), seen["unseen"]
        settles = (stream["lag"], stream["held_share"]) == (30, 0.2)
        return cast("dict[str, Any]", seen) if settles else None

    seen = wait_until(settled, "the living brokers know the new leaders")
    assert len(seen["cluster"]["brokers"]) == 2
    assert "WM-KAFKA-NO-LEADER" in {unseen["code"] for unseen in seen["unseen"]}
    landing = next(topic for topic in seen["topics"] if topic["name"] == f"{gate}.landing")
    assert landing["partitions"][0]["in_sync"] == 2
