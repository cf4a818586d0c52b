"""Read a whole topic, for tests that compare what there is with what there should be."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from watermaster.testing.waiting import PATIENCE_S, wait_until

BATCH = 10_000
POLL_S = 0.5
METADATA_TIMEOUT_S = 20.0


def read_topic(
    client_settings: Mapping[str, Any],
    topic: str,
    *,
    isolation_level: str = "read_committed",
    timeout_s: float = PATIENCE_S,
) -> list[Message]:
    """All records that a reader of this isolation level sees now, by partition and offset.

    Reads each partition from its log start to the end that the broker tells: for "read_committed" the end is the last
    stable offset, so an open transaction hides what comes after its start. Raises KafkaException for broker errors,
    WorldFault if the end is not reached in time. `client_settings` are librdkafka's; no group is left behind.
    """
    consumer = Consumer({**client_settings, **_settings(isolation_level)})
    try:
        partitions = _partitions(consumer, topic)
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        messages: list[Message] = []
        unfinished = set(partitions)
        wait_until(
            lambda: _read_some(consumer, messages, unfinished), f"the end of {topic} is read", timeout_s=timeout_s
        )
    finally:
        consumer.close()
    return sorted(messages, key=lambda message: (message.partition() or 0, message.offset() or 0))


def _settings(isolation_level: str) -> dict[str, Any]:
    return {
        "group.id": f"reader-{uuid.uuid4().hex}",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": isolation_level,
        "check.crcs": True,
    }


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    found = consumer.list_topics(topic, timeout=METADATA_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return sorted(found.partitions)


def _read_some(consumer: Consumer, messages: list[Message], unfinished: set[int]) -> bool:
    for message in consumer.consume(BATCH, POLL_S):
        error = message.error()
        if error is None:
            messages.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            unfinished.discard(message.partition() or 0)
        else:
            raise KafkaException(error)
    return not unfinished
