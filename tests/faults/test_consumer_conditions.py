"""Readers that are gone, stuck, slow and idle on real Kafka: a fault raises each condition, and healing clears it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.monitor.consumer import Condition
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.monitor import Monitor, PositionReport
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

PATIENCE_MS = 1_500
"""Short, so that the test is; what counts is that conditions are told apart, not how soon."""


class Scene:
    """One topic, one group with one consumer, and a monitor."""

    def __init__(self, kafka: KafkaCluster, topic: str, group: str) -> None:
        self.topic = topic
        self._kafka = kafka
        self._group = group
        self._producer = Producer(kafka.client_config())
        surveyor = KafkaSurveyor(connect(ClusterConfiguration("test", kafka.bootstrap)))
        self._monitor = Monitor(surveyor, patience_ms=PATIENCE_MS)
        self.consumer = self.new_consumer()

    def new_consumer(self) -> Consumer:
        settings = {"group.id": self._group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
        consumer = Consumer(self._kafka.client_config(**settings))
        consumer.subscribe([self.topic])
        return consumer

    def write(self, count: int) -> None:
        for _ in range(count):
            self._producer.produce(self.topic, b"record", partition=0)
        assert self._producer.flush(30) == 0

    def read(self, most: int) -> int:
        """Read and commit at most so many."""
        messages = [message for message in self.consumer.consume(most, 0.2) if message.error() is None]
        if messages:
            self.consumer.commit(offsets=[TopicPartition(self.topic, 0, messages[-1].offset() + 1)], asynchronous=False)
        return len(messages)

    def look(self) -> PositionReport | None:
        found = [position for _, position in self._monitor.look([self._group]).positions()]
        return found[0] if found else None

    def wait_for(self, condition: Condition, each: Callable[[], object]) -> PositionReport:
        def seen() -> PositionReport | None:
            each()
            position = self.look()
            return position if position is not None and position.condition is condition else None

        return wait_until(seen, f"the condition {condition.value}", 90)


@pytest.fixture
def scene(kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]) -> Iterator[Scene]:
    made = Scene(kafka, fresh_topic(kafka, retention_ms=3_600_000), fresh_name("group"))
    yield made
    made.consumer.close()


def test_each_condition_comes_and_goes(scene: Scene) -> None:
    scene.write(20)
    scene.wait_for(Condition.IDLE, lambda: scene.read(100))

    # Gone: it leaves, and something is written.
    scene.consumer.close()
    scene.write(5)
    scene.wait_for(Condition.GONE, lambda: None)
    scene.consumer = scene.new_consumer()
    scene.wait_for(Condition.IDLE, lambda: scene.read(100))

    # Stuck: it is a live member of the group, and reads nothing.
    partition = TopicPartition(scene.topic, 0)
    scene.consumer.pause([partition])
    scene.write(200)
    stuck = scene.wait_for(Condition.STUCK, lambda: scene.consumer.poll(0.1))
    assert stuck.owner is not None
    assert stuck.forecast is not None
    assert (stuck.forecast.caught_up_ms, stuck.forecast.safe) == (None, False)
    scene.consumer.resume([partition])

    # Slow: it reads one where thirty are written.
    def fall_back() -> None:
        scene.write(30)
        scene.read(1)

    slow = scene.wait_for(Condition.SLOW, fall_back)
    assert slow.forecast is not None
    assert slow.forecast.caught_up_ms is None

    # Healed: it reads more than is written, and in the end all. There is more to read than a trend needs looks.
    scene.write(4_000)

    def catch_up() -> None:
        scene.write(1)
        scene.read(40)

    scene.wait_for(Condition.CATCHING_UP, catch_up)
    scene.wait_for(Condition.IDLE, lambda: scene.read(500))
