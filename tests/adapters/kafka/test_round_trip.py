"""A record there and back on real Kafka: with the least permissions, and what hinders it is told and heals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer

from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.round_trip import KafkaRoundTrip
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observed import Unseen
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka


def way(cluster: KafkaCluster, topic: str, patience_s: float = 10.0) -> KafkaRoundTrip:
    return KafkaRoundTrip(client_settings(ClusterConfiguration("c", cluster.bootstrap)), topic, patience_s)


def written(cluster: KafkaCluster, topic: str, partitions: int) -> int:
    return sum(cluster.log_ends(topic, number)[1] for number in range(partitions))


def test_there_and_back_through_every_partition(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 3)
    trip = way(kafka, topic)
    times = [trip.measure() for _ in range(4)]
    assert all(isinstance(each, int) and each >= 0 for each in times)
    # The first one opens the way.
    assert written(kafka, topic, 3) == 5
    assert all(kafka.log_ends(topic, number)[1] for number in range(3))
    trip.close()


def test_a_write_that_is_refused_is_told_and_heals(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 1)
    trip = way(kafka, topic, 3.0)
    assert isinstance(trip.measure(), int)
    kafka.set_topic_configs(topic, {"max.message.bytes": 1})
    lost = trip.measure()
    assert isinstance(lost, Unseen)
    assert lost.what == f"a record through {topic}"
    kafka.set_topic_configs(topic, {"max.message.bytes": 1_000_000})
    wait_until(lambda: isinstance(trip.measure(), int), "records come back again", 60)
    trip.close()


def test_a_transaction_that_hangs_holds_it_back(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]
) -> None:
    topic = fresh_topic(kafka, 1)
    producer = Producer(kafka.client_config(**{"transactional.id": fresh_name("writer")}))
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(topic, b"open")
    assert producer.flush(30) == 0
    trip = way(kafka, topic, 3.0)
    lost = trip.measure()
    assert isinstance(lost, Unseen)
    assert lost.code == "WM-PROBE-LOST"
    producer.abort_transaction(60)
    wait_until(lambda: isinstance(trip.measure(), int), "records come back again", 60)
    trip.close()


def test_a_topic_that_is_not_there_is_not_made(kafka: KafkaCluster, fresh_name: Callable[[str], str]) -> None:
    lost = way(kafka, fresh_name("absent"), 3.0).measure()
    assert isinstance(lost, Unseen)
    assert lost.code == "WM-KAFKA-UNKNOWN-TOPIC"


def test_read_and_write_on_the_topic_are_enough(
    kafka_secured: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    topic, user = fresh_topic(kafka_secured, 2), fresh_name("monitor")
    kafka_secured.add_user(user)
    file = kafka_secured.client_properties(user, tmp_path / "client.properties")
    settings = client_settings(ClusterConfiguration("c", kafka_secured.bootstrap, client_config=file))
    kafka_secured.allow(user, "READ", "TOPIC", topic)
    refused = KafkaRoundTrip(settings, topic, 3.0).measure()
    assert isinstance(refused, Unseen)
    assert refused.code.startswith("WM-KAFKA-DENIED"), refused
    kafka_secured.allow(user, "WRITE", "TOPIC", topic)
    trip = KafkaRoundTrip(settings, topic)
    assert isinstance(trip.measure(), int)
    trip.close()
