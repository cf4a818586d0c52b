"""Messages of the client as columns: the hot loop of reading, which builds no object for a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaError, Message

from watermaster.adapters.kafka.message_headers import HEADER_UNREADABLE, HeadersUnreadable, headers_of
from watermaster.runtime.ports import Fenced, ReadResult, Trouble, TroubleKind
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, WorldFault

CONSUME_MAX: Final = 500
"""Messages per call: measured best; more is slower, because the list outgrows the caches."""

_TROUBLES: Final = {
    KafkaError._AUTO_OFFSET_RESET: TroubleKind.OUT_OF_RANGE,
    KafkaError.OFFSET_OUT_OF_RANGE: TroubleKind.OUT_OF_RANGE,
    KafkaError._FATAL: TroubleKind.FATAL,
    KafkaError._LOG_TRUNCATION: TroubleKind.TRUNCATED,
    KafkaError._BAD_MSG: TroubleKind.UNREADABLE,
    KafkaError._BAD_COMPRESSION: TroubleKind.UNREADABLE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: TroubleKind.DENIED,
    KafkaError.GROUP_AUTHORIZATION_FAILED: TroubleKind.DENIED,
}

_TRUNCATION: Final = "truncation"
"""Only the text tells why an offset would be reset: out of range, or of a log that was cut off since."""


def as_columns(messages: list[Message], translate: Callable[[KafkaError], Fault]) -> ReadResult:
    """Group messages by source partition, in offset order; error events become troubles."""
    troubles: list[Trouble] = []
    ends: dict[TopicPartition, int] = {}
    batches: dict[tuple[Any, Any], RecordBatch] = {}  # a message without error has both
    batch: RecordBatch | None = None
    at: tuple[Any, Any] | None = None
    last: Message | None = None
    broken: set[tuple[Any, Any]] = set()
    """What comes of these behind a batch that cannot be read is dropped: it would look as if nothing were missing."""
    for message in messages:
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                ends[TopicPartition(message.topic() or "", message.partition() or 0)] = message.offset() or 0
                continue
            trouble = _trouble(error, message, translate)
            troubles.append(trouble)
            if trouble.kind is TroubleKind.UNREADABLE:
                broken.add((message.topic(), message.partition()))
                at = None
            continue
        where: tuple[Any, Any] = (message.topic(), message.partition())
        if where != at or batch is None:
            if where in broken:
                continue
            _note_epoch(batch, last)
            at = where
            batch = batches.get(where)
            if batch is None:
                batch = batches[where] = RecordBatch(TopicPartition(where[0], where[1]))
        batch.offsets.append(message.offset())  # type: ignore[arg-type]
        batch.timestamps_ms.append(message.timestamp()[1])
        batch.keys.append(message.key())
        batch.values.append(message.value())
        batch.headers.append(_headers(message, batch))
        batch.bytes += len(message)
        last = message
    _note_epoch(batch, last)
    return ReadResult(list(batches.values()), troubles, ends)


def _note_epoch(batch: RecordBatch | None, last: Message | None) -> None:
    """Of the last record only: a call for each would be a tenth of the cost of reading."""
    if batch is not None and last is not None:
        epoch = last.leader_epoch()
        batch.leader_epoch = -1 if epoch is None else epoch


def _trouble(error: KafkaError, message: Message, translate: Callable[[KafkaError], Fault]) -> Trouble:
    kind = _TROUBLES.get(error.code(), TroubleKind.UNKNOWN)
    if kind is TroubleKind.OUT_OF_RANGE and _TRUNCATION in error.str():
        kind = TroubleKind.TRUNCATED
    topic = message.topic()
    source = TopicPartition(topic, message.partition() or 0) if topic is not None else None
    return Trouble(kind, source, _fatal(error) if kind is TroubleKind.FATAL else translate(error))


def _fatal(error: KafkaError) -> Fault:
    """The client reads no more, and this one event is all that it says of it."""
    if "fenced" in error.str():  # the cause is only in the text: the code is that of all fatal errors
        return Fenced(
            "WM-GATE-FENCED",
            "another process is a member of the group under the same name",
            hint="Give each running instance its own `instance` name, or stop the other process.",
            # It may be ourselves: a coordinator that stood still wakes up to a request that we had given up and sent
            # again. So the supervisor tries once more.
        )
    return WorldFault(
        "WM-KAFKA-FATAL",
        "the Kafka client has met an error that it cannot recover from",
        hint="Start the gate again; look at the brokers' logs if it comes back.",
    )


def _headers(message: Message, batch: RecordBatch) -> RawHeaders | None:
    try:
        return headers_of(message)
    except HeadersUnreadable:
        batch.uncarriable[len(batch.offsets) - 1] = HEADER_UNREADABLE
        return None
