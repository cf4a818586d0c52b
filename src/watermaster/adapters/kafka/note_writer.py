"""Writes single records to our own topics (activations, notes), confirmed one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from watermaster.adapters.kafka.connection import producer_settings
from watermaster.runtime.ports import Output
from watermaster.stream.fault import Fault, WorldFault

WRITE_TIMEOUT_S = 30.0


class KafkaNoteWriter:
    """Implements `runtime.ports.NoteWriter`."""

    def __init__(self, settings: Mapping[str, Any], translate: Callable[[KafkaError], Fault]) -> None:
        self._settings = settings
        self._translate = translate

    def write(self, notes: Sequence[Output]) -> None:
        """Write all notes; returns when every broker has them, raises the first failure."""
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = Producer(producer_settings(self._settings, {"message.timeout.ms": int(WRITE_TIMEOUT_S * 1000)}))
        try:
            for note in notes:
                producer.produce(note.topic, note.value, note.key, partition=note.partition, on_delivery=delivered)
        except KafkaException as error:
            raise self._translate(error.args[0]) from error
        until_s = time.monotonic() + 2 * WRITE_TIMEOUT_S
        while producer.flush(1.0) and time.monotonic() < until_s:
            pass
        if failures:
            raise self._translate(failures[0])
        if len(producer):
            raise WorldFault(
                "WM-NOTE-UNCONFIRMED",
                f"the cluster did not confirm what was written to {notes[0].topic}",
                hint="It may have been written or not: look, and try again.",
                retriable=True,
            )
