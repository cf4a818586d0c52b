"""Closed windows of a topic on real Kafka: assertions over each, one after another, and each record in one of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from watermaster.cli.errors import ExitCode
from watermaster.cli.main import execute
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

HOUR_MS = 3_600_000
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
"""


class Desk:
    def __init__(self, kafka: KafkaCluster, topic: str, directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.topic, self._capfd = topic, capfd
        self.config, contract = directory / "watermaster.yaml", directory / "c.odcs.yaml"
        self.config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n")
        contract.write_text(CONTRACT)
        self._plain = Producer(kafka.client_config())
        self._producer = Producer(kafka.client_config(**{"transactional.id": topic}))
        self._producer.init_transactions(30)
        self.arguments = ["check", "--contract", str(contract), "--config", str(self.config), "--topic", topic]

    def write(self, at_ms: int, *ids: int) -> None:
        """In one transaction, whose marker is an offset too."""
        self._producer.begin_transaction()
        for number in ids:
            self._producer.produce(self.topic, b'{"id":%d}' % number, partition=number % 2, timestamp=at_ms)
        self._producer.commit_transaction(30)

    def write_plainly(self, at_ms: int, *ids: int) -> None:
        """Without markers, whose time would be now and not the records'."""
        for number in ids:
            self._plain.produce(self.topic, b'{"id":%d}' % number, partition=number % 2, timestamp=at_ms)
        assert self._plain.flush(30) == 0

    def check(self, *more: str) -> tuple[int, Any]:
        self._capfd.readouterr()
        code = execute([*self.arguments, "--output", "json", *more])
        out, _ = self._capfd.readouterr()
        return code, json.loads(out) if out else None


@pytest.fixture
def desk(kafka: KafkaCluster, fresh_topic: FreshTopic, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Desk:
    return Desk(kafka, fresh_topic(kafka, 2), tmp_path, capfd)


def test_the_newest_closed_window(desk: Desk) -> None:
    wait_until(lambda: 2 < time.time() % 3_600 < 3_540, "no window ends while the test runs", timeout_s=90)
    now = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS
    desk.write_plainly(now - 2 * HOUR_MS + 1, 1, 1)
    desk.write_plainly(now - HOUR_MS, 2, 3)
    desk.write_plainly(now - 1, 4)
    desk.write_plainly(now, 4)
    code, report = desk.check("--window", "1h", "--grace", "1s")
    assert (code, report["records"]) == (ExitCode.OK, 3), "each is unique in its window"
    desk.write_plainly(now - 1, 6, 6)
    code, report = desk.check("--window", "1h", "--grace", "1s")
    assert (code, report["records"]) == (ExitCode.OK, 3), "what comes late belongs to the next one"
    code, report = desk.check("--window", "1d", "--grace", "1s")
    assert report["records"] <= 5
    code, _ = desk.check("--window", "1w")
    assert code == ExitCode.USAGE


def test_windows_follow_each_other_and_are_kept(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "watermaster", *desk.arguments, "--output", "json", "--window", "2s", "--grace", "1s",
         "--record", "--follow"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    # The first window is the newest closed one: what comes after its report is in a later one.
    found, written = list[dict[str, Any]](), 0
    while len(found) < 5:
        found.append(json.loads(process.stdout.readline()))
        if len(found) < 4:
            desk.write(time.time_ns() // 1_000_000, written + 1, *([written + 1] if len(found) == 2 else []))
            written += 2 if len(found) == 2 else 1
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    found += map(json.loads, rest.splitlines())
    assert process.returncode in (ExitCode.OK, ExitCode.FINDINGS)
    # The next run goes on behind the last kept window, and judges what nobody has judged yet.
    deadline = time.monotonic() + 60
    while sum(each["report"]["records"] for each in found) < written and time.monotonic() < deadline:
        code, report = desk.check("--window", "2s", "--grace", "1s", "--record")
        if report is not None:
            found.append({"report": report, "code": code})
        time.sleep(0.5)
    assert sum(each["report"]["records"] for each in found) == written, "every record is in one window"
    capfd.readouterr()
    assert execute(["check", "--runs", "--config", str(desk.config), "--output", "json"]) == 0
    runs = json.loads(capfd.readouterr().out)
    windows = [run["window_ms"] for run in reversed(runs)]
    assert all(before[1] == after[0] for before, after in pairwise(windows)), "no window is left out"
    assert {run["stream"] for run in runs} == {desk.topic}
    assert {run["every_ms"] for run in runs} == {2_000}
    assert sum(run["failed_assertions"] for run in runs) == 1, "the doubled id"
