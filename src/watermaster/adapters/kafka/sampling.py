"""A few recent records of many topics, by manual assignment: no group is joined and no offset committed.

The client insists on a `group.id`; ours is a name that no group uses, and with `assign()` nothing is ever stored
under it. What may be read is bounded twice: by records for each topic, and by bytes on the wire for all of them, as
the client's own statistics count them.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.message_headers import HeadersUnreadable, headers_of
from watermaster.runtime.observed import ObservedTopic, SampledRecord, Samples, TopicSample, Unseen

SAMPLE_BYTES_MAX: Final = 8 * 1024 * 1024
"""On the wire, for a whole look: a second on a slow link, and unnoticed among a broker's traffic."""

TOPIC_BYTES_MAX: Final = 256 * 1024
"""Twenty records of a usual size many times over; larger ones are known after one."""

PARTITIONS_PER_TOPIC: Final = 3
TOPICS_AT_ONCE: Final = 500
"""How many topics are fetched together. A second set costs a second: the client looks for the leaders anew."""

PARTITION_BYTES: Final = (4 * 1024, 64 * 1024)
"""Least and most that is asked of one partition at a time, so that large records of a few topics do not use up the
budget before the others have had their turn."""

RESPONSE_BYTES_MAX: Final = 256 * 1024
"""One answer of a broker: by so much, or by one batch that is larger, the budget may be overrun."""

CHUNK_TIMEOUT_S: Final = 10.0
"""For one such set of topics; what has not come by then is reported as unseen."""

NO_GROUP: Final = "watermaster.look-without-group"

_STATISTICS_MS: Final = 100


@dataclass(slots=True)
class _Chunk:
    """The topics that are being fetched together, and what has come of them."""

    wanted: dict[str, int]
    """Records still wanted by topic."""
    open: dict[str, set[int]]
    """Partitions that have not reached their end."""
    records: dict[str, list[SampledRecord]] = field(default_factory=lambda: defaultdict(list))
    unseen: dict[str, Unseen] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return all(not partitions for partitions in self.open.values())


