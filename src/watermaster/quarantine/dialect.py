"""Readers of the known dead-letter conventions. Header names and encodings, by their sources:

Kafka Connect's `DeadLetterQueueReporter`, Kafka Streams' KIP-1034, Spring Kafka's `DeadLetterPublishingRecoverer`,
the broker's share groups (KIP-1191), the rule action of Confluent's serializers, and our own `envelope`.

A dead letter may carry the traces of several conventions: a record that a gate held, or that failed in one stage
before it failed in the next. The convention whose headers come last is the one that wrote the letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from watermaster.quarantine.envelope_facts import EnvelopeFacts, read_envelope
from watermaster.quarantine.letter import Dialect, Letter, Origin, PlainMapping, UnreadLetter
from watermaster.stream.batch import RawHeaders

HEADERS_MAX: Final = 10_000
"""More headers than any broker setting in use lets through; what has more is not read."""
NAME_BYTES_MAX: Final = 1_024
"""Of topics, groups, classes: Kafka's own names end at 249."""
TRACE_BYTES_MAX: Final = 256 * 1024
"""Beyond the deepest stack that a JVM prints; the top is what counts."""

_INT_BYTES: Final = 4
_LONG_BYTES: Final = 8
_DIGITS_MAX: Final = 19
_CLASS: Final = re.compile(r"[A-Za-z_$][\w$]*(?:[.][A-Za-z_$][\w$]*)*")
_NO_COORDINATES: Final = UnreadLetter("letter.coordinates", "the headers name no valid topic, partition and offset")
_OTHER: Final = UnreadLetter("letter.other", "the headers are not of this convention")

MAYBE_GATE: Final = (None, Dialect.GATE)
"""Under which a letter is read as a gate's if it is one."""

_Own: TypeAlias = Mapping[str, bytes | None]
"""Headers of one convention, the last value of each name."""

_PREFIXES: Final[dict[Dialect, tuple[str, ...]]] = {
    Dialect.CONNECT: ("__connect.errors.",),
    Dialect.STREAMS: ("__streams.errors.",),
    Dialect.SPRING: ("kafka_dlt-", "retry_topic-", "springDeserializerException"),
    Dialect.SHARE_GROUP: ("__dlq.errors.",),
    Dialect.RULE: ("__rule.",),
}
_MARKS: Final = {
    "__connect.errors.stage": Dialect.CONNECT,
    "__connect.errors.exception.class.name": Dialect.CONNECT,
    "__streams.errors.exception": Dialect.STREAMS,
    "__streams.errors.topic": Dialect.STREAMS,
    "kafka_dlt-exception-fqcn": Dialect.SPRING,
    "kafka_dlt-original-topic": Dialect.SPRING,
    "__dlq.errors.group": Dialect.SHARE_GROUP,
    "__dlq.errors.topic": Dialect.SHARE_GROUP,
    "__rule.name": Dialect.RULE,
}
"""Headers that only the writer of a convention adds; the last one that a record has tells who wrote it."""


def detect_dialect(headers: RawHeaders) -> Dialect:
    """The convention that wrote these headers; PLAIN if it is none that is known."""
    return Dialect.GATE if read_envelope(headers) is not None else _detect_other(headers)


def _detect_other(headers: RawHeaders) -> Dialect:
    for name, _ in reversed(headers):
        if name in _MARKS:
            return _MARKS[name]
    return Dialect.PLAIN


def read_letter(
    headers: RawHeaders, dialect: Dialect | None = None, mapping: PlainMapping | None = None
) -> Letter | UnreadLetter:
    """Read a dead letter's headers, of the given convention or of the one that is found. Never raises for bad data."""
    if len(headers) > HEADERS_MAX:
        return UnreadLetter("letter.headers", f"the record has more than {HEADERS_MAX} headers")
    facts = read_envelope(headers) if dialect in MAYBE_GATE else None
    if facts is not None:
        return _gate_letter(headers, facts)
    chosen = dialect or _detect_other(headers)
    match chosen:
        case Dialect.GATE:
            return _OTHER
        case Dialect.PLAIN:
            return _read_plain(headers, mapping or PlainMapping())
        case _:
            own, originals = _split(headers, _PREFIXES[chosen])
            return _READERS[chosen](own, originals) if own else _OTHER


def _gate_letter(headers: RawHeaders, facts: EnvelopeFacts) -> Letter:
    place = facts.coordinates
    return Letter(
        Dialect.GATE,
        headers[: facts.originals],
        Origin(facts.topic, place.partition, place.offset),
        holder=facts.gate,
        attempts=place.attempt,
        envelope=facts,
    )


def _read_connect(own: _Own, originals: RawHeaders) -> Letter | UnreadLetter:
    prefix = "__connect.errors."
    return Letter(
        Dialect.CONNECT,
        originals,
        _origin(own, prefix),
        holder=_name(own, prefix + "connector.name"),
        stage=_name(own, prefix + "stage"),
        exception=_class_name(own, prefix + "exception.class.name"),
        trace=_trace(own, prefix + "exception.stacktrace"),
    )


