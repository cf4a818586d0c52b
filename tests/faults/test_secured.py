"""The newcomer's path on a cluster with TLS, SCRAM and ACLs: only what `gate topics` lists is granted.

init -> gate --observe -> gate topics -> contract activate -> gate, killed ten times -> gate verify.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Producer

from watermaster.testing.kafka import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

RECORDS = 4_000
KILLS = 10


def watermaster(directory: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "watermaster", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "Traceback" not in done.stderr
    return done.stdout


def produce(cluster: KafkaCluster, topic: str, first: int, count: int) -> None:
    producer = Producer(cluster.client_config(**{"enable.idempotence": True}))
    for number in range(first, first + count):
        price = b'"free"' if number % 50 == 0 else b"%d" % (number % 100)
        producer.produce(topic, b'{"id":%d,"price":%s}' % (number, price), b"k-%d" % number)
        producer.poll(0)
    assert producer.flush(60) == 0


def test_the_newcomers_path_with_minimal_permissions(kafka_secured: KafkaCluster, tmp_path: Path) -> None:
    cluster, landing = kafka_secured, "newcomer.landing"
    cluster.create_topic(landing, 3)
    produce(cluster, landing, 0, RECORDS)
    cluster.add_user("newcomer")
    cluster.allow("newcomer", ["READ"], "TOPIC", landing)
    cluster.client_properties("newcomer", tmp_path / "client.properties", style="java")
    cluster.client_properties("admin", tmp_path / "admin.properties")

    watermaster(
        tmp_path, "init", "--bootstrap", cluster.bootstrap, "--client-config", "client.properties",
        "--stream", landing, "--yes",
    )  # fmt: skip
    contract = next((tmp_path / "contracts").glob("*.odcs.yaml"))
    contract.write_text(CONTRACT.format(landing=landing))
    observed = json.loads(watermaster(tmp_path, "gate", "--observe", "--from", "beginning", "--output", "json"))
    assert str(RECORDS // 50) in json.dumps(observed)

    # The topics and the permissions are the administrator's to make.
    mine = yaml.safe_load((tmp_path / "watermaster.yaml").read_text())
    gate = next(iter(mine["gates"]))
    cluster_name = mine["gates"][gate]["cluster"]
    mine["gates"][gate]["metrics_listen"] = None
    mine["gates"][gate]["transaction_timeout_ms"] = 10_000
    (tmp_path / "watermaster.yaml").write_text(yaml.safe_dump(mine))
    theirs = {
        **mine,
        "clusters": {cluster_name: {**mine["clusters"][cluster_name], "client_config": "admin.properties"}},
    }
    (tmp_path / "admin.yaml").write_text(yaml.safe_dump(theirs))
    commands = watermaster(tmp_path, "gate", "topics", "--config", "admin.yaml", "--format", "commands")
    assert "kafka-topics" in commands
    watermaster(
        tmp_path, "gate", "topics", "--config", "admin.yaml", "--principal", "User:newcomer", "--with-acls", "--yes"
    )
    watermaster(tmp_path, "contract", "activate", landing, "--config", "admin.yaml", "--yes")

    _killed_again_and_again(cluster, tmp_path, landing)
    verified = json.loads(
        watermaster(tmp_path, "gate", "verify", "--config", "admin.yaml", "--mode", "full", "--output", "json")
    )
    assert verified["verdict"] == "ok"
    counted = {name: sum(p[name] for p in verified["partitions"]) for name in ("read", "passed", "held", "dropped")}
    total = RECORDS + (KILLS + 1) * 300
    assert counted["read"] == total == counted["passed"] + counted["held"]
    assert counted["held"] == len([number for number in range(total) if number % 50 == 0])


def _killed_again_and_again(cluster: KafkaCluster, directory: Path, landing: str) -> None:
    total = RECORDS
    for kill in range(KILLS + 1):
        with (directory / "gate.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "watermaster", "gate"],
                cwd=directory, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        produce(cluster, landing, total, 300)  # the last gate, too, must be up to move these
        total += 300
        if kill == KILLS:
            break
        time.sleep(2 + kill * 0.3)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    until_s = time.monotonic() + 90
    group = next(iter(yaml.safe_load((directory / "watermaster.yaml").read_text())["gates"]))
    while sum(max(0, offset) for offset in cluster.committed(f"watermaster.{group}", landing).values()) < total:
        assert process.poll() is None, (directory / "gate.log").read_text()[-3000:]
        assert time.monotonic() < until_s, (directory / "gate.log").read_text()[-3000:]
        time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: newcomer
version: 1.0.0
status: active
schema:
  - name: newcomer
    physicalName: {landing}
    physicalType: topic
    logicalType: object
    properties:
      - {{name: id, logicalType: integer, required: true}}
      - {{name: price, logicalType: integer, required: true}}
"""
