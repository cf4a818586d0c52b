"""One held record's facts: what the database may know of it, and never its payload.

`read_held` turns a record of any quarantine topic, ours or adopted, into a `HeldRecord` or the reason why not;
`read_whole` gives with it the record as its source wrote it, for looking at it, for fixes and for replay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import msgspec

from watermaster.gate.verdict import BrokenRule
from watermaster.quarantine.dialect import read_letter
from watermaster.quarantine.envelope_facts import ReferenceFacts
from watermaster.quarantine.hold_key import TOPIC_NAME_MARK, HoldKey
from watermaster.quarantine.letter import Dialect, Letter, Origin, PlainMapping, UnreadLetter
from watermaster.quarantine.trace import read_trace
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import RESERVED_HEADER, TopicPartition, decode_coordinates

SCHEMA_HEADERS: Final = ("__value_schema_id", "schema.id", "schema_id")
"""Where producers write the schema id or guid, when the value does not start with it."""
PRODUCER_HEADERS: Final = ("producer", "client.id", "client_id", "ce_source", "source")
VERSION_HEADERS: Final = ("producer.version", "app.version", "version", "ce_specversion")
HOST_HEADERS: Final = ("host", "hostname")
FACET_BYTES_MAX: Final = 120
"""A facet is a name to count by; what is longer is a text, and could be anything."""

_FRAME_BYTES: Final = 5
"""Magic byte 0 and the schema id, big-endian, of the registries' wire format."""


class Payload(Enum):
    """What of the original bytes lies on the quarantine topic."""

    WHOLE = "whole"
    REFERENCE = "reference"
    """They could not be carried; the facts of the source record stand in a header."""
    ABSENT = "absent"
    """The writer copies none (a share group without `errors.deadletterqueue.copy.record.enable`)."""


class QuarantineRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as it lies on a quarantine topic. `timestamp_ms` is -1 where it has none."""

    source: TopicPartition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders


@dataclass(frozen=True, slots=True)
class Adoption:
    """How a topic is read as a quarantine. `topic_ids` of topics by name, as far as they are known.

    Ids are for our own gate's quarantine, whose topics it watches. Others' letters know names alone, and which id a
    name had when they were written nobody can say later: a topic that others write is adopted without ids. `dialect`
    None means: as each record says. `rules` are not evaluated; they are what the writer names.
    """

    cluster_id: str
    topic_ids: Mapping[str, str]
    dialect: Dialect | None = None
    mapping: PlainMapping = field(default_factory=PlainMapping)


class Failure(msgspec.Struct, frozen=True, gc=False):
    """Why, where no contract says it: the stage, the exception's types (outermost first), the top frames."""

    stage: str = ""
    types: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


class Facets(msgspec.Struct, frozen=True, gc=False):
    """What failures are counted by and never grouped by: the variables that triage contrasts. Empty is not known."""

    producer: str = ""
    schema_id: str = ""
    version: str = ""
    host: str = ""


class HeldRecord(msgspec.Struct, frozen=True, gc=False):
    """The facts of one held record.

    `place` and `place_offset` are where its bytes lie; `origin` is the source record by name, None where the
    convention does not tell. `landed_ms` is the source record's timestamp (-1 where it has none), `attempt` the one
    that failed: a record that an earlier replay has written bears its number, wherever it failed again. `contract` and
    `activation` are set where a gate judged it. Sizes in bytes.
    """

    key: HoldKey
    place: TopicPartition
    place_offset: int
    dialect: Dialect
    origin: Origin | None
    attempt: int
    contract: str | None
    activation: int | None
    broken: tuple[BrokenRule, ...]
    broken_more: int
    failure: Failure | None
    operational: bool
    payload: Payload
    reference: ReferenceFacts | None
    key_bytes: int
    value_bytes: int
    header_count: int
    landed_ms: int
    facets: Facets
    source: str = ""
    """The source topic where no `origin` is known and the convention names it nevertheless."""

    @property
    def stream(self) -> str:
        """The source topic; that of the quarantine where the source is not known."""
        return self.origin.topic if self.origin is not None else self.source or self.place.topic


@dataclass(frozen=True, slots=True)
class NotHeld:
    """Why a record on a quarantine topic is no held record; `code` is stable, `message` repeats no value."""

    code: str
    message: str


class OriginalRecord(msgspec.Struct, frozen=True, gc=False):
    """The record as its source wrote it. `timestamp_ms` is -1 where it had none."""

    key: bytes | None
    value: bytes | None
    headers: RawHeaders
    timestamp_ms: int


def read_held(record: QuarantineRecord, adoption: Adoption) -> HeldRecord | NotHeld:
    """The facts of a record on a quarantine topic. Never raises for bad data."""
    letter = read_letter(record.headers, adoption.dialect, adoption.mapping)
    return NotHeld(letter.code, letter.message) if isinstance(letter, UnreadLetter) else _held(record, letter, adoption)


