"""Each entry of the list of bad inputs that a framed record can carry, by its number, with its outcome and reason code.

An entry without a code passes, and the case says why. Protobuf's entries (60, 61) are not judged here.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import fastavro
import pytest

from watermaster.contract.checks import Checks, Encoding, FieldCheck, KeyCheck, Limits, LogicalType
from watermaster.gate.framed import schema_ids
from watermaster.gate.judge import build_stream_judge
from watermaster.gate.reasons import REASONS
from watermaster.gate.schema import AVRO, JSON, OVERSIZE, Schema, SchemaId
from watermaster.gate.verdict import Outcome
from watermaster.stream.batch import RawHeaders

GUID = UUID("0191e6a5-7000-7000-8000-000000000001")
ORDER: Any = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"]},
        {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
        {"name": "gone", "type": {"type": "array", "items": "null"}},
        {"name": "next", "type": ["null", "Order"]},
        {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}]},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "sure", "type": ["null", "boolean"]},
        {"name": "tags", "type": ["null", {"type": "map", "values": "int"}]},
    ],
}
GOOD = {"id": 7, "note": None, "status": "NEW", "gone": [], "next": None, "price": None, "day": None, "sure": None} | {
    "tags": None
}
CUSTOMER: Any = {"type": "record", "name": "Customer", "fields": [{"name": "mail", "type": "string"}]}
BLOATED: Any = {
    "type": "record",
    "name": "Bloated",
    "fields": [{"name": "id", "type": "long"}, {"name": "x", "type": "string", "default": "x" * 1024 * 1024}],
}
BRANCHES: Any = [{"type": "record", "name": f"R{n}", "fields": [{"name": "id", "type": "long"}]} for n in range(10_000)]
DOUBLING: Any = [
    {
        "type": "record",
        "name": f"D{n}",
        "fields": [{"name": "a", "type": f"D{n + 1}"}, {"name": "b", "type": f"D{n + 1}"}],
    }
    for n in range(60)
]
FOREIGN_REFERENCES = {
    "$id": "http://169.254.169.254/latest/meta-data",
    "$ref": "#",
    "properties": {"id": {"$ref": "file:///etc/passwd"}, "note": {"$ref": "http://127.0.0.1:1/"}},
}


DEEP = '{"type":"array","items":' * 1000 + '"long"' + "}" * 1000


SCHEMAS: dict[SchemaId, Schema | None] = {
    1: Schema(AVRO, json.dumps(ORDER)),
    2: Schema(AVRO, json.dumps(CUSTOMER)),
    3: Schema(JSON, json.dumps({"type": "object", "required": ["nothing"]})),
    4: Schema(JSON, json.dumps(FOREIGN_REFERENCES)),
    5: Schema(JSON, json.dumps({"anyOf": [{"pattern": "(a+)+$"}] * 10_000})),
    6: Schema(AVRO, json.dumps(BLOATED)),
    7: Schema(AVRO, json.dumps(BRANCHES)),
    8: Schema(AVRO, DEEP),
    9: Schema(AVRO, '{"type":"record"}'),
    10: Schema(AVRO, "no JSON"),
    11: Schema("PROTOBUF", 'syntax = "proto3";'),
    12: Schema(OVERSIZE, ""),
    13: Schema(AVRO, '{"type":"fixed","name":"f","size":-1}'),
    14: Schema(AVRO, '{"type":"bytes","logicalType":"decimal","precision":9000000,"scale":8000000}'),
    15: Schema(
        AVRO,
        '"D0"',
        (json.dumps({"type": "record", "name": "D60", "fields": []}), *(json.dumps(d) for d in reversed(DOUBLING))),
    ),
    99: None,
    GUID: Schema(AVRO, json.dumps(ORDER)),
}
PARSED = fastavro.parse_schema(ORDER)


def avro(**changes: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, PARSED, GOOD | changes)
    return out.getvalue()


def frame(payload: bytes, number: int = 1) -> bytes:
    return b"\0" + number.to_bytes(4, "big", signed=True) + payload


def long(number: int) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    return out.getvalue()


def nested(levels: int) -> bytes:
    """An order in an order …, each in the branch 1 of its `next`."""
    return b"\x02\x00\x00\x00\x02" * levels + avro()[:5] + b"\x00" * (4 * (levels + 1))


V = "__value_schema_id"
NAMED = b"\x01" + GUID.bytes
MEGABYTE = b"\x02" + long(1_000_000) + b"\x7f" * 1_000_000 + b"\0\0\0"
DIGITS = b"\x02" + long(8) + b"\x7f" * 8 + b"\0\0\0"
FAR_DAY = b"\x02" + long(2**31 - 1) + b"\0\0"
_I = LogicalType.INTEGER
CHECKS = Checks(
    contract_id="bad-inputs",
    contract_version="1",
    content_hash="sha256:0",
    stream="t",
    value=FieldCheck(
        name="t",
        path="$",
        type=LogicalType.OBJECT,
        required=True,
        properties=(FieldCheck(name="id", path="$.id", type=_I, required=True),),
    ),
    encoding=Encoding.AVRO,
)
FRAMED_JSON = replace(CHECKS, encoding=Encoding.JSON_SCHEMA)
KEYED = replace(CHECKS, key=KeyCheck(required=True, encoding=Encoding.AVRO, check=FieldCheck("key", "key", _I)))
SMALL = replace(CHECKS, limits=Limits(value_bytes_max=120))

CASES: list[tuple[str, Checks, bytes | None, RawHeaders | None, str | None]] = [
    ("a good record passes", CHECKS, frame(avro()), None, None),
    ("a null value is a tombstone", CHECKS, None, None, None),
    ("47 magic byte != 0: plain JSON", CHECKS, b'{"id":1}', None, "frame.magic"),
    ("47 magic byte != 0: 2", CHECKS, b"\x02" + avro(), None, "frame.magic"),
    ("47 magic byte 1 is a GUID and passes", CHECKS, NAMED + avro(), None, None),
    ("47 the header names the schema: the value has no frame and passes", CHECKS, avro(), [(V, NAMED)], None),
    ("47 the header comes before the first bytes", CHECKS, frame(avro()), [(V, NAMED)], "avro.index"),
    ("47 a number in the header passes", CHECKS, avro(), [(V, frame(b""))], None),
    ("47 the header is cut", CHECKS, avro(), [(V, NAMED[:-1])], "frame.header"),
    ("47 the header is null", CHECKS, avro(), [(V, None)], "frame.header"),
    ("47 the header has a tail", CHECKS, avro(), [(V, NAMED + b"!")], "frame.header"),
    ("47 two headers disagree", CHECKS, avro(), [(V, NAMED), (V, frame(b"", 2))], "frame.header"),
    ("47 two equal headers pass", CHECKS, avro(), [(V, NAMED), (V, NAMED)], None),
    ("47 the key's header is none of the value", CHECKS, avro(), [("__key_schema_id", NAMED)], "frame.magic"),
    ("48 empty", CHECKS, b"", None, "frame.short"),
    ("48 shorter than 5 bytes", CHECKS, b"\0\0\0\1", None, "frame.short"),
    ("48 shorter than 17 bytes", CHECKS, NAMED[:16], None, "frame.short"),
    ("48 a frame and nothing else", CHECKS, frame(b""), None, "avro.truncated"),
    ("49 unknown schema id, waited for in vain", CHECKS, frame(avro(), 99), None, "schema.unknown"),
    ("50 id of another subject: judged by what it says", CHECKS, frame(b"\x02a", 2), None, "field.missing"),
    ("51 id 0", CHECKS, frame(avro(), 0), None, "frame.id"),
    ("51 id negative", CHECKS, frame(avro(), -1), None, "frame.id"),
    ("51 id 2^31", CHECKS, frame(avro(), -(2**31)), None, "frame.id"),
    ("51 id 0 in the header", CHECKS, avro(), [(V, frame(b"", 0))], "frame.id"),
    ("52 deleted schema: as unknown", CHECKS, frame(avro(), 99), None, "schema.unknown"),
    ("53 Avro truncated", CHECKS, frame(avro()[:-1]), None, "avro.truncated"),
    ("54 Avro trailing bytes", CHECKS, frame(avro() + b"\0"), None, "avro.trailing"),
    ("55 Avro length 2^40", CHECKS, frame(b"\x02\x02" + long(2**40)), None, "avro.truncated"),
    ("55 Avro length negative", CHECKS, frame(b"\x02\x02" + long(-2)), None, "avro.length"),
    ("56 array of null, huge count", CHECKS, frame(b"\x02\x00\x00" + long(2**40)), None, "json.elements"),
    ("56 a map with one name twice", CHECKS, frame(avro(tags={})[:-1] + b"\4\2a\2\2a\2\0"), None, "json.duplicate_key"),
    ("56 a block that lies about its bytes", CHECKS, frame(b"\x02\x00\x00\x03\x02\x00"), None, "avro.length"),
    ("57 Avro recursion 5000", CHECKS, frame(nested(5000)), None, "json.depth"),
    ("57 Avro recursion 50 passes", CHECKS, frame(nested(50)), None, None),
    ("58 schema confusion: another schema's bytes", CHECKS, frame(b"\x20a@example.org.uk"), None, "avro.index"),
    ("58 schema confusion: text under a frame", CHECKS, frame(b'{"id":1,"note":"x"}'), None, "avro.index"),
    ("59 Avro union index out of range", CHECKS, frame(b"\x02\x04"), None, "avro.index"),
    ("59 Avro union index negative", CHECKS, frame(b"\x02\x03" + avro()[2:]), None, "avro.index"),
    ("59 bad enum", CHECKS, frame(b"\x02\x00\x04" + avro()[3:]), None, "avro.index"),
    ("59 enum negative", CHECKS, frame(b"\x02\x00\x01" + avro()[3:]), None, "avro.index"),
    ("59 boolean 7", CHECKS, frame(avro(sure=True)[:-2] + b"\x07\x00"), None, "avro.boolean"),
    ("59 a number of eleven bytes", CHECKS, frame(b"\xff" * 10 + b"\x01"), None, "avro.number"),
    ("59 a number of 70 bits", CHECKS, frame(b"\xff" * 9 + b"\x7f"), None, "avro.number"),
    ("59 an enum's number of 40 bits", CHECKS, frame(b"\x02\x00" + long(2**39)), None, "avro.number"),
    ("59 invalid UTF-8", CHECKS, frame(b"\x02\x02\x02\xff"), None, "json.utf8"),
    ("59 NUL in a string", CHECKS, frame(avro(note="a\0b")), None, "json.nul"),
    (
        "59 a date beyond the calendar",
        CHECKS,
        frame(avro()[:-3] + FAR_DAY),
        None,
        "avro.value",
    ),
    (
        "59 a decimal of a megabyte",
        CHECKS,
        frame(avro()[:-4] + MEGABYTE),
        None,
        "json.number_range",
    ),
    (
        "59 a decimal of too many digits",
        CHECKS,
        frame(avro()[:-4] + DIGITS),
        None,
        "avro.value",
    ),
    ("62 JSON behind a frame passes, whatever its schema says", FRAMED_JSON, frame(b'{"id":1}', 3), None, None),
    ("62 the contract judges it", FRAMED_JSON, frame(b'{"id":"1"}', 3), None, "type.mismatch"),
    ("62 the JSON is judged strictly", FRAMED_JSON, frame(b'{"id":1,"id":2}', 3), None, "json.duplicate_key"),
    ("62 nothing behind the frame", FRAMED_JSON, frame(b"", 3), None, "json.empty"),
    ("62 `$ref` to http, a file and itself is not followed", FRAMED_JSON, frame(b'{"id":1}', 4), None, None),
    ("63 external `$id`, metadata address: nobody goes there", FRAMED_JSON, frame(b'{"id":1}', 4), None, None),
    ("64 10k `anyOf` and a regex bomb are not run", FRAMED_JSON, frame(b'{"id":1}', 5), None, None),
    ("64 a default of 1 MB", CHECKS, frame(avro(), 6), None, "schema.limits"),
    ("64 a union of 10k types passes", CHECKS, frame(long(9_999) + b"\x02", 7), None, None),
    ("64 a schema 1000 deep", CHECKS, frame(b"", 8), None, "schema.limits"),
    ("64 a schema that is too large to be read", CHECKS, frame(avro(), 12), None, "schema.limits"),
    ("64 2^60 records out of no bytes", CHECKS, frame(b"", 15), None, "json.elements"),
    ("64 a decimal with a scale of millions", CHECKS, frame(b"\x02\x01", 14), None, "schema.limits"),
    ("58 no schema", CHECKS, frame(avro(), 9), None, "schema.invalid"),
    ("58 a schema that is no JSON", CHECKS, frame(avro(), 10), None, "schema.invalid"),
    ("58 a fixed of -1 bytes", CHECKS, frame(b"", 13), None, "schema.invalid"),
    ("58 a JSON schema where Avro is due", CHECKS, frame(avro(), 3), None, "schema.kind"),
    ("58 an Avro schema where JSON is due", FRAMED_JSON, frame(b'{"id":1}', 1), None, "schema.kind"),
    ("61 a Protobuf schema where Avro is due", CHECKS, frame(b"\0", 11), None, "schema.kind"),
    ("29 larger than the contract allows", SMALL, frame(avro(note="x" * 200)), None, "record.too_large"),
]


@pytest.mark.parametrize(("name", "checks", "value", "headers", "code"), CASES, ids=[case[0] for case in CASES])
def test_every_binary_entry_has_its_outcome(
    name: str, checks: Checks, value: bytes | None, headers: RawHeaders | None, code: str | None
) -> None:
    judge = build_stream_judge(checks, SCHEMAS.__getitem__)
    good = frame(avro()) if checks.encoding is Encoding.AVRO else frame(b'{"id":1}', 3)
    found = judge.judge([None, None, None], [good, value, good], 0, [None, headers, None])
    if code is None:
        assert found == {}
        return
    (verdict,) = found.values()
    assert list(found) == [1], "its neighbours pass"
    assert verdict.outcome is Outcome.HOLD
    assert [broken.code for broken in verdict.broken][:1] == [code]
    assert code in REASONS
    assert verdict.operational is (code == "schema.unknown")


def test_every_reason_of_frames_schemas_and_avro_has_a_case() -> None:
    words = {code for code in REASONS if code.startswith(("frame.", "schema.", "avro."))}
    assert words == {code for *_, code in CASES if code and code.startswith(("frame.", "schema.", "avro."))}


def test_every_binary_entry_is_named_but_those_of_protobuf() -> None:
    named = {int(name.split()[0]) for name, *_ in CASES if name[0].isdecimal()}
    assert set(range(47, 65)) - {60, 61} <= named


@pytest.mark.parametrize(
    ("key", "headers", "code"),
    [
        (long(7), [("__key_schema_id", b"\x01" + UUID(int=5).bytes)], None),
        (b"\0\0\0\0\x10" + long(7), None, None),
        (b"\0\0\0\0\x10" + long(7) + b"!", None, "avro.trailing"),
        (b"7", None, "frame.magic"),
        (None, None, "key.missing"),
    ],
)
def test_keys_have_frames_of_their_own(key: bytes | None, headers: RawHeaders | None, code: str | None) -> None:
    schemas = SCHEMAS | {16: Schema(AVRO, '"long"'), UUID(int=5): Schema(AVRO, '"long"')}
    found = build_stream_judge(KEYED, schemas.__getitem__).judge([key], [frame(avro())], 0, [headers])
    reasons = [(broken.code, broken.path) for verdict in found.values() for broken in verdict.broken]
    assert reasons == ([(code, "key")] if code else [])


def test_every_schema_that_is_named_is_told_before_anything_is_read() -> None:
    keys = [frame(b"", 16), None, b"junk", b""]
    values = [frame(b"", 1), NAMED, b"", None]
    headers: list[RawHeaders | None] = [None, None, [(V, frame(b"", 3))], None]
    assert schema_ids(KEYED, keys, values, headers) == {16, 1, GUID, 3}
    assert schema_ids(CHECKS, keys, values, headers) == {1, GUID, 3}
    assert schema_ids(replace(CHECKS, encoding=Encoding.JSON), keys, values, headers) == set()
