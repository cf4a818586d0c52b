"""`readiness` on real Kafka: a live stream, and one that does not exist yet; nothing is created."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watermaster.cli import main
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

pytestmark = pytest.mark.kafka

CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
slaProperties:
- {property: retention, value: 30, unit: d}
- {property: latency, value: 1, unit: d}
"""


def test_a_live_stream_and_a_planned_one(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    config, contract = tmp_path / "watermaster.yaml", tmp_path / "orders.odcs.yaml"
    config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n")
    contract.write_text(CONTRACT)

    def judge(stream: str, *more: str) -> tuple[int, dict[str, Any], set[str]]:
        capfd.readouterr()
        code = main.execute(["readiness", stream, "--config", str(config), "--output", "json", *more])
        document = json.loads(capfd.readouterr().out)
        return code, document, {finding["rule"] for finding in document["findings"]}

    live = fresh_topic(kafka, retention_ms=3_600_000)
    code, document, rules = judge(live, "--contract", str(contract))
    assert (code, document["ready"]) == (1, False)
    assert {"brokers", "min-isr", "outage", "encryption", "login", "retention", "owner", "real-time"} <= rules
    assert "outage" not in judge(live, "--contract", str(contract), "--outage-hours", "0.5")[2]

    planned = fresh_name("planned")
    for _ in range(2):
        rules = judge(planned, "--contract", str(contract))[2]
        assert "topic" in rules, "looking at a topic does not create it"
        assert "retention" not in rules
    assert "contract" in judge(live)[2]
