"""The cluster fixtures against what they promise, on real Kafka."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from watermaster.stream.fault import UsageFault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

pytestmark = pytest.mark.kafka


def produce(config: dict[str, Any], topic: str, values: list[bytes]) -> None:
    producer = Producer({**config, "acks": "all"})
    failures: list[str] = []
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: failures.append(str(error)) if error else None)
    assert producer.flush(30) == 0
    assert failures == []


def test_what_is_produced_is_read(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]
) -> None:
    topic = fresh_topic(kafka)
    produce(kafka.client_config(), topic, [b"a", b"b"])
    consumer = Consumer(kafka.client_config(**{"group.id": fresh_name("g"), "auto.offset.reset": "earliest"}))
    consumer.subscribe([topic])
    seen: list[bytes | None] = []
    while len(seen) < 2:
        seen += [message.value() for message in consumer.consume(10, 1.0)]
    consumer.close()
    assert seen == [b"a", b"b"]


def test_a_cluster_that_is_not_running_says_so() -> None:
    with pytest.raises(UsageFault, match="WM-TESTKIT-STOPPED"):
        _ = KafkaCluster().bootstrap
