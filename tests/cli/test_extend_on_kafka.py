"""A consumer stops, its records are about to be deleted, `extend` saves them, and `--restore` puts things back."""

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
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

RETENTION_MS, SEGMENT_MS, STEP_MS, RECORDS, POSITION = 40_000, 500, 250, 40, 8


def run(config: Path, capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capfd.readouterr()
    code = main.execute([*arguments, "--config", str(config), "--output", "json"])
    out, err = capfd.readouterr()
    return code, json.loads(out) if out else err


def test_extend_saves_what_a_stopped_consumer_has_not_read(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings = {"retention_ms": RETENTION_MS, "segment_ms": SEGMENT_MS}
    saved, lost = (fresh_topic(kafka, **settings) for _ in range(2))
    group = fresh_name("group")
    began = time.time_ns() // 1_000_000  # a busy machine needs its time before anything may be deleted
    producer = Producer(kafka.client_config(**{"linger.ms": 0}))
    for number in range(RECORDS):
        for topic in (saved, lost):
            producer.produce(topic, str(number), partition=0, timestamp=began + number * STEP_MS)
            assert producer.flush(30) == 0
    consumer = Consumer(kafka.client_config(**{"group.id": group, "enable.auto.commit": False}))
    consumer.commit(offsets=[TopicPartition(topic, 0, POSITION) for topic in (saved, lost)], asynchronous=False)
    config = tmp_path / "watermaster.yaml"
    config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n    environment: production\n")

    code, planned = run(config, capfd, "extend", saved, "--for", "1h")
    assert code == 0
    assert planned[0]["extension"]["settings"]["retention.ms"] > 3_600_000
    assert kafka.topic_configs(saved)["retention.ms"] == str(RETENTION_MS), "a plan changes nothing"
    code, refused = run(config, capfd, "extend", saved, "--for", "1h", "--yes")
    assert (code, "WM-ENVIRONMENT" in refused) == (2, True)
    code, applied = run(config, capfd, "extend", saved, "--for", "1h", "--yes", "--environment", "production")
    assert (code, applied[0]["applied"], applied[0]["failed"]) == (0, True, None)

    wait_until(lambda: kafka.log_ends(lost, 0)[0] > POSITION, "without it, unread records are deleted", 120)
    assert kafka.log_ends(saved, 0)[0] <= POSITION
    consumer.assign([TopicPartition(saved, 0, POSITION)])
    values: list[bytes | None] = []
    while len(values) < RECORDS - POSITION:
        values += [message.value() for message in consumer.consume(RECORDS, 5) if message.error() is None]
    assert values == [str(number).encode() for number in range(POSITION, RECORDS)]
    consumer.close()

    code, plan = run(config, capfd, "extend", "--restore")
    assert (code, [each["restoration"]["outcome"] for each in plan]) == (0, ["restored"])
    code, back = run(config, capfd, "extend", "--restore", "--yes", "--environment", "production")
    assert (code, back[0]["applied"]) == (0, True)
    assert kafka.topic_configs(saved)["retention.ms"] == str(RETENTION_MS)
    assert run(config, capfd, "extend", "--restore") == (0, [])
    wait_until(lambda: kafka.log_ends(saved, 0)[0] > POSITION, "it is deleted as before", 120)


def test_the_brokers_setting_comes_back_where_a_topic_had_none_of_its_own(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str], tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    topic, group = fresh_topic(kafka), fresh_name("group")
    producer = Producer(kafka.client_config())
    producer.produce(topic, b"record", partition=0)
    assert producer.flush(30) == 0
    consumer = Consumer(kafka.client_config(**{"group.id": group, "enable.auto.commit": False}))
    consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    consumer.close()
    config = tmp_path / "watermaster.yaml"
    config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n")
    code, applied = run(config, capfd, "extend", topic, "--for", "30d", "--yes")
    assert (code, applied[0]["applied"]) == (0, True)
    code, plan = run(config, capfd, "extend", "--restore", "--yes")
    assert (code, plan[0]["restoration"]["settings"]) == (0, {"retention.ms": None})
    assert kafka.topic_configs(topic)["retention.ms"] == "604800000"
