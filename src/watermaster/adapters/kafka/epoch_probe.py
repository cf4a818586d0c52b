"""Under which leader the record right before a position was written.

The client compares epochs only when it hears of another leader while it reads. Whether the log was cut off, and has
grown past our position again, while nobody read, is seen from the record that stands before the position now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.log_bounds import REQUEST_TIMEOUT_S
from watermaster.adapters.kafka.log_reader import NOT_ASKED_FOR, TAIL_FETCH_WAIT_MS, UNUSED_GROUP
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, WorldFault

PREFETCH_KB = 1024
"""One record of each partition is looked at; a broker sends a batch of each, and the client should fetch no more."""

_NOTHING_THERE = {KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


def epochs_before(
    settings: Mapping[str, Any], positions: Mapping[TopicPartition, int], translate: Callable[[KafkaError], Fault]
) -> dict[TopicPartition, int]:
    """The leader epoch of the record at each `position - 1`; -1 where no record is there. Raises a retriable fault."""
    found = {source: -1 for source, position in positions.items() if position == 0}
    asked = {source: position - 1 for source, position in positions.items() if position > 0}
    if not asked:
        return found
    more = {
        "isolation.level": "read_uncommitted",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": TAIL_FETCH_WAIT_MS,
        "queued.max.messages.kbytes": PREFETCH_KB,
    }
    consumer = Consumer(consumer_settings(settings, UNUSED_GROUP, more))
    try:
        consumer.assign([KafkaTopicPartition(s.topic, s.partition, offset) for s, offset in asked.items()])
        until_s = time.monotonic() + REQUEST_TIMEOUT_S
        while len(found) < len(positions):
            if time.monotonic() > until_s:
                raise _slow(len(positions) - len(found))
            for message in consumer.consume(len(asked), 0.1):
                _take(consumer, message, asked, found, translate)
    except KafkaException as error:
        raise translate(error.args[0]) from error
    finally:
        consumer.close()
    return found


def _take(
    consumer: Consumer,
    message: Message,
    asked: Mapping[TopicPartition, int],
    found: dict[TopicPartition, int],
    translate: Callable[[KafkaError], Fault],
) -> None:
    error = message.error()
    source = TopicPartition(message.topic() or "", message.partition() or 0)
    if error is not None and error.code() not in _NOTHING_THERE:
        if error.retriable() or error.code() == NOT_ASKED_FOR or source not in asked:
            return
        raise translate(error)
    if source not in found:
        epoch = message.leader_epoch() if error is None and message.offset() == asked[source] else None
        found[source] = -1 if epoch is None else epoch
        consumer.incremental_unassign([KafkaTopicPartition(source.topic, source.partition)])


def _slow(missing: int) -> WorldFault:
    return WorldFault(
        "WM-READ-SLOW",
        f"the records before our positions in {missing} partitions did not come within {REQUEST_TIMEOUT_S:.0f} s",
        hint="Look at the brokers and the network; asked again by itself.",
        retriable=True,
    )
