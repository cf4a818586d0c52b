"""What the values of a topic look like, guessed from a few records; and what a topic is by its name.

A guess for a table that a person reads, not a verdict: contracts decide later. Nothing here needs a registry.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import RFC_4122, UUID

from watermaster.runtime.observed import SampledRecord
from watermaster.stream.coordinates import RESERVED_HEADER


class ValueFormat(Enum):
    """How a person would name the format of a topic's values."""

    JSON = "JSON"
    JSON_FRAMED = "JSON with registry framing"
    AVRO_FRAMED = "Avro or other schema with registry framing"
    PROTOBUF_FRAMED = "Protobuf with registry framing"
    PROTOBUF_LIKE = "Protobuf-like"
    TEXT = "text"
    BINARY = "binary"
    EMPTY = "empty"
    TOMBSTONES = "only tombstones"
    INTERNAL = "internal"
    DEAD_LETTER = "dead-letter topic"
    GATE_OUTPUT = "output of a gate"
    UNREADABLE = "cannot read"


@dataclass(frozen=True, slots=True)
class FormatGuess:
    """The most frequent format, and how many of the sampled records have it."""

    format: ValueFormat
    agreeing: int = 0
    sampled: int = 0


FRAME_V0_BYTES: Final = 5
"""Magic 0 and a schema id of four bytes."""
FRAME_V1_BYTES: Final = 17
"""Magic 1 and a schema GUID of sixteen bytes."""

_SCHEMA_ID_MAX: Final = 100_000_000
"""Registries count from one; a larger number after a zero byte is rather data."""

_FIELD_NUMBER_MAX: Final = 2000
_CHECKED_BYTES_MAX: Final = 64 * 1024
"""How much of a value is looked at for wire formats and text."""

_INTERNAL_NAME: Final = re.compile(
    r"__.*|_schemas|_confluent.*|connect-(?:configs|offsets|status).*|.*-(?:changelog|repartition)"
    r"|mm2-.*\.internal|.*\.checkpoints\.internal|heartbeats|watermaster\.(?:control|ledger\..*)"
)
_DEAD_LETTER_NAME: Final = re.compile(r"dlq[._-].*|.*[._-](?:dlq|dlt|dead[._-]?letters?(?:[._-]queue)?)", re.IGNORECASE)
_DEAD_LETTER_HEADERS: Final = (
    "__dlq.errors.",
    "__connect.errors.",
    "__streams.errors.",
    "kafka_dlt-",
    "__rule.exception",
)
_SCHEMA_ID_HEADER: Final = "__value_schema_id"


def guess_format(topic: str, records: Sequence[SampledRecord]) -> FormatGuess:
    """What a topic holds, by its name and a few of its records (none: it is empty)."""
    if is_internal(topic):
        return FormatGuess(ValueFormat.INTERNAL)
    if _DEAD_LETTER_NAME.fullmatch(topic) or _mostly(records, _DEAD_LETTER_HEADERS):
        return FormatGuess(ValueFormat.DEAD_LETTER, len(records), len(records))
    if not records:
        return FormatGuess(ValueFormat.EMPTY)
    if _mostly(records, (RESERVED_HEADER,)):
        return FormatGuess(ValueFormat.GATE_OUTPUT, len(records), len(records))
    formats = Counter(value_format(record) for record in records)
    tombstones = formats.pop(ValueFormat.TOMBSTONES, 0)
    if not formats:
        return FormatGuess(ValueFormat.TOMBSTONES, tombstones, tombstones)
    best, count = formats.most_common(1)[0]
    return FormatGuess(best, count, len(records) - tombstones)


def is_internal(topic: str) -> bool:
    """Topics that Kafka, its companions or this product keep for themselves."""
    return _INTERNAL_NAME.fullmatch(topic) is not None


def value_format(record: SampledRecord) -> ValueFormat:
    """The format of one value."""
    value = record.value
    if value is None:
        return ValueFormat.TOMBSTONES
    if any(name == _SCHEMA_ID_HEADER for name, _ in record.headers or ()):
        return ValueFormat.JSON_FRAMED if _is_json_document(value) else ValueFormat.AVRO_FRAMED
    if _is_json_document(value):
        return ValueFormat.JSON
    payload = framed_payload(value)
    if payload is not None:
        return _framed_format(payload)
    if _is_text(value):
        return ValueFormat.TEXT
    return ValueFormat.PROTOBUF_LIKE if _is_protobuf(value) else ValueFormat.BINARY


def framed_payload(value: bytes) -> bytes | None:
    """What follows a registry frame (magic 0 with an id, magic 1 with a GUID), or None if there is no frame."""
    if len(value) > FRAME_V0_BYTES and value[0] == 0:
        schema_id = int.from_bytes(value[1:FRAME_V0_BYTES], "big")
        return value[FRAME_V0_BYTES:] if 0 < schema_id < _SCHEMA_ID_MAX else None
    if len(value) > FRAME_V1_BYTES and value[0] == 1:
        guid = UUID(bytes=value[1:FRAME_V1_BYTES])
        return value[FRAME_V1_BYTES:] if guid.variant == RFC_4122 else None
    return None


def _framed_format(payload: bytes) -> ValueFormat:
    if _is_json_document(payload):
        return ValueFormat.JSON_FRAMED
    # Protobuf has its message index first; 0 means the first message of the schema.
    if payload[0] == 0 and _is_protobuf(payload[1:]):
        return ValueFormat.PROTOBUF_FRAMED
    return ValueFormat.AVRO_FRAMED


def _mostly(records: Sequence[SampledRecord], prefixes: tuple[str, ...]) -> bool:
    """Whether most records carry a header with one of these prefixes."""
    marked = sum(any(name.startswith(prefixes) for name, _ in record.headers or ()) for record in records)
    return marked * 2 > len(records)


def json_document(value: bytes) -> dict[str, object] | list[object] | None:
    """A JSON object or array; None for everything else (a bare number or word is text)."""
    if value.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        parsed = json.loads(value.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict | list) else None


def _is_json_document(value: bytes) -> bool:
    return json_document(value) is not None


def _is_text(value: bytes) -> bool:
    try:
        text = value[:_CHECKED_BYTES_MAX].decode("utf-8", "strict" if len(value) <= _CHECKED_BYTES_MAX else "ignore")
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\t\r\n" for char in text)


def _is_protobuf(value: bytes) -> bool:
    """Whether the bytes are a whole sequence of Protobuf fields with plausible numbers."""
    position = 0
    if not value or len(value) > _CHECKED_BYTES_MAX:
        return False
    while position < len(value):
        tag, position = _varint(value, position)
        if tag is None or not 0 < tag >> 3 <= _FIELD_NUMBER_MAX:
            return False
        match tag & 7:
            case 0:
                number, position = _varint(value, position)
                if number is None:
                    return False
            case 1:
                position += 8
            case 2:
                length, position = _varint(value, position)
                if length is None:
                    return False
                position += length
            case 5:
                position += 4
            case _:
                return False
    return position == len(value)


def _varint(value: bytes, position: int) -> tuple[int | None, int]:
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(value):
            return None, position
        byte = value[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, position
    return None, position
