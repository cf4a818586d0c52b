"""`contract diff --topic`: the newest records of a real topic judged by both contracts, and nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer

from watermaster.cli import main
from watermaster.testing.kafka import KafkaCluster

pytestmark = pytest.mark.kafka

OLD = """apiVersion: v3.2.0
kind: DataContract
id: x
version: '1'
status: active
schema:
- name: orders
  properties:
  - {name: total, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
"""


def test_whose_verdict_changes_on_a_topic(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    topic = fresh_name("orders")
    kafka.create_topic(topic, 2)
    producer = Producer(kafka.client_config())
    for total in range(-10, 90):
        producer.produce(topic, json.dumps({"total": total}).encode(), partition=total % 2)
    assert producer.flush(60) == 0
    old, new = tmp_path / "old.odcs.yaml", tmp_path / "new.odcs.yaml"
    old.write_text(OLD)
    new.write_text(OLD.replace("version: '1'", "version: '2'").replace("minimum: 0", "minimum: -5, maximum: 69"))
    command = ["contract", "diff", str(old), str(new), "--topic", topic, "--bootstrap", kafka.bootstrap]
    before = [kafka.log_ends(topic, number) for number in (0, 1)]
    assert main.execute([*command, "--output", "json", "--fail-on-held"]) == 1
    found = json.loads(capfd.readouterr().out)
    comparison = found["comparison"]
    assert (found["records"], comparison["newly_held"], comparison["newly_passed"]) == (100, 20, 5)
    assert comparison["held_by_both"] == 5
    assert comparison["holding"][0]["examples"][0]["at"].startswith(f"{topic}[")
    assert [kafka.log_ends(topic, number) for number in (0, 1)] == before
