"""Looking at real Kafka: everything that answers is seen, everything else is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer

from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.observation import KafkaObserver
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

pytestmark = pytest.mark.kafka


def observer(cluster: KafkaCluster) -> KafkaObserver:
    return KafkaObserver(connect(ClusterConfiguration("c", cluster.bootstrap)))


def produce(cluster: KafkaCluster, topic: str, partition: int, count: int, **more: object) -> None:
    producer = Producer(cluster.client_config())
    for number in range(count):
        producer.produce(topic, f'{{"n": {number}}}'.encode(), partition=partition, **more)
    assert producer.flush(30) == 0


def test_a_topic(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    # Kept for ever: some of the records are old, and a broker deletes those at its next look.
    topic = fresh_topic(kafka, 2, retention_ms=-1, max_message_bytes=2_000_000)
    produce(kafka, topic, 0, 10)
    produce(kafka, topic, 1, 5, timestamp=1_600_000_000_000)
    kafka.delete_records(topic, 0, 4)
    seen = observer(kafka).topics([topic])[topic]
    assert seen.topic_id == kafka.topic_id(topic)
    assert [(part.start, part.end) for part in seen.partitions] == [(4, 10), (0, 5)]
    assert (seen.records, seen.records_last_hour, seen.replication) == (11, 6, 1)
    assert (seen.settings["retention.ms"], seen.settings["max.message.bytes"]) == ("-1", "2000000")
    assert seen.unseen == ()


def test_samples_are_the_newest_records_as_they_are(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 1, retention_ms=-1)  # the records are of 1970
    produce(kafka, topic, 0, 30, key=b"\x00k", headers=[("a", None), ("a", b"\xff")], timestamp=5)
    look = observer(kafka)
    sample = look.sample([look.topics([topic])[topic]], 3).by_topic[topic]
    assert [(record.offset, record.value) for record in sample.records] == [
        (27, b'{"n": 27}'),
        (28, b'{"n": 28}'),
        (29, b'{"n": 29}'),
    ]
    record = sample.records[0]
    assert (record.key, record.headers, record.timestamp_ms) == (b"\x00k", [("a", None), ("a", b"\xff")], 5)


def test_what_was_aborted_is_not_seen(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]
) -> None:
    topic = fresh_topic(kafka, 1)
    producer = Producer(kafka.client_config(**{"transactional.id": fresh_name("t")}))
    producer.init_transactions(30)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        producer.produce(topic, end.__name__.encode())
        producer.flush(30)
        end(30)
    look = observer(kafka)
    sample = look.sample([look.topics([topic])[topic]], 10).by_topic[topic]
    assert [record.value for record in sample.records] == [b"commit_transaction"]
    assert sample.unseen is None


@pytest.fixture
def hung(kafka_three: KafkaCluster, fresh_name: Callable[[str], str]) -> Iterator[str]:
    """A topic with a partition on each broker alone; the broker of partition 0 stands still."""
    topic = kafka_three.create_topic(fresh_name("hung"), 3, 1)
    for partition in range(3):
        produce(kafka_three, topic, partition, 5)
    node = kafka_three.leader(topic, 0)
    assert node is not None
    kafka_three.broker(node).pause()
    yield topic
    kafka_three.broker(node).resume()
    kafka_three.wait_until_ready()


def test_a_broker_that_hangs_hides_only_its_own(kafka_three: KafkaCluster, hung: str) -> None:
    look = observer(kafka_three)
    seen = look.topics([hung])[hung]
    assert (seen.partitions[0].start, seen.partitions[0].end) == (None, None)
    assert [part.end for part in seen.partitions[1:]] == [5, 5]
    assert {unseen.code for unseen in seen.unseen} <= {"WM-KAFKA-TIMEOUT", "WM-KAFKA-NO-LEADER"}
    assert any(unseen.what in (f"the offsets of {hung}[0]", f"{hung}[0]") for unseen in seen.unseen)
    sample = look.sample([seen], 4).by_topic[hung]
    assert len(sample.records) == 4
