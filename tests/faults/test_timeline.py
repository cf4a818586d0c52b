"""What happens in a real cluster before something is lost stands in the incident's timeline, before the loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.adapters.system_clock import SystemClock
from watermaster.cli import main
from watermaster.incident.signal import SignalKind
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.fleet import Fleet
from watermaster.runtime.incident_ports import Senders
from watermaster.runtime.incident_watch import IncidentWatch
from watermaster.runtime.look_difference import carried, compare_looks
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

HOUR_MS = 3_600_000
AGE_MS = 60_000
RECORDS = 20


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def produce(cluster: KafkaCluster, topic: str) -> None:
    """Old enough to be deleted by a retention of a second, each in a batch of its own so that segments are cut."""
    producer = Producer(cluster.client_config(**{"linger.ms": 0}))
    for number in range(RECORDS):
        producer.produce(topic, b"record", partition=0, timestamp=now_ms() - AGE_MS + number * 1_000)
        assert producer.flush(30) == 0


def read_and_leave(cluster: KafkaCluster, group: str, topic: str) -> Consumer:
    """A member that has read one record; whoever closes it leaves the group empty."""
    consumer = Consumer(
        cluster.client_config(
            **{"group.id": group, "enable.auto.commit": False, "client.id": "billing-app", "auto.offset.reset": "error"}
        )
    )
    consumer.subscribe([topic])
    wait_until(lambda: consumer.poll(0.2) is not None or consumer.assignment(), "it has joined", 60)
    consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    return consumer


def test_a_retention_that_was_shortened_stands_before_the_loss(
    kafka: KafkaCluster,
    fresh_topic: FreshTopic,
    fresh_name: Callable[[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    topic, group = fresh_topic(kafka, retention_ms=HOUR_MS, segment_ms=500), fresh_name("billing")
    config = tmp_path / "watermaster.yaml"
    config.write_text(
        f"clusters: {{primary: {{bootstrap: '{kafka.bootstrap}'}}}}\nstate_directory: state\n"
        "monitor: {raise_after_ms: 600000}  # only a loss, with its five alarms, does not wait\n"
    )
    configuration = load_configuration(config)
    store = DatabaseIncidents(open_database("", configuration.state_directory))
    # A monitor asks for settings once a minute; this one does so at each look.
    fleet = Fleet(configuration, ["primary"], lambda cluster: KafkaSurveyor(connect(cluster), settings_age_s=0))
    watch = IncidentWatch(configuration, fleet.look, store, Senders(), SystemClock(), "one", {})

    produce(kafka, topic)
    consumer = read_and_leave(kafka, group, topic)

    def number() -> int | None:
        watch.turn()
        assert watch.state.leads
        mine = [found for found in store.listed(resolved=False, limit=100) if found.key == f"primary/{group}"]
        lost = [i for i in mine if any(signal.kind is SignalKind.DATA_LOST for signal in i.signals)]
        return lost[0].number if lost else None

    assert number() is None
    consumer.close()
    wait_until(lambda: kafka_is_empty(kafka, group), "the group is empty")
    assert number() is None
    kafka.set_topic_configs(topic, {"retention.ms": 1_000})
    shown = wait_until(number, "the loss is an incident", 120)

    assert main.execute(["incident", "show", str(shown), "--config", str(config)]) == 0
    text = capsys.readouterr().out
    timeline = text[text.index("Timeline (what happened beside it is correlated") :].splitlines()
    changed = next(place for place, line in enumerate(timeline) if f"settings: retention.ms of {topic} was" in line)
    gone = next(place for place, line in enumerate(timeline) if f"{group} has no member any more" in line)
    opened = next(place for place, line in enumerate(timeline) if "opened with 5 of 5 alarms" in line)
    assert gone < changed < opened
    assert "billing-app on " in timeline[gone]
    assert f"{HOUR_MS} (60 min) and is 1000 (1 s)" in timeline[changed]
    assert f"First steps: watermaster extend {topic} --for 24h --cluster primary" in text
    what = text[: text.index("2. Whose")]
    assert f"Shortly before (correlated): settings: retention.ms of {topic}" in what, "what was done, not what followed"


def test_a_broker_that_dies_and_comes_back_is_told_for_its_topics(
    kafka_three: KafkaCluster, fresh_name: Callable[[str], str]
) -> None:
    topic = kafka_three.create_topic(fresh_name("topic"), 3, 3, {"min.insync.replicas": 2})
    victim = kafka_three.leader(topic, 0)
    assert victim is not None
    surveyor = KafkaSurveyor(connect(ClusterConfiguration("primary", kafka_three.bootstrap)))
    # Without groups: librdkafka aborts the process if a coordinator dies that is being asked (see cli/guard.py).
    last = surveyor.survey(group_ids=())
    told: list[tuple[str | None, str]] = []

    def says(subject: str | None, *words: str) -> bool:
        nonlocal last
        survey = surveyor.survey(group_ids=())
        told.extend((difference.subject, difference.text) for difference in compare_looks(last, survey))
        last = carried(last, survey)
        found = " | ".join(text for of, text in told if of == subject)
        return all(word in found for word in words)

    broker = kafka_three.broker(victim)
    broker.kill()
    try:
        wait_until(lambda: says(None, f"broker {victim} is gone; 2 are there"), "the broker is missed", 90)
        wait_until(
            lambda: says(
                topic, f"{topic}[0] ({victim} to ", f"out of sync of {topic}[0] (on {victim}; 2 of 3 in sync)"
            ),
            "its partitions have another leader and a copy less",
            90,
        )
    finally:
        broker.start()
    wait_until(lambda: says(None, f"broker {victim} has come; 3 are there"), "the broker is back", 120)
    wait_until(lambda: says(topic, f"in sync again of {topic}[0] (on {victim}; 3 of 3"), "its copies are back", 120)


def kafka_is_empty(cluster: KafkaCluster, group: str) -> bool:
    described = cluster.admin().describe_consumer_groups([group], request_timeout=30)[group].result(30)
    return not described.members
