"""Reads our own topics (control, ledger) by manual assignment: joins no group, commits nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.log_bounds import REQUEST_TIMEOUT_S, log_bounds
from watermaster.runtime.ports import LogRecord
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, WorldFault

_Answer = TypeVar("_Answer")

UNUSED_GROUP = "watermaster.reads-without-a-group"
"""librdkafka wants a group id even where none is joined; no member and no offset ever appears under it."""

NOT_ASKED_FOR = KafkaError.GROUP_AUTHORIZATION_FAILED
"""The client looks for the coordinator of its group even where none is joined; a refusal of that means nothing."""

TAIL_FETCH_WAIT_MS = 10

TAIL_STEP = 64
"""Ledger records looked at first when reading backwards; doubled until the entry is found."""


class KafkaLogReader:
    """Implements `runtime.ports.LogReader` for one topic, all partitions, from its start.

    With `since_ms` it begins at the first record that is not older than that. Raises what `translate` gives.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        translate: Callable[[KafkaError], Fault],
        since_ms: int | None = None,
    ) -> None:
        self._topic = topic
        self._since_ms = since_ms
        self._translate = translate
        self._consumer = self._translated(lambda: _consumer(settings))
        self._next: dict[int, int] = {}

    def read_to_end(self, timeout_s: float) -> list[LogRecord]:
        """Everything up to the last stable offset as it is now. Raises WorldFault when `timeout_s` passes first."""
        records, ended = self.read_on(timeout_s)
        if not ended:
            raise WorldFault(
                "WM-CONTROL-SLOW",
                f"{self._topic} could not be read to its end within {timeout_s:.0f} s",
                hint="Look at the brokers and at the permission to read the topic.",
                retriable=True,
            )
        return records

    def read_on(self, timeout_s: float, ends: Mapping[int, int] | None = None) -> tuple[list[LogRecord], bool]:
        """What could be read in `timeout_s`, and whether that is everything up to the end as it is now, or to `ends`
        (last stable offset by partition), which spares asking for them. The next call goes on where this one ended.
        """
        if ends is None:
            ends = self._translated(self._ends)
        elif not self._next:
            self._translated(self._assign)
        records: list[LogRecord] = []
        until_s = time.monotonic() + timeout_s
        while any(self._next.get(p, 0) < end for p, end in ends.items()):
            if time.monotonic() > until_s:
                return records, False
            records += self._translated(lambda: self._take(0.1))
        return records, True

    def poll(self) -> list[LogRecord]:
        """What has come since, without waiting."""
        if not self._next:
            self._translated(self._assign)
        return self._translated(lambda: self._take(0))

    def close(self) -> None:
        """Release the connection."""
        self._consumer.close()

    def _translated(self, ask: Callable[[], _Answer]) -> _Answer:
        try:
            return ask()
        except KafkaException as error:
            raise self._translate(error.args[0]) from error

    def _ends(self) -> dict[int, int]:
        if not self._next:
            self._assign()
        return {p: log_bounds(self._consumer, self._topic, p)[1] for p in self._next}

    def _assign(self) -> None:
        # All or nothing: with only some of them, the next call would take the topic for assigned, and read nothing.
        partitions = partitions_of(self._consumer, self._topic, self._translate)
        self._next = {partition: self._first(partition) for partition in partitions}
        self._consumer.assign([KafkaTopicPartition(self._topic, p, offset) for p, offset in self._next.items()])

    def _first(self, partition: int) -> int:
        start, end = log_bounds(self._consumer, self._topic, partition)
        if self._since_ms is None:
            return start
        asked = KafkaTopicPartition(self._topic, partition, self._since_ms)
        found = self._consumer.offsets_for_times([asked], timeout=REQUEST_TIMEOUT_S)[0]
        if found.error is not None:
            raise KafkaException(found.error)
        return end if found.offset < 0 else max(start, found.offset)

    def _take(self, timeout_s: float) -> list[LogRecord]:
        records = []
        for message in self._consumer.consume(500, timeout_s):
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    # Behind the last record there may be transaction markers: the end's offset is past them.
                    partition = message.partition() or 0
                    self._next[partition] = max(self._next[partition], message.offset() or 0)
                    continue
                if error.code() == NOT_ASKED_FOR:
                    continue
                if error.code() == KafkaError._AUTO_OFFSET_RESET:
                    self._assign()  # the control topic's start has moved: compaction keeps what matters
                    continue
                raise self._translate(error)
            record = _as_log_record(message)
            self._next[record.partition] = record.offset + 1
            records.append(record)
        return records


