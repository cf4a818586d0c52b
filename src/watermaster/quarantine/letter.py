"""What the headers of a dead letter say, whatever the convention that they follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from watermaster.quarantine.envelope_facts import EnvelopeFacts
from watermaster.stream.batch import RawHeaders


class Dialect(Enum):
    """The conventions in which dead letters are written."""

    GATE = "gate"
    """Our gate's envelope."""
    CONNECT = "connect"
    """Kafka Connect, `DeadLetterQueueReporter`: `__connect.errors.*`, numbers as text."""
    STREAMS = "streams"
    """Kafka Streams, KIP-1034: `__streams.errors.*`, numbers as text."""
    SPRING = "spring"
    """Spring Kafka: `kafka_dlt-*`, numbers as big-endian binary."""
    SHARE_GROUP = "share-group"
    """The broker's share groups, KIP-1191: `__dlq.errors.*`. The payload may be absent, duplicates are possible."""
    RULE = "rule"
    """The rule action of Confluent's serializers: `__rule.*`, without coordinates."""
    PLAIN = "plain"
    """Any other topic; a `PlainMapping` says which headers mean what, if any do."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where the failed record was read from, by name: dead letters know no ids."""

    topic: str
    partition: int
    offset: int


class Letter(msgspec.Struct, frozen=True, gc=False):
    """One dead letter's headers, read. `holder` is who gave up on the record: gate, connector, group, application.

    `trace` is the exception's stack trace as text; it may repeat values of the record and so is only read for frames
    and types, never kept. `original_headers` are the record's own. Times in milliseconds since the epoch.
    """

    dialect: Dialect
    original_headers: RawHeaders
    origin: Origin | None = None
    topic: str = ""
    """The source topic, where the convention names it without an offset."""
    holder: str = ""
    stage: str = ""
    exception: str = ""
    trace: str = ""
    rule: str = ""
    attempts: int = 0
    """Deliveries or retries before the record was given up; 0 where nothing counts them."""
    timestamp_ms: int | None = None
    """The original timestamp, where the convention carries it apart from the record's own."""
    payload_may_be_absent: bool = False
    envelope: EnvelopeFacts | None = None


@dataclass(frozen=True, slots=True)
class UnreadLetter:
    """Why a record is no dead letter of a convention; `code` is stable, `message` repeats no value."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PlainMapping:
    """Which headers of a plain dead-letter topic mean what; an empty name means that there is none.

    `fixed_topic` is the source topic where no header names it. Numbers may be decimal text or big-endian binary of 4
    or 8 bytes: text is tried first.
    """

    topic: str = ""
    partition: str = ""
    offset: str = ""
    holder: str = ""
    stage: str = ""
    exception: str = ""
    trace: str = ""
    fixed_topic: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    """Further headers that the dead-letter writer added and a replay takes away again; the values say why."""
