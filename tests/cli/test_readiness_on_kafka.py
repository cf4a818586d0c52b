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
        _, document, rules = judge(planned, "--contract", str(contract))
        assert "topic" in rules, "looking at a topic does not create it"
        told = {finding["rule"]: finding["message"] for finding in document["findings"]}
        assert told["min-isr"] == "min.insync.replicas is 1 by the brokers' defaults"
        assert told["retention"].endswith("the topic keeps 168 h by the brokers' defaults")
        assert "settings" not in rules
    assert "contract" in judge(live)[2]


GATE = """
gates:
  orders:
    cluster: primary
    metrics_listen: null
    streams: [{{landing: {landing}, trusted: {trusted}, contract: orders.odcs.yaml, quarantine: {quarantine}}}]
"""


def test_a_stream_on_three_brokers_with_a_gate_and_a_standby(
    kafka_three: KafkaCluster,
    kafka: KafkaCluster,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    landing, trusted, quarantine = fresh_name("landing"), fresh_name("trusted"), fresh_name("dlq")
    kept = {"retention.ms": 7 * 86_400_000, "min.insync.replicas": 2}
    kafka_three.create_topic(landing, 3, 3, kept)
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "orders.odcs.yaml").write_text(CONTRACT.replace("value: 30", "value: 3"))
    config = tmp_path / "watermaster.yaml"
    clusters = f"""clusters:
  primary: {{bootstrap: "{kafka_three.bootstrap}"}}
  standby: {{bootstrap: "{kafka.bootstrap}"}}
  elsewhere: {{bootstrap: "127.0.0.1:1", environment: staging}}
contracts: contracts
"""
    config.write_text(clusters + GATE.format(landing=landing, trusted=trusted, quarantine=quarantine))

    def judge(stream: str) -> dict[str, tuple[str, str]]:
        capfd.readouterr()
        main.execute(["readiness", stream, "--config", str(config), "--cluster", "primary", "--output", "json"])
        findings = json.loads(capfd.readouterr().out)["findings"]
        return {finding["rule"]: (finding["severity"], finding["message"]) for finding in findings}

    found = judge(landing)
    assert found["quarantine"] == ("error", f"its quarantine {quarantine} does not exist")
    assert found["standby"] == ("warning", "no copy of it is on standby"), "staging is no standby of production's"
    assert (
        not {"replication", "min-isr", "acks", "retention", "outage", "transactions", "internal-topics"} & found.keys()
    )
    # What `gate topics` would create is judged, not what the brokers would.
    planned = judge(trusted)
    assert "topic" in planned
    assert not {"replication", "min-isr", "acks", "settings"} & planned.keys()

    kafka_three.create_topic(quarantine, 3, 3, {"retention.ms": 3_600_000})
    kafka.create_topic(f"primary.{landing}", 3)
    found = judge(landing)
    assert found["quarantine"] == ("warning", f"its quarantine {quarantine} keeps records for 1 h")
    assert "standby" not in found
    kafka_three.set_topic_configs(quarantine, {"retention.ms": 14 * 86_400_000})
    kafka_three.set_topic_configs(
        landing, {"min.insync.replicas": 4, "unclean.leader.election.enable": "true", "retention.ms": 3_600_000}
    )
    found = judge(landing)
    assert "quarantine" not in found
    assert found["acks"] == ("error", "min.insync.replicas is 4 of 3 replica(s)")
    assert {"unclean-election", "outage", "retention"} <= found.keys()
