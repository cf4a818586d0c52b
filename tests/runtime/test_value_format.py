"""Guessing formats: one table of bytes, and topics by their name."""

from __future__ import annotations

import json
import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.runtime.observed import SampledRecord
from watermaster.runtime.value_format import ValueFormat, framed_payload, guess_format, value_format

FRAME = b"\x00" + struct.pack(">i", 42)
GUID_FRAME = b"\x01" + uuid.UUID("4f1c2d3e-5a6b-4c7d-8e9f-0a1b2c3d4e5f").bytes
PROTOBUF = b"\x08\x96\x01\x12\x07testing"  # field 1 varint 150, field 2 "testing"

VALUES = [
    (b'{"a": 1}', ValueFormat.JSON),
    (b" \n[1, 2]", ValueFormat.JSON),
    (b"1", ValueFormat.TEXT),
    (b'"word"', ValueFormat.TEXT),
    (b"{not json", ValueFormat.TEXT),
    (b"", ValueFormat.TEXT),
    ("grün\n".encode(), ValueFormat.TEXT),
    (b'{"a": \xff}', ValueFormat.BINARY),
    (b"\x1b[31mred", ValueFormat.BINARY),
    (b"[" * 100_000, ValueFormat.TEXT),
    (FRAME + b'{"a": 1}', ValueFormat.JSON_FRAMED),
    (FRAME + b"\x06abc\x02", ValueFormat.AVRO_FRAMED),
    (FRAME + b"\x00" + PROTOBUF, ValueFormat.PROTOBUF_FRAMED),
    (GUID_FRAME + b'{"a": 1}', ValueFormat.JSON_FRAMED),
    (GUID_FRAME + b"\x06abc\x02", ValueFormat.AVRO_FRAMED),
    (b"\x00" + struct.pack(">i", 0) + b"\xffx", ValueFormat.BINARY),
    (b"\x00" + struct.pack(">i", -1) + b"\xffx", ValueFormat.BINARY),
    (PROTOBUF, ValueFormat.PROTOBUF_LIKE),
    (PROTOBUF[:-1], ValueFormat.BINARY),
    (b"\xca\xfe\xba\xbe\x00\x00", ValueFormat.BINARY),
    (None, ValueFormat.TOMBSTONES),
]


def record(value: bytes | None, headers: list[tuple[str, bytes | None]] | None = None) -> SampledRecord:
    return SampledRecord(0, 0, 0, None, value, headers, len(value or b""))


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_value_format(value: bytes | None, expected: ValueFormat) -> None:
    assert value_format(record(value)) is expected


def test_schema_id_header_means_registry() -> None:
    headers: list[tuple[str, bytes | None]] = [("__value_schema_id", GUID_FRAME)]
    assert value_format(record(b'{"a":1}', headers)) is ValueFormat.JSON_FRAMED
    assert value_format(record(b"\x06abc", headers)) is ValueFormat.AVRO_FRAMED


NAMES = [
    ("__consumer_offsets", ValueFormat.INTERNAL),
    ("_schemas", ValueFormat.INTERNAL),
    ("app-store-changelog", ValueFormat.INTERNAL),
    ("watermaster.control", ValueFormat.INTERNAL),
    ("watermaster.ledger.flights", ValueFormat.INTERNAL),
    ("dlq.orders", ValueFormat.DEAD_LETTER),
    ("orders-dlt", ValueFormat.DEAD_LETTER),
    ("orders.DLQ", ValueFormat.DEAD_LETTER),
    ("orders_dead_letter", ValueFormat.DEAD_LETTER),
    ("orders", ValueFormat.JSON),
    ("handlqr", ValueFormat.JSON),
]


@pytest.mark.parametrize(("topic", "expected"), NAMES)
def test_topics_by_name(topic: str, expected: ValueFormat) -> None:
    assert guess_format(topic, [record(b"{}")]).format is expected


@pytest.mark.parametrize("name", ["__dlq.errors.topic", "__connect.errors.stage", "kafka_dlt-original-topic"])
def test_dead_letters_by_header(name: str) -> None:
    assert guess_format("orders", [record(b"{}", [(name, b"x")])]).format is ValueFormat.DEAD_LETTER


def test_output_of_a_gate() -> None:
    assert (
        guess_format("orders", [record(b"{}", [("__watermaster", b"1 c t 0 0 0 0 1")])]).format
        is ValueFormat.GATE_OUTPUT
    )


def test_the_majority_decides_and_is_counted() -> None:
    guess = guess_format("t", [record(b"{}"), record(b"{}"), record(b"x"), record(None)])
    assert (guess.format, guess.agreeing, guess.sampled) == (ValueFormat.JSON, 2, 3)
    assert guess_format("t", []).format is ValueFormat.EMPTY
    assert guess_format("t", [record(None)]).format is ValueFormat.TOMBSTONES


@given(st.binary(max_size=300))
def test_any_bytes_have_a_format(value: bytes) -> None:
    assert isinstance(value_format(record(value)), ValueFormat)
    payload = framed_payload(value)
    assert payload is None or value.endswith(payload)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_every_json_object_is_json(document: dict[str, object]) -> None:
    assert value_format(record(json.dumps(document).encode())) is ValueFormat.JSON
