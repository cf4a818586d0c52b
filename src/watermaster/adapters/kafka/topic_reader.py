"""Reads topics from given positions without a group: for looking, comparing and proving. Writes and commits nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.columns import CONSUME_MAX, as_columns
from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.log_bounds import REQUEST_TIMEOUT_S, log_bounds
from watermaster.adapters.kafka.log_reader import NOT_ASKED_FOR, UNUSED_GROUP, partitions_of
from watermaster.runtime.ports import ReadResult
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault


class KafkaTopicReader:
    """Implements `runtime.ports.TopicReader`."""

    def __init__(self, settings: Mapping[str, Any], translate: Callable[[KafkaError], Fault]) -> None:
        self._translate = translate
        more = {"queued.max.messages.kbytes": 32768, "enable.partition.eof": True}
        self._consumer = Consumer(consumer_settings(settings, UNUSED_GROUP, more))

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        """The partitions of a topic; a fault if it is not there or not to be seen."""
        return [TopicPartition(topic, p) for p in partitions_of(self._consumer, topic, self._translate)]

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """Log start and last stable end offset, asked from the broker."""
        try:
            return log_bounds(self._consumer, source.topic, source.partition)
        except KafkaException as error:
            raise self._translate(error.args[0]) from error

    def offsets_at(self, sources: Sequence[TopicPartition], at_ms: int) -> Mapping[TopicPartition, int | None]:
        """The first record that is not older than a moment; None where there is none."""
        asked = [KafkaTopicPartition(source.topic, source.partition, at_ms) for source in sources]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=REQUEST_TIMEOUT_S) if asked else []
        except KafkaException as error:
            raise self._translate(error.args[0]) from error
        for answer in found:
            if answer.error is not None:
                raise self._translate(answer.error)
        return {TopicPartition(f.topic, f.partition): f.offset if f.offset >= 0 else None for f in found}

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read from these positions and no others."""
        self._consumer.assign([KafkaTopicPartition(s.topic, s.partition, o) for s, o in positions.items()])

    def read(self, timeout_s: float) -> ReadResult:
        """What is there; empty after `timeout_s` seconds without any."""
        try:
            messages = self._consumer.consume(CONSUME_MAX, timeout_s)
        except KafkaException as error:
            raise self._translate(error.args[0]) from error
        return as_columns([message for message in messages if not _is_about_group(message)], self._translate)

    def close(self) -> None:
        """Release the connection."""
        self._consumer.close()


def _is_about_group(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == NOT_ASKED_FOR
