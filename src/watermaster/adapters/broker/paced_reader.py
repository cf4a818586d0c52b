"""The consumer of the demonstration: an application that reads a topic at its own pace and commits what it has read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.faults import translate_error

COMMIT_S: Final = 0.5
READ_MAX: Final = 500
_WAIT_S: Final = 0.01


class PacedReader:
    """One member of `group`. It keeps account over a stop and a start of what it has read, by offsets."""

    def __init__(self, settings: Mapping[str, Any], topic: str, group: str, records_per_second: int) -> None:
        more = {"auto.offset.reset": "earliest"}  # an application that has not committed yet wants everything
        self._settings = consumer_settings(settings, group, more)
        self._topic = topic
        self._rate = records_per_second
        self._consumer: Consumer | None = None
        self._next: dict[int, int] = {}
        self._began_s = self._committed_s = 0.0
        self._taken = 0
        self.read = 0
        """Records, each counted once."""
        self.missing = 0
        """Offsets between two that were read: what nobody can read any more."""

    @property
    def positions(self) -> Mapping[int, int]:
        """The next offset of each partition that was read."""
        return self._next

    def start(self) -> None:
        """Join the group."""
        self._consumer = Consumer(self._settings)
        self._consumer.subscribe([self._topic])
        self._began_s, self._taken = time.monotonic(), 0

    def stop(self) -> None:
        """Commit and leave the group; does nothing if it stands."""
        if self._consumer is not None:
            self._commit()
            self._consumer.close()
            self._consumer = None

    def pump(self) -> None:
        """Read what its pace allows by now. Raises a fault."""
        if self._consumer is None:
            return
        due = int((time.monotonic() - self._began_s) * self._rate) - self._taken
        if due > self._rate:  # it could not do more in the last second; what it did not do then is no credit
            self._taken += due - self._rate
            due = self._rate
        try:
            while due > 0 and (messages := self._consumer.consume(min(due, READ_MAX), _WAIT_S)):
                due -= len(messages)
                self._taken += len(messages)
                for message in messages:
                    if (error := message.error()) is not None:
                        raise translate_error(error, doing="reading", resource=self._topic)
                    self._count(message.partition() or 0, message.offset() or 0)
            if time.monotonic() - self._committed_s >= COMMIT_S:
                self._commit()
        except KafkaException as error:
            raise translate_error(error, doing="reading", resource=self._topic) from error

    def _count(self, partition: int, offset: int) -> None:
        due = self._next.get(partition, 0)
        if offset >= due:
            self.missing += offset - due
            self.read += 1
            self._next[partition] = offset + 1

    def _commit(self) -> None:
        self._committed_s = time.monotonic()
        if self._consumer is not None and self._next:
            offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in self._next.items()]
            self._consumer.commit(offsets=offsets, asynchronous=False)
