"""`check` on a topic of real Kafka: up to its ends or ranges of it, with keys, and without a trace in the cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from watermaster.cli.errors import ExitCode
from watermaster.cli.main import execute
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

pytestmark = pytest.mark.kafka

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
name: Orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    customProperties:
      - {property: key, vendor: watermaster, value: {required: true}}
    properties:
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}
"""
GOOD, BAD = b'{"id":1}', b'{"id":0}'

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(kafka: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    config, contract = tmp_path / "watermaster.yaml", tmp_path / "c.odcs.yaml"
    config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n")
    contract.write_text(CONTRACT)

    def check(*arguments: str) -> tuple[int, Any]:
        code = execute(["check", "--contract", str(contract), "--config", str(config), "--output", "json", *arguments])
        out, err = capfd.readouterr()
        return code, json.loads(out) if out else err

    return check


def fill(kafka: KafkaCluster, topic: str) -> None:
    """Two partitions; of ten records in each the last three are bad, and one of the good ones has no key."""
    producer = Producer(kafka.client_config())
    for partition in (0, 1):
        for number in range(10):
            key = None if number == 4 else b"k"
            producer.produce(topic, BAD if number > 6 else GOOD, key, partition=partition)
            assert producer.flush(30) == 0


def test_a_topic_is_judged_to_its_ends_with_its_keys(kafka: KafkaCluster, fresh_topic: FreshTopic, run: Run) -> None:
    topic = fresh_topic(kafka, 2)
    fill(kafka, topic)
    groups = {group.group_id for group in kafka.admin().list_consumer_groups().result().valid}
    code, report = run("--topic", topic)
    assert (code, report["records"], report["held"]) == (ExitCode.FINDINGS, 20, 8)
    assert {line["file"]: line["records"] for line in report["files"]} == {f"{topic}[0]": 10, f"{topic}[1]": 10}
    after = {group.group_id for group in kafka.admin().list_consumer_groups().result().valid}
    assert after <= groups, "no group was joined"


def test_ranges_and_the_newest_records(kafka: KafkaCluster, fresh_topic: FreshTopic, run: Run) -> None:
    topic = fresh_topic(kafka, 2)
    fill(kafka, topic)
    code, report = run("--topic", topic, "--range", "0:0-4", "--range", "1:5-7")
    assert (code, report["records"], report["held"]) == (ExitCode.OK, 6, 0)
    code, report = run("--topic", topic, "--from", "-3")
    assert (code, report["records"], report["held"]) == (ExitCode.FINDINGS, 6, 6)
    assert {tuple(reason["lines"]) for reason in report["reasons"]} == {(7, 8, 9, 7, 8)}, "offsets"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--range", "0:5-11"], "WM-CHECK-RANGE"), (["--range", "7:0-1"], "WM-CHECK-RANGE"),
     (["--range", "0-5"], "WM-CHECK-RANGE"), (["--from", "yesterday"], "WM-OBSERVE-FROM")],
)  # fmt: skip
def test_what_is_not_there_is_refused(
    kafka: KafkaCluster, fresh_topic: FreshTopic, run: Run, arguments: list[str], code: str
) -> None:
    topic = fresh_topic(kafka, 2)
    fill(kafka, topic)
    ended, said = run("--topic", topic, *arguments)
    assert ended == ExitCode.USAGE
    assert f"[{code}]" in said


def test_a_topic_that_is_not_there(run: Run) -> None:
    ended, said = run("--topic", "nobody.knows.it")
    assert ended != ExitCode.OK
    assert "WM-" in said
