"""`reset` moves a group that stands still, keeps what was, and undoes it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.cli import main
from watermaster.cli.reset import parse_target
from watermaster.runtime.reset import Anchor, Moment, Offset
from watermaster.stream.fault import UsageFault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

HOUR_AGO = time.time_ns() // 1_000_000 - 3_600_000


def run(config: Path, capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capfd.readouterr()
    code = main.execute(["reset", *arguments, "--config", str(config), "--output", "json"])
    out, err = capfd.readouterr()
    return code, json.loads(out) if out else err


def commit(cluster: KafkaCluster, group: str, *positions: TopicPartition) -> None:
    consumer = Consumer(cluster.client_config(**{"group.id": group, "enable.auto.commit": False}))
    consumer.commit(offsets=list(positions), asynchronous=False)
    consumer.close()


def test_reset_and_undo(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic, group = fresh_topic(kafka, 2), fresh_name("group")
    producer = Producer(kafka.client_config())
    for number in range(20):
        producer.produce(topic, b"record", partition=0, timestamp=HOUR_AGO + number * 60_000)
    assert producer.flush(30) == 0
    commit(kafka, group, TopicPartition(topic, 0, 5, "of the reader"), TopicPartition(topic, 1, 0))
    config = tmp_path / "watermaster.yaml"
    config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n")

    code, plan = run(config, capfd, group, "--to", "latest")
    assert (code, [(m["skipped"], m["again"]) for m in plan["moves"]], plan["applied"]) == (0, [(15, 0)], False)
    assert kafka.committed(group, topic) == {0: 5, 1: 0}, "a plan changes nothing"
    code, done = run(config, capfd, group, "--to", "latest", "--yes")
    assert (code, done["applied"]) == (0, True)
    assert kafka.committed(group, topic) == {0: 20, 1: 0}
    code, plan = run(config, capfd, "--undo", done["backup"])
    assert (code, [m["again"] for m in plan["moves"]]) == (0, [15])
    assert run(config, capfd, "--undo", done["backup"], "--yes")[0] == 0
    reader = Consumer(kafka.client_config(**{"group.id": group}))
    (back,) = reader.committed([TopicPartition(topic, 0)], 30)
    reader.close()
    assert (back.offset, back.metadata) == (5, "of the reader")
    assert run(config, capfd, "--undo", done["backup"], "--yes")[1]["moves"] == []

    # To the record of ten minutes later, and to an offset that the log does not reach.
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((HOUR_AGO + 600_000) / 1000))
    _, plan = run(config, capfd, group, "--to", moment)
    assert [m["move"]["after"]["offset"] for m in plan["moves"]] == [10]
    _, plan = run(config, capfd, group, "--to", "99", "--topic", topic)
    assert [m["move"]["after"]["offset"] for m in plan["moves"]] == [20]

    # Somebody has read on since: an undo would take that back.
    _, done = run(config, capfd, group, "--to", "earliest", "--yes")
    commit(kafka, group, TopicPartition(topic, 0, 3))
    code, refused = run(config, capfd, "--undo", done["backup"], "--yes")
    assert (code, "WM-RESET-MOVED" in refused) == (2, True)


def test_what_is_refused(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic, group = fresh_topic(kafka), fresh_name("group")
    config = tmp_path / "watermaster.yaml"
    config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n")
    assert "WM-RESET-GATE" in run(config, capfd, "watermaster.orders", "--to", "latest")[1]
    assert "WM-RESET-NOTHING" in run(config, capfd, group, "--to", "latest")[1]
    assert "WM-KAFKA-UNKNOWN-TOPIC" in run(config, capfd, group, "--to", "latest", "--topic", fresh_name("no"))[1]
    assert "WM-USAGE" in run(config, capfd, group)[1]
    (tmp_path / "other.json").write_text("{}")
    assert "WM-RESET-BACKUP" in run(config, capfd, "--undo", str(tmp_path / "other.json"))[1]
    consumer = Consumer(kafka.client_config(**{"group.id": group, "auto.offset.reset": "earliest"}))
    consumer.subscribe([topic])
    wait_until(lambda: consumer.poll(0.2) is None and consumer.assignment(), "the consumer has joined", 60)
    assert "WM-RESET-ACTIVE" in run(config, capfd, group, "--to", "latest", "--topic", topic)[1]
    consumer.close()


def test_targets() -> None:
    assert parse_target("earliest") is Anchor.EARLIEST
    assert parse_target("12") == Offset(12)
    assert parse_target("1970-01-01T00:00:01Z") == parse_target("1970-01-01T00:00:01") == Moment(1000)
    with pytest.raises(UsageFault):
        parse_target("yesterday")
