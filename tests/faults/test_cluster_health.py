"""What is wrong with a cluster: each fault on real Kafka raises its signal, and healing clears it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.monitor.health import CERTIFICATE_MS, Signal, judge_certificates
from watermaster.monitor.transaction import HANGING_MS
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.monitor import Monitor
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka


def monitor_of(cluster: KafkaCluster) -> Monitor:
    return Monitor(KafkaSurveyor(connect(ClusterConfiguration("test", cluster.bootstrap))))


def found(monitor: Monitor) -> set[tuple[Signal, str]]:
    # Without groups: librdkafka aborts the process if a coordinator dies that is being asked (see cli/guard.py).
    return {(problem.signal, problem.subject) for problem in monitor.look(group_ids=()).problems}


def test_a_broker_that_dies_and_comes_back(kafka_three: KafkaCluster, fresh_name: Callable[[str], str]) -> None:
    def topic(copies: int, needed: int) -> str:
        return kafka_three.create_topic(
            fresh_name("topic"), 3 if copies == 1 else 1, copies, {"min.insync.replicas": needed}
        )

    alone, two, three = topic(1, 1), topic(2, 2), topic(3, 2)
    victim = kafka_three.leader(two, 0)
    assert victim is not None
    (offline,) = [number for number in range(3) if kafka_three.leader(alone, number) == victim]
    expected = {
        (Signal.NO_BROKER, f"broker {victim}"),
        (Signal.OFFLINE, f"{alone}[{offline}]"),
        (Signal.UNDER_MIN_IN_SYNC, f"{two}[0]"),
        (Signal.UNDER_REPLICATED, f"{three}[0]"),
    }
    monitor = monitor_of(kafka_three)
    # Other tests share the cluster, so only what is about this one counts.
    assert not found(monitor) & expected
    broker = kafka_three.broker(victim)
    broker.kill()
    try:
        wait_until(lambda: found(monitor) >= expected, "the missing broker is seen in all that it held", 90)
    finally:
        broker.start()
    wait_until(lambda: not found(monitor) & expected, "nothing of it is wrong any more", 120)


def test_brokers_that_do_not_agree(kafka_three: KafkaCluster) -> None:
    admin = kafka_three.admin()

    def set_on_one(operation: AlterConfigOpType) -> None:
        entry = ConfigEntry("message.max.bytes", "2000000", incremental_operation=operation)
        resource = ConfigResource(ConfigResource.Type.BROKER, "2", incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result(30)

    drift = (Signal.DRIFT, "setting message.max.bytes")
    assert drift not in found(monitor_of(kafka_three))
    set_on_one(AlterConfigOpType.SET)
    try:
        # A new monitor asks for settings at once; an old one does so once a minute.
        wait_until(lambda: drift in found(monitor_of(kafka_three)), "the difference is seen", 60)
    finally:
        set_on_one(AlterConfigOpType.DELETE)
    wait_until(lambda: drift not in found(monitor_of(kafka_three)), "the brokers agree again", 60)


def test_a_transaction_that_nobody_ends(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]
) -> None:
    """Row 32: named with its producer; records that claim to be old do not make a transaction old."""
    topic, name = fresh_topic(kafka), fresh_name("writer")
    producer = Producer(kafka.client_config(**{"transactional.id": name, "transaction.timeout.ms": 600_000}))
    producer.init_transactions(60)
    began_ms = time.time_ns() // 1_000_000
    producer.begin_transaction()
    producer.produce(topic, b"record", partition=0, timestamp=began_ms - 2 * HANGING_MS)
    assert producer.flush(30) == 0
    ended_ms = time.time_ns() // 1_000_000
    hanging = (Signal.HANGING_TRANSACTION, f"{topic}[0]")
    now = monitor_of(kafka)
    assert hanging not in found(now)
    # An hour later, says the clock of the look: nobody waits for the transaction to become old.
    later = Monitor(
        KafkaSurveyor(
            connect(ClusterConfiguration("test", kafka.bootstrap)), lambda: time.time_ns() // 1_000_000 + 3_600_000
        )
    )
    (problem,) = [each for each in later.look().problems if each.subject == f"{topic}[0]"]
    assert problem.signal is Signal.HANGING_TRANSACTION
    assert problem.since_ms is not None
    assert began_ms <= problem.since_ms <= ended_ms
    assert f"1 offsets are held back by transactional id {name} (producer " in problem.text
    producer.abort_transaction(60)
    wait_until(lambda: hanging not in found(later), "the transaction is over", 60)
    assert hanging not in found(now)


def test_a_topic_whose_settings_change(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka)
    changed, unclean = (Signal.DRIFT, f"topic {topic}"), (Signal.UNCLEAN, f"topic {topic}")
    surveyor = KafkaSurveyor(connect(ClusterConfiguration("test", kafka.bootstrap)), settings_age_s=0)
    monitor = Monitor(surveyor)
    assert not found(monitor) & {changed, unclean}
    kafka.set_topic_configs(topic, {"unclean.leader.election.enable": "true"})
    wait_until(lambda: found(monitor) >= {changed, unclean}, "the change is seen", 60)
    kafka.set_topic_configs(topic, {"unclean.leader.election.enable": "false"})
    wait_until(lambda: not found(monitor) & {changed, unclean}, "it is as it was", 60)


def test_certificates(kafka_secured: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("secured")
    kafka_secured.client_properties("admin", directory / "client.properties")
    config = directory / "watermaster.yaml"
    config.write_text(
        f"clusters:\n  primary:\n    bootstrap: {kafka_secured.bootstrap}\n    client_config: client.properties\n"
    )
    cluster = load_configuration(config).clusters["primary"]
    report = Monitor(KafkaSurveyor(connect(cluster))).look()
    # The kit's certificates live for a week: broker and authority both end within three.
    ends = {each.whose: each.ends_ms for each in report.survey.certificates}
    assert set(ends) == {"certificate of broker 1", "trusted authority 1 of this client"}
    wrong = {problem.subject for problem in report.problems if problem.signal is Signal.CERTIFICATE}
    assert wrong == set(ends)
    renewed = [each._replace(ends_ms=report.survey.taken_ms + CERTIFICATE_MS) for each in report.survey.certificates]
    assert judge_certificates(renewed, report.survey.taken_ms) == []


def test_a_rebalance_is_seen_by_its_state(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]
) -> None:
    """A member that does not poll keeps the others waiting; how long that may last is a table in the rules' test."""
    topic, group = fresh_topic(kafka, 2), fresh_name("group")
    settings = {"group.id": group, "session.timeout.ms": 45_000, "max.poll.interval.ms": 60_000}
    first, second = (Consumer(kafka.client_config(**settings)) for _ in range(2))
    first.subscribe([topic])
    wait_until(lambda: first.poll(0.2) is None and first.assignment(), "the first has joined", 60)
    second.subscribe([topic])
    surveyor = KafkaSurveyor(connect(ClusterConfiguration("test", kafka.bootstrap)))

    def state() -> str:
        second.poll(0.1)
        return next(each.state for each in surveyor.survey([group]).groups if each.group_id == group)

    wait_until(lambda: state() == "PREPARING_REBALANCING", "the group waits for the one that does not poll", 30)
    wait_until(lambda: first.poll(0.1) is None and state() == "STABLE", "it polls, and the group settles", 60)
    first.close()
    second.close()
