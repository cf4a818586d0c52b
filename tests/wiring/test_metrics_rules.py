"""`metrics rules` and `metrics dashboard` from a configuration and its contracts; nothing is connected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from watermaster.cli import main

CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema: [{name: orders, logicalType: object, properties: [{name: id, logicalType: string}]}]
slaProperties:
- {property: latency, value: 5, unit: s}
- {property: errorRate, value: 1, unit: percent}
"""
CONFIG = """clusters: {primary: {bootstrap: "127.0.0.1:1"}}
contracts: .
owners: {"orders*": team-orders}
gates: {g: {cluster: primary, streams: [{landing: orders.landing, trusted: orders, contract: orders.odcs.yaml}]}}
"""


def test_promises_of_the_contract_become_rules(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "orders.odcs.yaml").write_text(CONTRACT)
    config = tmp_path / "watermaster.yaml"
    config.write_text(CONFIG)
    assert main.execute(["metrics", "rules", "--config", str(config)]) == 0
    groups = {group["name"]: group["rules"] for group in yaml.safe_load(capfd.readouterr().out)["groups"]}
    budgets = [rule for rule in groups["watermaster-slo"] if rule.get("record") == "watermaster:slo_budget:ratio"]
    assert [(rule["labels"]["slo"], rule["labels"]["owner"]) for rule in budgets] == [
        ("latency", "team-orders"),
        ("error_rate", "team-orders"),
    ]
    assert main.execute(["metrics", "dashboard", "--config", str(config)]) == 0
    assert json.loads(capfd.readouterr().out)["uid"] == "watermaster"


def test_a_contract_that_cannot_be_read_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "watermaster.yaml"
    config.write_text(CONFIG)
    assert main.execute(["metrics", "rules", "--config", str(config)]) == 2
    assert "WM-METRICS-CONTRACT" in capfd.readouterr().err
