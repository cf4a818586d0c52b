"""One record there and back: written to a probe topic, and waited for as read_committed readers see it.

The only look that writes. It never creates the topic, needs READ and WRITE on it and nothing else, and each record is a
key of a few bytes without a value, which compaction may drop.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.connection import consumer_settings, producer_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_bounds import log_bounds
from watermaster.adapters.kafka.log_reader import NOT_ASKED_FOR, UNUSED_GROUP, partitions_of
from watermaster.runtime.observed import Unseen
from watermaster.stream.fault import Fault

PATIENCE_S: Final = 10.0
"""A record that is not back by then is lost to whoever waits for it."""

PARTITIONS_MAX: Final = 100
_KEY_BYTES: Final = 8


class KafkaRoundTrip:
    """Writes to the partitions of one topic in turn. Its clients stay open, so that no connection is measured."""

    def __init__(self, settings: Mapping[str, Any], topic: str, patience_s: float = PATIENCE_S) -> None:
        self._settings, self._topic, self._patience_s = settings, topic, patience_s
        self._clients: tuple[Producer, Consumer, int] | None = None
        self._count = 0

    def measure(self) -> int | Unseen:
        """Milliseconds from writing to reading, or why the record did not come back. The first one opens the way."""
        what = f"a record through {self._topic}"
        try:
            if self._clients is None:
                self._clients = self._opened()
                self._there_and_back(*self._clients)
            return self._there_and_back(*self._clients)
        except Fault as fault:
            lost = Unseen(what, fault.message, fault.code)
        except KafkaException as error:
            refused = translate_error(error, doing="probing", resource=self._topic)
            lost = Unseen(what, refused.message, refused.code)
        except TimeoutError:
            lost = Unseen(what, f"it did not come back within {self._patience_s:g} seconds.", "WM-PROBE-LOST")
        self.close()
        return lost

    def close(self) -> None:
        """Release the connections."""
        if self._clients is not None:
            self._clients[1].close()
            self._clients = None

    def _opened(self) -> tuple[Producer, Consumer, int]:
        consumer = Consumer(consumer_settings(self._settings, UNUSED_GROUP, {"fetch.wait.max.ms": 100}))
        try:
            partitions = partitions_of(consumer, self._topic, translate_error)[:PARTITIONS_MAX]
            ends = [KafkaTopicPartition(self._topic, p, log_bounds(consumer, self._topic, p)[1]) for p in partitions]
            consumer.assign(ends)
            more = {"linger.ms": 0, "message.timeout.ms": round(self._patience_s * 1000)}
            return Producer(producer_settings(self._settings, more)), consumer, len(partitions)
        except BaseException:
            consumer.close()
            raise

    def _there_and_back(self, producer: Producer, consumer: Consumer, partitions: int) -> int:
        """Raises what hinders it, and TimeoutError if it does not come back."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(error)

        key = os.urandom(_KEY_BYTES).hex().encode()
        self._count += 1
        began_s = time.monotonic()
        producer.produce(self._topic, None, key, partition=self._count % partitions, on_delivery=delivered)
        while time.monotonic() < began_s + self._patience_s:
            producer.poll(0)
            if failed:
                raise KafkaException(failed[0])
            for message in consumer.consume(1, 0.05):
                _raise_if_failed(message)
                if message.error() is None and message.key() == key:
                    return round((time.monotonic() - began_s) * 1000)
        raise TimeoutError


def _raise_if_failed(message: Message) -> None:
    error = message.error()
    # The client looks for the coordinator of a group that nobody has asked for, and may not be allowed to.
    if error is not None and error.code() != NOT_ASKED_FOR:
        raise KafkaException(error)
