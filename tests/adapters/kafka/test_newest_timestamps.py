"""The newest timestamp on real Kafka, wherever its record lies."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from confluent_kafka import Producer

from watermaster.adapters.kafka.newest_timestamps import NewestTimestamps
from watermaster.monitor.log import PartitionLog
from watermaster.runtime.observed import Unseen
from watermaster.stream.coordinates import TopicPartition
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

pytestmark = pytest.mark.kafka


def write(cluster: KafkaCluster, topic: str, partition: int, *moments_ms: int) -> None:
    producer = Producer(cluster.client_config())
    for moment in moments_ms:
        producer.produce(topic, b"x", partition=partition, timestamp=moment)
    assert producer.flush(30) == 0


def logs_of(cluster: KafkaCluster, topic: str, partitions: int) -> dict[TopicPartition, PartitionLog]:
    found = {}
    for partition in range(partitions):
        start, end = cluster.log_ends(topic, partition)
        found[TopicPartition(topic, partition)] = PartitionLog(start, end, end)
    return found


def read(newest: NewestTimestamps, logs: Mapping[TopicPartition, PartitionLog]) -> dict[int, int]:
    unseen: list[Unseen] = []
    found = newest.read(logs, unseen)
    assert unseen == []
    return {source.partition: moment for source, moment in found.items()}


def test_records_out_of_order(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 3, retention_ms=-1)  # some records are of 1970
    newest = NewestTimestamps(kafka.admin(), 10)
    write(kafka, topic, 0, 1_000, 9_000, 3_000)
    write(kafka, topic, 1, 5)
    assert read(newest, logs_of(kafka, topic, 3)) == {0: 9_000, 1: 5}
    write(kafka, topic, 0, 8_000)
    write(kafka, topic, 2, 7)
    assert read(newest, logs_of(kafka, topic, 3)) == {0: 9_000, 1: 5, 2: 7}
    kafka.delete_records(topic, 1, 1)
    assert read(newest, logs_of(kafka, topic, 3)) == {0: 9_000, 2: 7}


def test_what_brokers_wrote(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 1, message_timestamp_type="LogAppendTime")
    before_ms = time.time_ns() // 1_000_000
    write(kafka, topic, 0, 1_000)
    after_ms = time.time_ns() // 1_000_000
    (moment,) = read(NewestTimestamps(kafka.admin(), 10), logs_of(kafka, topic, 1)).values()
    assert before_ms <= moment <= after_ms


def test_a_log_that_has_not_changed_is_not_asked_for_again(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 1, retention_ms=-1)
    newest = NewestTimestamps(kafka.admin(), 10)
    write(kafka, topic, 0, 1_000)
    logs = logs_of(kafka, topic, 1)
    assert read(newest, logs) == {0: 1_000}
    write(kafka, topic, 0, 2_000)
    assert read(newest, logs) == {0: 1_000}
    assert read(newest, logs_of(kafka, topic, 1)) == {0: 2_000}


def test_partitions_that_are_not_there_are_told_in_one_line(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 1, retention_ms=-1)
    write(kafka, topic, 0, 1_000)
    logs = logs_of(kafka, topic, 1) | {TopicPartition(topic, number): PartitionLog(0, 1, 1) for number in (5, 6)}
    unseen: list[Unseen] = []
    assert list(NewestTimestamps(kafka.admin(), 10).read(logs, unseen).values()) == [1_000]
    assert [each.what for each in unseen] == ["the newest timestamps of 2 partitions"]
