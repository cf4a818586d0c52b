"""Real Prometheus scrapes a monitor of real Kafka and reads our rules; real Alertmanager takes our page and its end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition
from tests.adapters.prometheus.watched_world import used_names

from watermaster.adapters.prometheus.dashboard import rows
from watermaster.adapters.prometheus.rule_file import rules_yaml
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.port import reserve_port
from watermaster.testing.prometheus import PrometheusPrograms
from watermaster.testing.prometheus_server import Alertmanager, Prometheus
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until
from watermaster.wiring.metrics import watched_by

CONFIGURATION = """
clusters: {{primary: {{bootstrap: "{bootstrap}"}}}}
state_directory: state
owners: {{"topic-*": team-orders}}
monitor: {{listen: "127.0.0.1:{port}", poll_ms: 500, raise_after_ms: 0, clear_after_ms: 1000}}
alerts: {{pager: {{kind: alertmanager, url: "{alertmanager}", alarms_min: 1}}}}
"""
WRITTEN = 7
NOT_YET = {
    "watermaster_catch_up_timestamp_seconds",  # of readers that move
    "watermaster_catch_up_safe",
    "watermaster_cluster_problem",  # of clusters that have one
    "watermaster_probe_latency_seconds",  # of clusters with a probe topic
}


class Scene:
    """A group that nobody is in, with records that wait for it."""

    def __init__(self, kafka: KafkaCluster, topic: str, group: str) -> None:
        self.kafka, self.topic, self.group = kafka, topic, group
        producer = Producer(kafka.client_config())
        for _ in range(WRITTEN):
            producer.produce(topic, b"record", partition=0)
        assert producer.flush(30) == 0
        self.commit(0)

    def commit(self, position: int) -> None:
        """As a member, as applications do; who only commits is no group of which anybody could be gone."""
        consumer = Consumer(self.kafka.client_config(**{"group.id": self.group, "enable.auto.commit": False}))
        consumer.subscribe([self.topic])
        wait_until(lambda: consumer.poll(0.2) is not None or consumer.assignment(), "it has joined", 60)
        consumer.commit(offsets=[TopicPartition(self.topic, 0, position)], asynchronous=False)
        consumer.close()

    @property
    def problem(self) -> str:
        return f"primary/{self.group}"


@pytest.fixture
def scene(kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]) -> Scene:
    return Scene(kafka, fresh_topic(kafka, retention_ms=1_800_000), fresh_name("group"))


@pytest.fixture
def alertmanager(prometheus_programs: PrometheusPrograms, tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(prometheus_programs, tmp_path) as server:
        yield server


@pytest.fixture
def monitor(scene: Scene, alertmanager: Alertmanager, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running `watermaster monitor`, and the address of its metrics."""
    port, config = reserve_port(), tmp_path / "watermaster.yaml"
    text = CONFIGURATION.format(bootstrap=scene.kafka.bootstrap, port=port.number, alertmanager=alertmanager.url)
    config.write_text(text)
    command = [sys.executable, "-m", "watermaster", "monitor", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield process, f"127.0.0.1:{port.number}"
    process.kill()
    process.wait()
    port.release()


def test_what_is_scraped_what_fires_and_what_is_paged(
    scene: Scene,
    alertmanager: Alertmanager,
    monitor: tuple[subprocess.Popen[bytes], str],
    prometheus_programs: PrometheusPrograms,
    tmp_path: Path,
) -> None:
    process, address = monitor
    rules = tmp_path / "rules.yml"
    rules.write_text(_hurried(rules_yaml(watched_by(tmp_path / "watermaster.yaml"))))
    with Prometheus(prometheus_programs, tmp_path, {"monitor": address}, [rules], alertmanager) as prometheus:
        _is_scraped(prometheus, scene)
        _is_paged_silenced_and_resolved(alertmanager, scene)
        wait_until(lambda: "WatermasterDeadMansSwitch" in prometheus.firing(), "the dead man's switch fires")
        assert "WatermasterClusterUnknown" not in prometheus.firing()

        # Whoever watches is gone: that nothing is heard is no good news.
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        for name in ("WatermasterClusterUnknown", "WatermasterMonitorSilent", "WatermasterDeadMansSwitch"):
            wait_until(lambda name=name: alertmanager.alerts(alertname=name), f"{name} has come to Alertmanager", 120)


def _hurried(rules: str) -> str:
    """The same rules, evaluated each second and without patience."""
    document = yaml.safe_load(rules)
    for group in document["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule.pop("for", None)
    return yaml.safe_dump(document)


def _is_scraped(prometheus: Prometheus, scene: Scene) -> None:
    of_group = f'{{group="{scene.group}",topic="{scene.topic}"}}'

    def value(name: str) -> float | None:
        return next(iter(prometheus.query(name + of_group).values()), None)

    wait_until(lambda: value("watermaster:unread_records:max") == WRITTEN, "the lag is recorded", 120)
    # The records are seconds old, and are kept for half an hour.
    left = wait_until(lambda: value("watermaster:loss_left_seconds:min"), "the loss horizon is recorded", 120)
    assert 0 < left <= 1800
    fired = wait_until(lambda: _firing_for(prometheus, "WatermasterConsumerStands", scene), "it is said to stand", 120)
    assert fired["condition"] == "gone"
    bare = watched_by(prometheus.directory.parent / "watermaster.yaml")
    shown = {
        name
        for row in rows(bare)
        for panel in row.panels
        for query in panel.queries
        for name in used_names(query.expression)
    }
    # The clusters of a look are served while the rest of the turn is still being judged.
    wait_until(
        lambda: shown - set(prometheus.get("/api/v1/label/__name__/values")["data"]) <= NOT_YET,
        "everything that is shown is there",
        60,
    )


def _firing_for(prometheus: Prometheus, alert: str, scene: Scene) -> Mapping[str, str] | None:
    labels = prometheus.firing().get(alert, ())
    return next((found for found in labels if found.get("group") == scene.group), None)


def _is_paged_silenced_and_resolved(alertmanager: Alertmanager, scene: Scene) -> None:
    def page() -> Mapping[str, Any] | None:
        return next(iter(alertmanager.alerts(problem=scene.problem)), None)

    found = wait_until(page, "the page is there", 120)
    assert found["labels"]["owner"] == "team-orders"
    assert found["status"]["state"] == "active"
    told = found["annotations"]["description"]
    assert len(told) <= 1024
    assert all(f"{question}: " in told for question in ("What", "Whose", "Loss", "Fix", "Copy"))
    assert "Next: watermaster incident show" in told

    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "problem", "value": scene.problem, "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "a person",
        "comment": "it is looked at",
    }
    alertmanager.post("/api/v2/silences", silence)
    wait_until(lambda: (page() or found)["status"]["state"] == "suppressed", "the page is silenced", 60)

    scene.commit(WRITTEN)
    wait_until(lambda: page() is None, "the page is resolved", 120)