def read_whole(record: QuarantineRecord, adoption: Adoption) -> tuple[HeldRecord, OriginalRecord | None] | NotHeld:
    """The facts, and the record as its source wrote it; None for that where its bytes do not lie here."""
    letter = read_letter(record.headers, adoption.dialect, adoption.mapping)
    if isinstance(letter, UnreadLetter):
        return NotHeld(letter.code, letter.message)
    held = _held(record, letter, adoption)
    return held, _original(record, letter) if held.payload is Payload.WHOLE else None


def _held(record: QuarantineRecord, letter: Letter, adoption: Adoption) -> HeldRecord:
    facts = letter.envelope
    payload, reference = _payload(record, letter), facts.reference if facts else None
    rules = facts.broken if facts else (_named_rule(letter),) if letter.rule else ()
    return HeldRecord(
        key=_key(record, letter, adoption),
        place=record.source,
        place_offset=record.offset,
        dialect=letter.dialect,
        origin=letter.origin,
        attempt=facts.coordinates.attempt if facts else _stamped_attempt(letter.original_headers),
        contract=facts.contract if facts else None,
        activation=facts.coordinates.activation if facts else None,
        broken=rules,
        broken_more=facts.more if facts else 0,
        failure=None if facts else _failure(letter),
        operational=facts.operational if facts else False,
        payload=payload,
        reference=reference,
        key_bytes=reference.key_bytes if reference else len(record.key or b""),
        value_bytes=reference.value_bytes if reference else len(record.value or b""),
        header_count=reference.headers if reference else len(letter.original_headers),
        landed_ms=reference.timestamp_ms if reference else _landed(record, letter),
        facets=_facets(letter.original_headers, record.value),
        source=letter.topic if letter.origin is None else "",
    )


def _original(record: QuarantineRecord, letter: Letter) -> OriginalRecord:
    """The reserved header is taken away too: it names an earlier journey, and each output gets its own."""
    headers = [header for header in letter.original_headers if header[0] != RESERVED_HEADER]
    return OriginalRecord(record.key, record.value, headers, _landed(record, letter))


def _payload(record: QuarantineRecord, letter: Letter) -> Payload:
    if letter.envelope is not None and letter.envelope.reference is not None:
        return Payload.REFERENCE
    if letter.payload_may_be_absent and record.key is None and record.value is None:
        return Payload.ABSENT
    return Payload.WHOLE


def _key(record: QuarantineRecord, letter: Letter, adoption: Adoption) -> HoldKey:
    if letter.envelope is not None:
        place = letter.envelope.coordinates
        return HoldKey(place.cluster_id, place.topic_id, place.partition, place.offset, place.ordinal, letter.holder)
    origin, holder = letter.origin, letter.holder
    if origin is None:  # named by where it lies
        origin, holder = Origin(record.source.topic, record.source.partition, record.offset), ""
    topic_id = adoption.topic_ids.get(origin.topic, TOPIC_NAME_MARK + origin.topic.replace(" ", "?"))
    return HoldKey(adoption.cluster_id, topic_id, origin.partition, origin.offset, 0, holder)


def _stamped_attempt(headers: RawHeaders) -> int:
    """Of the last stamp that the record bears: replays count on through whatever failed between them."""
    stamps = (decode_coordinates(value) for name, value in reversed(headers) if name == RESERVED_HEADER)
    stamp = next(stamps, None)
    return stamp.attempt if stamp is not None else 0


def _landed(record: QuarantineRecord, letter: Letter) -> int:
    return letter.timestamp_ms if letter.timestamp_ms is not None else record.timestamp_ms


def _failure(letter: Letter) -> Failure:
    trace = read_trace(letter.trace, letter.exception)
    return Failure(letter.stage, trace.types, trace.frames)


def _named_rule(letter: Letter) -> BrokenRule:
    return BrokenRule(letter.rule, "$", "rule.broken", "a rule of the schema registry says no")


def _facets(headers: RawHeaders, value: bytes | None) -> Facets:
    if not headers:
        return Facets(schema_id=_framed_schema(value))
    named = dict(headers)
    return Facets(
        producer=_first(named, PRODUCER_HEADERS),
        schema_id=_first(named, SCHEMA_HEADERS) or _framed_schema(value),
        version=_first(named, VERSION_HEADERS),
        host=_first(named, HOST_HEADERS),
    )


def _first(named: Mapping[str, bytes | None], names: tuple[str, ...]) -> str:
    """The first of these headers that is a short printable text."""
    for name in names:
        text = (named.get(name) or b"")[: FACET_BYTES_MAX + 1].decode(errors="replace")
        if text and len(text) <= FACET_BYTES_MAX and text.isprintable():
            return text
    return ""


def _framed_schema(value: bytes | None) -> str:
    """The schema id in the first bytes of the value; JSON never starts with a zero byte."""
    if value is None or len(value) < _FRAME_BYTES or value[0] != 0:
        return ""
    return str(int.from_bytes(value[1:_FRAME_BYTES], "big"))