class KafkaLedgerTail:
    """Implements `runtime.ports.LedgerTail`."""

    def __init__(self, settings: Mapping[str, Any], topic: str, translate: Callable[[KafkaError], Fault]) -> None:
        self._settings = settings
        self._topic = topic
        self._translate = translate

    def last_records(self, sources: Sequence[TopicPartition]) -> Mapping[TopicPartition, Sequence[LogRecord]]:
        """Reads backwards in growing steps until each source's newest entry is found or the log begins."""
        # The end of a partition is told by an empty fetch, which a broker holds back for so long.
        consumer = _consumer(self._settings, {"fetch.wait.max.ms": TAIL_FETCH_WAIT_MS})
        try:
            count = len(partitions_of(consumer, self._topic, self._translate))
            return {source: self._last(consumer, source, source.partition % count) for source in sources}
        except KafkaException as error:
            raise self._translate(error.args[0]) from error
        finally:
            consumer.close()

    def _last(self, consumer: Consumer, source: TopicPartition, partition: int) -> list[LogRecord]:
        name = f"{source.topic}/{source.partition}".encode()
        low, high = log_bounds(consumer, self._topic, partition)
        step = TAIL_STEP
        while True:
            begin = max(low, high - step)
            found: list[LogRecord] = []
            for record in read_range(consumer, self._topic, partition, begin, high, self._translate):
                if record.key == name:
                    found = [record]
                elif record.key is not None and record.key.endswith(b"/" + name):
                    found.append(record)
            if begin == low or (found and found[0].key == name):
                return found
            step *= 4


def read_range(
    consumer: Consumer,
    topic: str,
    partition: int,
    begin: int,
    end: int,
    translate: Callable[[KafkaError], Fault],
) -> list[LogRecord]:
    """Committed records of `[begin, end)`; the end of the partition counts too, as the last offsets may be markers."""
    consumer.assign([KafkaTopicPartition(topic, partition, begin)])
    records: list[LogRecord] = []
    until_s = time.monotonic() + REQUEST_TIMEOUT_S
    position = begin
    while position < end and time.monotonic() < until_s:
        for message in consumer.consume(500, 0.1):
            error = message.error()
            if error is not None and error.code() == NOT_ASKED_FOR:
                continue
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise translate(error)
            position = (message.offset() or 0) + (error is None)
            if error is None and position <= end:
                records.append(_as_log_record(message))
    if position < end:
        # A part would look like the whole: the newest entry would seem to be an older one, or none.
        raise WorldFault(
            "WM-READ-SLOW",
            f"{topic}[{partition}] could not be read from {begin} to {end} within {REQUEST_TIMEOUT_S:.0f} s",
            hint="Look at the brokers and the network; asked again by itself.",
            retriable=True,
        )
    return records


def partitions_of(consumer: Consumer, topic: str, translate: Callable[[KafkaError], Fault]) -> list[int]:
    """The partition numbers of a topic; a fault if it is not there or not to be seen."""
    try:
        metadata = consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic]
    except KafkaException as error:
        raise translate(error.args[0]) from error
    if metadata.error is not None:
        raise translate(metadata.error)
    return sorted(metadata.partitions)


def _consumer(settings: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Consumer:
    return Consumer(consumer_settings(settings, UNUSED_GROUP, {"enable.partition.eof": True, **(more or {})}))


def _as_log_record(message: Message) -> LogRecord:
    return LogRecord(
        message.partition() or 0,
        message.offset() or 0,
        _bytes(message.key()),
        _bytes(message.value()),
        message.timestamp()[1],
    )


def _bytes(field: str | bytes | None) -> bytes | None:
    return field.encode() if isinstance(field, str) else field
