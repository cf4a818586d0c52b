"""Reads the first record behind many offsets: one batch for each, by manual assignment, without a group."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import UNUSED_GROUP
from watermaster.adapters.kafka.message_headers import HeadersUnreadable, headers_of
from watermaster.monitor.log import FirstUnread, NothingUnread, Probe
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Place
from watermaster.stream.coordinates import TopicPartition

ROUND_TIMEOUT_S: Final = 10.0
"""Partitions of a broker that hangs must not hold up a look for longer."""

PARTITIONS_PER_ROUND: Final = 500
"""Bounds what a round can fetch: one batch for each."""

MESSAGES_PER_CALL: Final = 500

BATCH_BYTES: Final = 61
"""What Kafka's format puts before the records of a batch."""

LENGTHS_BYTES: Final = 16
"""Room for the lengths, the time and the offset of a record, or for the lengths of a header."""

FETCH_BYTES: Final = 1024
"""A broker always sends a whole batch, so the smallest request is enough."""

_SETTINGS: Final = {
    "enable.partition.eof": True,
    "fetch.message.max.bytes": FETCH_BYTES,
    "queued.min.messages": 1,
    "queued.max.messages.kbytes": 64,
    "fetch.wait.max.ms": 100,
}


class RecordProbe:
    """A reader that stays open between looks, so that connections are made once."""

    def __init__(self, settings: Mapping[str, Any], *, uncommitted: bool = False) -> None:
        more = {**_SETTINGS, "isolation.level": "read_uncommitted"} if uncommitted else _SETTINGS
        self._consumer = Consumer(consumer_settings(settings, UNUSED_GROUP, more))

    def probe(self, places: Sequence[Place]) -> dict[Place, Probe | Unseen]:
        """What stands first at or behind each place, or why that could not be read."""
        found: dict[Place, Probe | Unseen] = {}
        for group in _rounds(places):
            found.update(self._round(group))
        return found

    def close(self) -> None:
        """Release the connections."""
        self._consumer.close()

    def _round(self, places: Mapping[TopicPartition, int]) -> Iterator[tuple[Place, Probe | Unseen]]:
        """One place of each partition."""
        waiting = dict(places)
        silence = ("its broker did not answer in time.", "WM-KAFKA-TIMEOUT")
        try:
            assignment = [KafkaTopicPartition(s.topic, s.partition, o) for s, o in places.items()]
            self._consumer.assign(assignment)
            # The client remembers a pause over assignments.
            self._consumer.resume(assignment)
            until_s = time.monotonic() + ROUND_TIMEOUT_S
            while waiting and time.monotonic() < until_s:
                read = _by_partition(self._consumer.consume(MESSAGES_PER_CALL, 0.1))
                done = {source: messages for source, messages in read.items() if source in waiting}
                for source, messages in done.items():
                    place = Place(source, waiting.pop(source))
                    yield place, _seen(place, messages)
                if done:
                    self._consumer.pause([KafkaTopicPartition(source.topic, source.partition) for source in done])
        except KafkaException as error:
            fault = translate_error(error, doing="reading")
            silence = (fault.message, fault.code)
        finally:
            self._consumer.unassign()
        for source, offset in waiting.items():
            yield Place(source, offset), Unseen(_what(source), *silence)


def _rounds(places: Sequence[Place]) -> Iterator[dict[TopicPartition, int]]:
    """Places in groups in which each partition appears once."""
    offsets: dict[TopicPartition, list[int]] = defaultdict(list)
    for source, offset in sorted(set(places)):
        offsets[source].append(offset)
    while offsets:
        chosen = {source: offsets[source].pop(0) for source in list(offsets)[:PARTITIONS_PER_ROUND]}
        yield chosen
        for source in chosen:
            if not offsets[source]:
                del offsets[source]


def _by_partition(messages: Sequence[Message]) -> dict[TopicPartition, list[Message]]:
    found: dict[TopicPartition, list[Message]] = defaultdict(list)
    for message in messages:
        found[TopicPartition(message.topic() or "", message.partition() or 0)].append(message)
    return found


def _seen(place: Place, messages: Sequence[Message]) -> Probe | Unseen:
    first = messages[0]
    error = first.error()
    if error is None:
        return FirstUnread(first.offset() or 0, first.timestamp()[1], _stored_bytes(messages))
    if error.code() == KafkaError._PARTITION_EOF:
        return NothingUnread(first.offset() or 0)
    fault = translate_error(error, doing="reading")
    return Unseen(_what(place.source), fault.message, fault.code)


def _what(source: TopicPartition) -> str:
    return f"the first unread record of {source}"


def _stored_bytes(messages: Sequence[Message]) -> int | None:
    """The mean size of records that came together, rounded up; None if one carries headers that the client refuses."""
    sizes = [_size(message) for message in messages if message.error() is None]
    known = [size for size in sizes if size is not None]
    return -(-sum(known) // len(known)) if len(known) == len(sizes) else None


def _size(message: Message) -> int | None:
    try:
        headers = headers_of(message)
    except HeadersUnreadable:
        return None
    more = sum(len(key) + len(value or b"") + LENGTHS_BYTES for key, value in headers or ())
    return BATCH_BYTES + LENGTHS_BYTES + len(message.key() or b"") + len(message.value() or b"") + more
