"""Clusters against what they promise: one broker, three brokers, on real Kafka."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.administration import state_partition
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.reading import read_topic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka
FreshName = Callable[[str], str]


def produce(producer: Producer, topic: str, values: list[bytes], partition: int = 0) -> None:
    failures: list[str] = []
    for value in values:
        producer.produce(
            topic,
            value,
            partition=partition,
            on_delivery=lambda error, _: failures.append(str(error)) if error else None,
        )
    assert producer.flush(60) == 0
    assert failures == []


def values_of(config: dict[str, Any], topic: str, isolation_level: str = "read_committed") -> list[bytes | None]:
    return [message.value() for message in read_topic(config, topic, isolation_level=isolation_level)]


def transactional(cluster: KafkaCluster, name: str, **more: Any) -> Producer:
    producer = Producer(cluster.client_config(**{"transactional.id": name, **more}))
    producer.init_transactions(30)
    return producer


# One broker


def test_what_is_produced_is_read(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, 2)
    produce(Producer(kafka.client_config(acks="all")), topic, [b"a", b"b"], partition=1)
    assert values_of(kafka.client_config(), topic) == [b"a", b"b"]


def test_only_committed_transactions_are_seen(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: FreshName
) -> None:
    topic = fresh_topic(kafka)
    producer = transactional(kafka, fresh_name("t"))
    for value, end in [(b"kept", producer.commit_transaction), (b"gone", producer.abort_transaction)]:
        producer.begin_transaction()
        produce(producer, topic, [value])
        end(30)
    assert values_of(kafka.client_config(), topic) == [b"kept"]
    assert values_of(kafka.client_config(), topic, "read_uncommitted") == [b"kept", b"gone"]


def test_offsets_are_committed_with_the_transaction(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: FreshName
) -> None:
    source, group = fresh_topic(kafka), fresh_name("g")
    produce(Producer(kafka.client_config()), source, [b"1", b"2", b"3"])
    consumer = Consumer(
        kafka.client_config(
            **{"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 3}
        )
    )
    consumer.subscribe([source])
    wait_until(lambda: consumer.poll(0.5), "a record is read")
    producer = transactional(kafka, fresh_name("t"))
    producer.begin_transaction()
    offsets = [TopicPartition(source, 0, 2)]
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)
    assert kafka.committed(group, source) == {}
    producer.commit_transaction(30)
    # The answer to a commit may come before its markers are written.
    wait_until(lambda: kafka.committed(group, source) == {0: 2}, "the commit is seen")
    assert kafka.group_coordinator(group) == 1
    consumer.close()


def test_a_new_producer_fences_the_old_one(kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: FreshName) -> None:
    topic, name = fresh_topic(kafka), fresh_name("t")
    old = transactional(kafka, name, log_level=0)
    old.begin_transaction()
    produce(old, topic, [b"old"])
    transactional(kafka, name)
    with pytest.raises(Exception, match=r"fenced|FENCED|stale"):
        old.commit_transaction(30)
    assert values_of(kafka.client_config(), topic) == []


def test_a_topic_that_is_made_again_has_another_id(kafka: KafkaCluster, fresh_name: FreshName) -> None:
    name = kafka.create_topic(fresh_name("topic"))
    before = kafka.topic_id(name)
    kafka.delete_topic(name)
    kafka.create_topic(name)
    assert kafka.topic_id(name) != before


def test_topics_grow_change_and_lose_records(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka, retention_ms=1_000_000)
    assert kafka.topic_configs(topic)["retention.ms"] == "1000000"
    kafka.set_topic_configs(topic, {"retention.bytes": 5_000_000})
    wait_until(lambda: kafka.topic_configs(topic)["retention.bytes"] == "5000000", "the new setting is in force")
    assert kafka.topic_configs(topic)["retention.ms"] == "1000000"
    kafka.add_partitions(topic, 3)
    assert kafka.leader(topic, 2) == 1
    produce(Producer(kafka.client_config()), topic, [b"a", b"b", b"c"])
    kafka.delete_records(topic, 0, 2)
    assert kafka.log_ends(topic, 0) == (2, 3)


def test_a_refusal_tells_what_the_broker_said(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka)
    with pytest.raises(WorldFault, match="TOPIC_ALREADY_EXISTS"):
        kafka.create_topic(topic)


def test_a_misspelled_topic_is_not_made(kafka: KafkaCluster, fresh_name: FreshName) -> None:
    with pytest.raises(Exception, match="UNKNOWN_TOPIC"):
        read_topic({**kafka.client_config(), "log_level": 0}, fresh_name("typo"))


# Three brokers


def test_a_killed_leader_is_replaced_and_comes_back(kafka_three: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka_three)
    producer = Producer(kafka_three.client_config(**{"enable.idempotence": True, "log_level": 0}))
    produce(producer, topic, [b"before"])
    leader = kafka_three.leader(topic, 0)
    assert leader is not None
    kafka_three.broker(leader).kill()
    produce(producer, topic, [b"while it is down"])
    assert kafka_three.leader(topic, 0) not in (leader, None)
    kafka_three.broker(leader).start()
    wait_until(lambda: kafka_three.in_sync(topic, 0) == [1, 2, 3], "all copies are in sync again")
    produce(producer, topic, [b"after"])
    config = kafka_three.client_config(log_level=0)
    assert values_of(config, topic) == [b"before", b"while it is down", b"after"]


def test_a_paused_leader_is_fenced_and_resumes(kafka_three: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka_three)
    leader = kafka_three.leader(topic, 0)
    assert leader is not None
    config = kafka_three.client_config(**{"enable.idempotence": True, "log_level": 0, "socket.timeout.ms": 3000})
    kafka_three.broker(leader).pause()
    try:
        produce(Producer(config), topic, [b"a"])
    finally:
        kafka_three.broker(leader).resume()
    wait_until(lambda: kafka_three.in_sync(topic, 0) == [1, 2, 3], "the resumed broker is in sync again")
    assert values_of(config, topic) == [b"a"]


def test_a_clean_restart_keeps_the_data(kafka_three: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka_three, 3)
    produce(Producer(kafka_three.client_config()), topic, [b"a"], partition=2)
    broker = kafka_three.broker(2)
    before = broker.pid
    broker.restart()
    assert broker.pid != before
    assert values_of(kafka_three.client_config(log_level=0), topic) == [b"a"]


def test_three_copies_of_which_two_must_be_in_sync(kafka_three: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka_three)
    assert kafka_three.topic_configs(topic)["min.insync.replicas"] == "2"
    assert kafka_three.in_sync(topic, 0) == [1, 2, 3]


# Misuse


def test_a_cluster_that_is_not_running_says_so() -> None:
    with pytest.raises(UsageFault, match="WM-TESTKIT-STOPPED"):
        _ = KafkaCluster().bootstrap


@pytest.mark.parametrize("brokers", [0, 4])
def test_the_number_of_brokers_is_limited(brokers: int) -> None:
    with pytest.raises(UsageFault, match="1 to 3"):
        KafkaCluster(brokers)


def test_a_broker_that_does_not_start_shows_its_last_words(tmp_path: Path) -> None:
    cluster = KafkaCluster(overrides={"compression.type": "nonsense"})
    with pytest.raises(WorldFault, match="nonsense"):
        cluster.start()
    with pytest.raises(UsageFault, match="WM-TESTKIT-STOPPED"):
        _ = cluster.directory


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with KafkaCluster(log_directories={1: [tmp_path / "disk-1", tmp_path / "disk-2"]}) as cluster:
        directory, pid = cluster.directory, cluster.broker(1).pid
        topic = cluster.create_topic("t", 4)
        wait_until(lambda: len(list(tmp_path.glob(f"disk-[12]/{topic}-*"))) == 4, "the partitions lie on both disks")
        assert directory.exists()
    assert not directory.exists()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("key", "partitions", "expected"),
    [("", 50, 0), ("hello", 1000, 322), ("polygenelubricants", 50, 0)],
)
def test_state_partitions_follow_javas_string_hash(key: str, partitions: int, expected: int) -> None:
    # Java: "hello" hashes to 99162322, "polygenelubricants" to the smallest integer, whose absolute value overflows.
    assert state_partition(key, partitions) == expected
