"""Reads the first record behind many offsets: one batch for each, by manual assignment, without a group."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.log_reader import UNUSED_GROUP
from watermaster.monitor.log import FirstUnread, NothingUnread, Probe
from watermaster.runtime.survey import Place
from watermaster.stream.coordinates import TopicPartition

ROUND_TIMEOUT_S: Final = 10.0
"""Partitions of a broker that hangs must not hold up a look for longer."""

PARTITIONS_PER_ROUND: Final = 500
"""Bounds what a round can fetch: one batch for each."""

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

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._consumer = Consumer(consumer_settings(settings, UNUSED_GROUP, _SETTINGS))

    def probe(self, places: Sequence[Place]) -> dict[Place, Probe]:
        """What stands first at or behind each place. What cannot be read in time is missing from the answer."""
        found: dict[Place, Probe] = {}
        for group in _rounds(places):
            found.update(self._round(group))
        return found

    def close(self) -> None:
        """Release the connections."""
        self._consumer.close()

    def _round(self, places: Mapping[TopicPartition, int]) -> Iterator[tuple[Place, Probe]]:
        """One place of each partition."""
        waiting = dict(places)
        try:
            assignment = [KafkaTopicPartition(s.topic, s.partition, o) for s, o in places.items()]
            self._consumer.assign(assignment)
            # The client remembers a pause over assignments.
            self._consumer.resume(assignment)
            until_s = time.monotonic() + ROUND_TIMEOUT_S
            while waiting and time.monotonic() < until_s:
                done = []
                for message in self._consumer.consume(500, 0.1):
                    source = TopicPartition(message.topic() or "", message.partition() or 0)
                    if source not in waiting:
                        continue
                    seen = _seen(message)
                    offset = waiting.pop(source)
                    done.append(KafkaTopicPartition(source.topic, source.partition))
                    if seen is not None:
                        yield Place(source, offset), seen
                if done:
                    self._consumer.pause(done)
        except KafkaException:
            # What was not answered is missing, which is what the caller must expect anyway.
            return
        finally:
            self._consumer.unassign()


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


def _seen(message: Message) -> Probe | None:
    error = message.error()
    if error is None:
        return FirstUnread(message.offset() or 0, message.timestamp()[1])
    if error.code() == KafkaError._PARTITION_EOF:
        return NothingUnread(message.offset() or 0)
    return None
