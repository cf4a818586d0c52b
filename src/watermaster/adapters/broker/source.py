"""The source of the demonstration: a plain producer, as any application has one. It knows nothing of the gate."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from watermaster.adapters.kafka.connection import producer_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.demo import SourceRecord
from watermaster.stream.fault import WorldFault

FLUSH_TIMEOUT_S: Final = 60.0
_DOING: Final = "playing records"


class KafkaSource:
    """Implements `runtime.demo.RecordSink` for one topic. The client chooses the partition by the key."""

    def __init__(self, settings: Mapping[str, Any], topic: str) -> None:
        more = {"linger.ms": 20, "compression.type": "lz4"}
        self._producer = Producer(producer_settings(settings, more))
        self._topic = topic
        self._failure: KafkaError | None = None

    def send(self, records: Sequence[SourceRecord]) -> None:
        """Hand over for sending; waits where the client's queue is full. Raises the fault of an earlier record."""
        for key, value in records:
            while not self._taken(key, value):
                self._producer.poll(0.1)
        self._producer.poll(0)
        self._raise_failure()

    def _taken(self, key: bytes, value: bytes) -> bool:
        try:
            self._producer.produce(self._topic, value, key, on_delivery=self._delivered)
        except BufferError:
            return False
        except KafkaException as error:
            raise translate_error(error, doing=_DOING, resource=self._topic) from error
        return True

    def flush(self) -> None:
        """Return when every record is safe."""
        until_s = time.monotonic() + FLUSH_TIMEOUT_S
        while self._producer.flush(0.5) and time.monotonic() < until_s:
            self._raise_failure()
        self._raise_failure()
        if len(self._producer):
            raise WorldFault(
                "WM-DEMO-SOURCE",
                f"{len(self._producer)} records could not be written within {FLUSH_TIMEOUT_S:.0f} s.",
                hint="Look at the brokers.",
                retriable=True,
            )

    def close(self) -> None:
        """Forget what is not sent yet: nobody will look at it."""
        self._producer.purge()
        self._producer.flush(1.0)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None and self._failure is None:
            self._failure = error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise translate_error(self._failure, doing=_DOING, resource=self._topic)