def _read_streams(own: _Own, originals: RawHeaders) -> Letter | UnreadLetter:
    prefix = "__streams.errors."
    origin = _origin(own, prefix)
    if origin is None:
        return _NO_COORDINATES
    exception = _class_name(own, prefix + "exception")
    trace = _trace(own, prefix + "stacktrace")
    return Letter(Dialect.STREAMS, originals, origin, exception=exception, trace=trace)


def _read_share_group(own: _Own, originals: RawHeaders) -> Letter | UnreadLetter:
    prefix = "__dlq.errors."
    origin = _origin(own, prefix)
    if origin is None:
        return _NO_COORDINATES
    return Letter(
        Dialect.SHARE_GROUP,
        originals,
        origin,
        holder=_name(own, prefix + "group"),
        stage="share-group",
        attempts=_number(own.get(prefix + "delivery.count")) or 0,
        payload_may_be_absent=True,
    )


def _read_spring(own: _Own, originals: RawHeaders) -> Letter | UnreadLetter:
    prefix = "kafka_dlt-"
    origin = _origin(own, prefix + "original-")
    if origin is None:
        return _NO_COORDINATES
    part = "key-exception-" if prefix + "key-exception-fqcn" in own else "exception-"
    return Letter(
        Dialect.SPRING,
        originals,
        origin,
        holder=_name(own, prefix + "original-consumer-group"),
        stage="key" if part.startswith("key") else "",
        exception=_class_name(own, prefix + part + "fqcn"),
        trace=_trace(own, prefix + part + "stacktrace"),
        attempts=_number(own.get("retry_topic-attempts")) or 0,
        timestamp_ms=_number(own.get(prefix + "original-timestamp")),
    )


def _read_rule(own: _Own, originals: RawHeaders) -> Letter | UnreadLetter:
    prefix = "__rule."
    # The topic is named and the offset is not: the serializer gave up before there was one.
    return Letter(
        Dialect.RULE,
        originals,
        topic=_name(own, prefix + "topic"),
        holder=_name(own, prefix + "subject"),
        stage=_name(own, prefix + "mode"),
        exception=_class_name(own, prefix + "exception"),
        rule=_name(own, prefix + "name"),
    )


def _read_plain(headers: RawHeaders, mapping: PlainMapping) -> Letter:
    named = {mapping.topic, mapping.partition, mapping.offset, mapping.holder, mapping.stage, mapping.exception}
    added = (named | {mapping.trace} | set(mapping.names)) - {""}
    own = {name: value for name, value in headers if name in added}
    topic = _name(own, mapping.topic) or mapping.fixed_topic
    partition, offset = _number(own.get(mapping.partition)), _number(own.get(mapping.offset))
    return Letter(
        Dialect.PLAIN,
        [header for header in headers if header[0] not in added],
        None if not topic or partition is None or offset is None else Origin(topic, partition, offset),
        topic=topic,
        holder=_name(own, mapping.holder),
        stage=_name(own, mapping.stage),
        exception=_class_name(own, mapping.exception),
        trace=_trace(own, mapping.trace),
    )


_READERS: Final[dict[Dialect, Callable[[_Own, RawHeaders], Letter | UnreadLetter]]] = {
    Dialect.CONNECT: _read_connect,
    Dialect.STREAMS: _read_streams,
    Dialect.SPRING: _read_spring,
    Dialect.SHARE_GROUP: _read_share_group,
    Dialect.RULE: _read_rule,
}


def _split(headers: RawHeaders, prefixes: tuple[str, ...]) -> tuple[dict[str, bytes | None], RawHeaders]:
    """The convention's own headers, and the record's. Of a name that stands twice the last was written last."""
    own = {name: value for name, value in headers if name.startswith(prefixes)}
    return own, [header for header in headers if not header[0].startswith(prefixes)]


def _origin(own: _Own, prefix: str) -> Origin | None:
    topic = _name(own, prefix + "topic")
    partition, offset = _number(own.get(prefix + "partition")), _number(own.get(prefix + "offset"))
    return Origin(topic, partition, offset) if topic and partition is not None and offset is not None else None


def _name(own: _Own, name: str) -> str:
    return (own.get(name) or b"")[:NAME_BYTES_MAX].decode(errors="replace")


def _class_name(own: _Own, name: str) -> str:
    """An exception's class, also of `class: message`; empty where there is only a message, which may repeat values."""
    text = _name(own, name).split(":", 1)[0].strip()
    return text if _CLASS.fullmatch(text) else ""


def _trace(own: _Own, name: str) -> str:
    return (own.get(name) or b"")[:TRACE_BYTES_MAX].decode(errors="replace")


def _number(value: bytes | None) -> int | None:
    """Decimal text, or big-endian binary of four or eight bytes; None if it is neither or negative.

    Text is tried first: as binary, four digits would be a number beyond eight hundred million, which is no partition.
    """
    if value is None:
        return None
    if value.isdigit() and len(value) <= _DIGITS_MAX:
        return int(value)
    if len(value) in {_INT_BYTES, _LONG_BYTES}:
        number = int.from_bytes(value, "big", signed=True)
        return number if number >= 0 else None
    return None
