"""`status --all` over clusters of which some are down, and `status --watch` as a script reads it."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.cli import main
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

pytestmark = pytest.mark.kafka

CONFIGURATION = """\
clusters:
  absent:
    bootstrap: 127.0.0.1:1
  gone:
    bootstrap: 127.0.0.1:2
  primary:
    bootstrap: {bootstrap}
"""


@pytest.fixture
def config(kafka: KafkaCluster, tmp_path: Path) -> Path:
    path = tmp_path / "watermaster.yaml"
    path.write_text(CONFIGURATION.format(bootstrap=kafka.bootstrap))
    return path


def test_all_clusters_with_those_that_are_down(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # What other tests have left wrong on the shared cluster is a finding.
    assert main.execute(["status", "--all", "--config", str(config), "--output", "json"]) in (0, 1)
    clusters = {each["cluster"]: each for each in json.loads(capfd.readouterr().out)["clusters"]}
    assert set(clusters) == {"absent", "gone", "primary"}
    assert clusters["primary"]["brokers"] == 1
    assert clusters["absent"]["loss_horizon"].startswith("unknown, because ")
    assert clusters["gone"]["brokers"] is None
    assert main.execute(["status", "--all", "--config", str(config)]) in (0, 1)
    assert "1 of 3 clusters answer." in capfd.readouterr().out


def test_watch_for_scripts_sees_a_reader_that_is_gone(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    config: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic, group = fresh_topic(kafka), fresh_name("group")
    producer = Producer(kafka.client_config())
    producer.produce(topic, b"record", partition=0)
    assert producer.flush(30) == 0
    consumer = Consumer(kafka.client_config(**{"group.id": group, "enable.auto.commit": False}))
    consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    consumer.close()
    arguments = ["status", "--watch", "--looks", "2", "--every", "1", "--cluster", "primary"]
    assert main.execute([*arguments, "--config", str(config), "--output", "json"]) == 0
    looks = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert len(looks) == 2
    for (look,) in looks:
        (line,) = [each for each in look["lag"] if each["group"] == group]
        # Offsets were committed without ever being a member: Kafka calls such a group simple or empty.
        assert line["condition"] in ("gone", "unknown")
        assert line["records"] == 1


def test_the_live_page_on_a_terminal_ends_with_ctrl_c(kafka: KafkaCluster, config: Path) -> None:
    terminal, inner = pty.openpty()
    command = [sys.executable, "-m", "watermaster", "status", "--watch", "--cluster", "primary", "--every", "1"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    with subprocess.Popen([*command, "--config", str(config)], stdin=inner, stdout=inner, env=environment) as process:
        os.close(inner)
        seen, until_s = b"", time.monotonic() + 60
        try:
            while b"health:" not in seen and time.monotonic() < until_s:
                if select.select([terminal], [], [], 1)[0]:
                    seen += os.read(terminal, 65_536)
            assert b"health:" in seen
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.terminate()
            os.close(terminal)
