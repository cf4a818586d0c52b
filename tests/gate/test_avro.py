"""Avro values of the stream have the text that the same values have in files, and other bytes end in a reason."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.checks import Limits
from watermaster.gate.avro_binary import Refused
from watermaster.gate.avro_schema import UnfitSchema, compile_avro
from watermaster.gate.avro_text import compile_schema
from watermaster.gate.framed import decode_avro
from watermaster.gate.schema import AVRO, Schema

LIMITS = Limits()
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
encode = msgspec.json.Encoder(decimal_format="number").encode

SCALARS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    ("null", st.none()),
    ("boolean", st.booleans()),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("long", st.integers(-(2**63), 2**63 - 1)),
    ("float", st.floats(width=32)),
    ("double", st.floats()),
    ("bytes", st.binary(max_size=8)),
    ("string", st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
    (DECIMAL, st.integers(-(10**9) + 1, 10**9 - 1).map(lambda n: Decimal(n).scaleb(-2))),
    ({"type": "int", "logicalType": "date"}, st.dates()),
    (
        {"type": "long", "logicalType": "timestamp-micros"},
        st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants it so
    ),
    ({"type": "long", "logicalType": "timestamp-nanos"}, st.integers(0, 2**61)),
    ({"type": "string", "logicalType": "uuid"}, st.uuids()),
]


@st.composite
def scalars(draw: st.DrawFn) -> tuple[Any, st.SearchStrategy[Any]]:
    return draw(st.sampled_from(SCALARS))


def _named(schema: Any, number: int) -> Any:
    named = {"altnames": {"json": "x é"}} if number % 2 else {}
    return {"type": "record", "name": f"R{number}", "fields": [{"name": "x", "type": schema, **named}]}


@st.composite
def pairs(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:
    """A schema and a value of it."""
    schema, values = draw(scalars())
    for level in range(draw(st.integers(0, depth))):
        match draw(st.sampled_from(["array", "map", "union", "record"])):
            case "array":
                schema, values = {"type": "array", "items": schema}, st.lists(values, max_size=3)
            case "map":
                names = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
                schema, values = {"type": "map", "values": schema}, st.dictionaries(names, values, max_size=3)
            case "union" if schema != "null" and not isinstance(schema, list):
                schema, values = ["null", schema], st.none() | values
            case _:
                schema, values = _named(schema, level), st.fixed_dictionaries({"x": values})
    return schema, draw(values)


def binary(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def text(schema: Any, content: bytes) -> bytes:
    return decode_avro(compile_avro(Schema(AVRO, json.dumps(schema))), content, 0, LIMITS)


@given(pairs())
def test_the_text_is_that_of_a_file_of_the_same_values(pair: tuple[Any, Any]) -> None:
    schema, value = pair
    content = binary(schema, value)
    parsed = fastavro.parse_schema(schema)
    read = fastavro.schemaless_reader(io.BytesIO(content), parsed, None)
    assert text(schema, content) == encode(compile_schema(parsed)(read))


@given(pairs(), st.data())
def test_cut_and_flipped_bytes_end_in_a_reason_or_in_a_value(pair: tuple[Any, Any], data: st.DataObject) -> None:
    schema, value = pair
    content = bytearray(binary(schema, value))
    if content and data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    else:
        content = content[: data.draw(st.integers(0, len(content)))]
    with suppress(Refused):
        assert isinstance(text(schema, bytes(content)), bytes)


LISTS = {"type": "array", "items": {"type": "array", "items": "int"}}
INNER = {"type": "record", "name": "Inner", "namespace": "shop", "fields": [{"name": "n", "type": "int"}]}
OUTER = {"type": "record", "name": "Outer", "namespace": "shop", "fields": [{"name": "inner", "type": "Inner"}]}


def test_references_are_resolved_by_their_full_names() -> None:
    read = compile_avro(Schema(AVRO, json.dumps(OUTER), (json.dumps(INNER),)))
    assert decode_avro(read, b"\x0e", 0, LIMITS) == b'{"inner":{"n":7}}'
    union = compile_avro(Schema(AVRO, '["null","shop.Inner"]', (json.dumps(INNER),)))
    assert decode_avro(union, b"\x02\x0e", 0, LIMITS) == b'{"n":7}'


def test_a_reference_that_is_missing_makes_the_schema_unfit() -> None:
    with pytest.raises(UnfitSchema) as caught:
        compile_avro(Schema(AVRO, json.dumps(OUTER)))
    assert caught.value.code == "schema.invalid"


@pytest.mark.parametrize(
    "schema",
    [
        *("5", "null", "true", "[]x", '""', '{"type":"foo"}', '{"items":"int"}'),
        '{"type":"record","name":"a","fields":5}',
        '{"type":"record","name":"a","fields":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}',
    ],
)
def test_what_is_no_schema_is_told(schema: str) -> None:
    with pytest.raises(UnfitSchema) as caught:
        compile_avro(Schema(AVRO, schema))
    assert caught.value.code == "schema.invalid"


def test_blocks_with_their_size_and_long_lists_are_read() -> None:
    items = b"".join(b"\x02" for _ in range(3))
    assert text({"type": "array", "items": "int"}, b"\x05\x06" + items + b"\x00") == b"[1,1,1]"
    assert text({"type": "array", "items": "int"}, b"\x02\x02\x02\x04\x00") == b"[1,2]"


@pytest.mark.parametrize(
    ("schema", "content", "limits", "code"),
    [
        ({"type": "array", "items": "null"}, b"\x06\x00", Limits(elements_max=2), "json.elements"),
        (LISTS, b"\x02\x00\x00", Limits(depth_max=1), "json.depth"),
        (LISTS, b"\x04\x00\x00\x00", Limits(elements_max=3), "json.elements"),
    ],
)  # fmt: skip
def test_the_contracts_limits_hold_before_anything_is_built(
    schema: Any, content: bytes, limits: Limits, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        decode_avro(compile_avro(Schema(AVRO, json.dumps(schema))), content, 0, limits)
    assert caught.value.code == code


def test_dates_before_the_epoch_are_read() -> None:
    schema = {"type": "int", "logicalType": "date"}
    assert text(schema, binary(schema, date(1969, 12, 31))) == b'"1969-12-31"'


def test_schemas_of_one_meaning_have_one_fingerprint() -> None:
    one = Schema(AVRO, '{"type":"fixed","name":"f","size":1}')
    assert one.fingerprint() == Schema(AVRO, '{"name": "f", "size": 1, "type": "fixed"}').fingerprint()
    assert one.fingerprint() != Schema(AVRO, '{"type":"fixed","name":"f","size":2}').fingerprint()
    assert one.fingerprint() != Schema(AVRO, one.text, ('"int"',)).fingerprint()