class Sampler:
    """One look at many topics; `bytes_max` bounds what comes over the wire."""

    def __init__(self, settings: Mapping[str, Any], bytes_max: int = SAMPLE_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._on_wire = 0
        self._in_records = 0
        self._connection_settings = settings

    def _settings(self, topics: int) -> dict[str, Any]:
        least, most = PARTITION_BYTES
        share = self._bytes_max // (2 * PARTITIONS_PER_TOPIC * max(1, topics))
        return consumer_settings(
            self._connection_settings,
            NO_GROUP,
            {
                "enable.partition.eof": True,
                # A look waits for nothing that is still to come.
                "fetch.wait.max.ms": 10,
                "fetch.message.max.bytes": max(least, min(most, share)),
                "fetch.max.bytes": RESPONSE_BYTES_MAX,
                # The client wants this one to be the smallest of the three, though it only bounds what is produced.
                "message.max.bytes": 64 * 1024,
                "queued.max.messages.kbytes": 1024,
                "statistics.interval.ms": _STATISTICS_MS,
                "stats_cb": self._on_statistics,
            },
        )

    def sample(self, topics: Sequence[ObservedTopic], records_per_topic: int) -> Samples:
        """Up to `records_per_topic` of the newest records of each topic. A topic that fails says why.

        Raises a fault if no client can be made, as while a certificate is replaced.
        """
        samples = {topic.name: _not_read(topic) for topic in topics}
        readable = [topic for topic in topics if topic.records]
        try:
            consumer = Consumer(self._settings(len(readable)))
        except KafkaException as error:
            raise translate_error(error.args[0], doing="reading samples") from error
        try:
            for first in range(0, len(readable), TOPICS_AT_ONCE):
                if self._spent >= self._bytes_max:
                    break
                samples |= self._sample_chunk(consumer, readable[first : first + TOPICS_AT_ONCE], records_per_topic)
            self._await_statistics(consumer)
        finally:
            consumer.close()
        return Samples(samples, self._spent, self._bytes_max)

    @property
    def _spent(self) -> int:
        """Bytes so far: the wire's count comes ten times a second, that of the records at once."""
        return max(self._on_wire, self._in_records)

    def _sample_chunk(
        self, consumer: Consumer, topics: Sequence[ObservedTopic], records_per_topic: int
    ) -> dict[str, TopicSample]:
        assignment = [part for topic in topics for part in _tail(topic, records_per_topic)]
        chunk = _Chunk({topic.name: records_per_topic for topic in topics}, defaultdict(set))
        for part in assignment:
            chunk.open[part.topic].add(part.partition)
        consumer.assign(assignment)
        deadline = time.monotonic() + CHUNK_TIMEOUT_S
        while not chunk.done and time.monotonic() < deadline and self._spent < self._bytes_max:
            try:
                messages = consumer.consume(500, 0.05)
            except KafkaException as error:
                _note_all(chunk, error)
                break
            for message in messages:
                if self._spent < self._bytes_max:
                    self._in_records += _take(chunk, message)
            finished = [KafkaTopicPartition(name, number) for name, number in _finished(chunk)]
            if finished:
                consumer.pause(finished)
        consumer.unassign()
        used_up = self._spent >= self._bytes_max
        return {topic.name: _topic_sample(topic.name, chunk, used_up=used_up) for topic in topics}

    def _on_statistics(self, text: str) -> None:
        self._on_wire = json.loads(text)["rx_bytes"]

    def _await_statistics(self, consumer: Consumer) -> None:
        """Let the wire's count catch up, so that what is reported is what was read."""
        before, deadline = self._on_wire, time.monotonic() + 5 * _STATISTICS_MS / 1000
        while self._on_wire == before and time.monotonic() < deadline:
            consumer.consume(1, _STATISTICS_MS / 1000)


def _tail(topic: ObservedTopic, records: int) -> Iterator[KafkaTopicPartition]:
    """Where to begin in the fullest partitions, so that together they can give `records`."""
    known = [part for part in topic.partitions if part.start is not None and part.end is not None]
    fullest = sorted(known, key=lambda part: (part.end or 0) - (part.start or 0), reverse=True)[:PARTITIONS_PER_TOPIC]
    for part in fullest:
        start, end = part.start or 0, part.end or 0
        if end > start:
            yield KafkaTopicPartition(topic.name, part.partition, max(start, end - records))


def _take(chunk: _Chunk, message: Message) -> int:
    """Keep a record that is wanted, or note what a partition says; the bytes that came with it."""
    topic, partition = message.topic() or "", message.partition() or 0
    error = message.error()
    if error is not None:
        if error.code() != KafkaError._PARTITION_EOF and topic in chunk.wanted:
            fault = translate_error(error, doing="reading", resource=topic)
            chunk.unseen[topic] = Unseen(f"records of topic {topic}", fault.message, fault.code)
        chunk.open.get(topic, set()).discard(partition)
        return 0
    record = _record(message)
    if chunk.wanted.get(topic, 0) <= 0:
        return record.size
    chunk.records[topic].append(record)
    chunk.wanted[topic] -= 1
    if sum(each.size for each in chunk.records[topic]) >= TOPIC_BYTES_MAX:
        chunk.wanted[topic] = 0
    return record.size


def _finished(chunk: _Chunk) -> Iterator[tuple[str, int]]:
    """Partitions of topics that have given enough; they are taken off the list."""
    for topic, wanted in chunk.wanted.items():
        if wanted <= 0:
            for partition in sorted(chunk.open[topic]):
                yield topic, partition
            chunk.open[topic].clear()


def _record(message: Message) -> SampledRecord:
    key: Any = message.key()
    value: Any = message.value()
    try:
        headers: Any = headers_of(message)
    except HeadersUnreadable:
        headers = None  # for a look that is no reason to stop
    size = len(key or b"") + len(value or b"") + sum(len(name) + len(text or b"") for name, text in headers or ())
    timestamp = message.timestamp()[1]
    return SampledRecord(message.partition() or 0, message.offset() or 0, timestamp, key, value, headers, size)


def _note_all(chunk: _Chunk, error: KafkaException) -> None:
    fault = translate_error(error, doing="reading samples")
    for topic, partitions in chunk.open.items():
        if partitions:
            chunk.unseen[topic] = Unseen(f"records of topic {topic}", fault.message, fault.code)


def _topic_sample(topic: str, chunk: _Chunk, *, used_up: bool) -> TopicSample:
    records = tuple(chunk.records[topic])
    late = None
    if chunk.open[topic] and not records and used_up:
        late = _over_budget(topic)
    elif chunk.open[topic] and not records:
        late = Unseen(f"records of topic {topic}", "they did not come in time.", "WM-KAFKA-SAMPLE-TIMEOUT")
    return TopicSample(topic, records, chunk.unseen.get(topic) or late)


def _not_read(topic: ObservedTopic) -> TopicSample:
    """What is said of a topic that is not reached: it is empty, unseen already, or the byte budget was used up."""
    if topic.records == 0:
        return TopicSample(topic.name)
    if topic.unseen:
        return TopicSample(topic.name, unseen=topic.unseen[0])
    return TopicSample(topic.name, unseen=_over_budget(topic.name))


def _over_budget(topic: str) -> Unseen:
    return Unseen(f"records of topic {topic}", "the byte budget was used up.", "WM-KAFKA-SAMPLE-BUDGET")
