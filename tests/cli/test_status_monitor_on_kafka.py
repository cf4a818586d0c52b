"""`status --lag` and `--horizon` on a cluster without a gate and a contract: read-only, right on markers, honest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.cli import main
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

pytestmark = pytest.mark.kafka

CONFIGURATION = """\
clusters:
  primary:
    bootstrap: {bootstrap}
  absent:
    bootstrap: 127.0.0.1:1
"""
HOUR_MS = 3_600_000


def commit(cluster: KafkaCluster, group: str, topic: str, offset: int) -> None:
    consumer = Consumer(cluster.client_config(**{"group.id": group, "enable.auto.commit": False}))
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def lines(config: Path, capfd: pytest.CaptureFixture[str], kind: str, group: str) -> list[Any]:
    capfd.readouterr()
    # Other tests share the cluster, so records of theirs may be lost.
    assert main.execute(["status", f"--{kind}", "--config", str(config), "--output", "json"]) in (0, 1)
    clusters = {cluster["name"]: cluster for cluster in json.loads(capfd.readouterr().out)["clusters"]}
    assert clusters["absent"]["unseen"][0]["code"] == "WM-KAFKA-UNREACHABLE"
    return [line for line in clusters["primary"][kind] if line["group"] == group]


def test_a_transactional_topic_of_which_everything_is_read(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic, group = fresh_topic(kafka, retention_ms=HOUR_MS), fresh_name("group")
    producer = Producer(kafka.client_config(**{"transactional.id": fresh_name("writer")}))
    producer.init_transactions(60)
    for ends in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        for _ in range(10):
            producer.produce(topic, b"record", partition=0)
        ends(60)
    # Last + 1, as consumers commit it: a marker, ten aborted records and another marker lie behind it.
    commit(kafka, group, topic, 10)
    config = tmp_path / "watermaster.yaml"
    config.write_text(CONFIGURATION.format(bootstrap=kafka.bootstrap))
    (lag,) = lines(config, capfd, "lag", group)
    assert (lag["records"], lag["records_min"], lag["time_ms"], lag["evidence"]) == (0, 0, 0, "probe")
    (horizon,) = lines(config, capfd, "horizon", group)
    assert (horizon["known"], horizon["cause"], horizon["lost_max"]) == (True, "expiry", 0)
    # An open transaction holds records back: they are no lag yet, and counted apart.
    producer.begin_transaction()
    producer.produce(topic, b"record", partition=0)
    assert producer.flush(30) == 0
    (lag,) = lines(config, capfd, "lag", group)
    assert (lag["records"], lag["held_back"]) == (0, 1)
    producer.commit_transaction(60)
    (lag,) = lines(config, capfd, "lag", group)
    assert lag["records_min"] == 1
    assert lag["records"] >= 1


def test_what_is_shown_of_groups_and_that_nothing_is_left_behind(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic, slow, late = fresh_topic(kafka, retention_ms=HOUR_MS), fresh_name("slow"), fresh_name("late")
    producer = Producer(kafka.client_config())
    written_ms = int(time.time() * 1000) - 600_000
    for _ in range(100):
        producer.produce(topic, b"record", partition=0, timestamp=written_ms)
    assert producer.flush(30) == 0
    commit(kafka, slow, topic, 40)
    commit(kafka, late, topic, 5)
    kafka.delete_records(topic, 0, 10)
    config = tmp_path / "watermaster.yaml"
    config.write_text(CONFIGURATION.format(bootstrap=kafka.bootstrap))
    groups_before = {group.group_id for group in kafka.admin().list_consumer_groups().result().valid}
    (line,) = lines(config, capfd, "lag", slow)
    assert (line["records"], line["records_min"]) == (60, 1)
    assert line["time_ms"] >= 600_000
    (line,) = lines(config, capfd, "horizon", slow)
    assert (line["cause"], line["at_ms"]) == ("time", written_ms + HOUR_MS)
    (line,) = lines(config, capfd, "horizon", late)
    assert (line["cause"], line["lost_max"], line["left_ms"]) == ("lost", 5, 0)
    assert {group.group_id for group in kafka.admin().list_consumer_groups().result().valid} == groups_before
    assert kafka.committed(slow, topic) == {0: 40}

    assert main.execute(["status", "--lag", "--horizon", "--config", str(config), "--cluster", "primary"]) == 1
    out = capfd.readouterr().out
    assert "records are gone that" in out
    assert late in out
    assert "age (retention.ms)" in out
    assert main.execute(["status", "--config", str(config), "--cluster", "primary"]) == 0
    assert "loss horizon: up to " in capfd.readouterr().out
