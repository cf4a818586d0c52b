"""Each entry of the list of bad inputs that a JSON record can carry, by its number, with its outcome and reason code.

An entry without a code passes, and the case says why. Every case runs through the exact lane and through the judge.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from watermaster.contract.checks import (
    Checks,
    Encoding,
    FieldCheck,
    KeyCheck,
    Limits,
    LogicalType,
    Range,
    TombstonePolicy,
    UnknownFields,
)
from watermaster.contract.temporal import TemporalKind, default_form
from watermaster.gate.exact import ExactLane
from watermaster.gate.judge import build_judge
from watermaster.gate.reasons import REASONS
from watermaster.gate.verdict import Outcome, Verdict

_T = LogicalType


def _field(name: str, kind: LogicalType, **options: object) -> FieldCheck:
    return FieldCheck(name=name, path=f"$.{name}", type=kind, **options)  # type: ignore[arg-type]


CHECKS = Checks(
    contract_id="bad-inputs",
    contract_version="1",
    content_hash="sha256:0",
    stream="t",
    value=FieldCheck(
        name="t",
        path="$",
        type=_T.OBJECT,
        required=True,
        properties=(
            _field("id", _T.INTEGER, required=True),
            _field("text", _T.STRING, max_length=5),
            _field("code", _T.STRING, pattern="^[a-z]+$"),
            _field("digit", _T.STRING, pattern=r"^\d$"),
            _field("price", _T.NUMBER),
            _field("cents", _T.NUMBER, multiple_of=Decimal("0.01")),
            _field("small", _T.INTEGER, format="i64"),
            _field("status", _T.STRING, enum=("NEW", "PAID")),
            _field("day", _T.DATE, temporal=default_form(TemporalKind.DATE)),
            _field("at", _T.TIMESTAMP, temporal=default_form(TemporalKind.TIMESTAMP, offset=True)),
            _field("ms", _T.INTEGER, range=Range(minimum=10**12, maximum=4 * 10**12)),
            _field("list", _T.ARRAY),
            _field("any", _T.ANY),
            _field("café", _T.STRING),
        ),
    ),
    unknown_fields=UnknownFields.ALLOW,
)
STRICT = replace(CHECKS, unknown_fields=UnknownFields.HOLD)
KEYED = replace(CHECKS, key=KeyCheck(required=True, check=FieldCheck("key", "key", _T.STRING, pattern="^[a-z0-9-]+$")))
JSON_KEYED = replace(CHECKS, key=KeyCheck(encoding=Encoding.JSON, check=FieldCheck("key", "key", _T.INTEGER)))
HELD_TOMBSTONES = replace(CHECKS, tombstone=TombstonePolicy.HOLD)
DROPPED_TOMBSTONES = replace(CHECKS, tombstone=TombstonePolicy.DROP)
SMALL = replace(CHECKS, limits=Limits(value_bytes_max=1000))


def _with(member: str) -> bytes:
    return ('{"id":1,' + member + "}").encode()


def _nested(depth: int) -> bytes:
    return b'{"id":1,"any":' + b"[" * depth + b"]" * depth + b"}"


LONG_INTEGER = "7" * 5000

# (number of the entry, value, reason code or None for a pass)
VALUES: list[tuple[str, bytes | None, str | None]] = [
    ("1 empty value", b"", "json.empty"),
    ("2 null value: passes by this contract's policy", None, None),
    ("5 white space only", b" \t\r\n ", "json.empty"),
    ("6 byte order mark", b'\xef\xbb\xbf{"id":1}', "json.bom"),
    ("7 UTF-16 with mark", '{"id":1}'.encode("utf-16"), "json.utf16"),
    ("7 UTF-16 without mark", '{"id":1}'.encode("utf-16-le"), "json.utf16"),
    ("7 UTF-16 big endian", '{"id":1}'.encode("utf-16-be"), "json.utf16"),
    ("7 UTF-32", '{"id":1}'.encode("utf-32"), "json.utf16"),
    ("7 UTF-32 big endian", '{"id":1}'.encode("utf-32-be"), "json.utf16"),
    ("8 invalid UTF-8", b'{"id":1,"text":"\xff"}', "json.utf8"),
    ("8 invalid UTF-8 in an unknown field", b'{"id":1,"new":"\xff"}', "json.utf8"),
    ("9 overlong UTF-8", b'{"id":1,"text":"\xc0\xaf"}', "json.utf8"),
    ("10 truncated UTF-8", b'{"id":1,"text":"\xe2\x82"}', "json.utf8"),
    ("11 lone surrogate as bytes", b'{"id":1,"text":"\xed\xa0\x80"}', "json.utf8"),
    ("11 lone surrogate escaped", _with(r'"text":"\ud800"'), "json.surrogate"),
    ("11 lone low surrogate", _with(r'"text":"\uDC00"'), "json.surrogate"),
    ("11 lone surrogate in a key", _with(r'"\ud800":1'), "json.surrogate"),
    ("11 a whole pair is a character", _with(r'"text":"\ud83d\ude00"'), None),
    ("12 NUL in a string", _with(r'"text":"a\u0000"'), "json.nul"),
    ("12 NUL in a key", _with(r'"a\u0000":1'), "json.nul"),
    ("12 not a NUL: the backslash is escaped", _with(r'"any":"\\u0000"'), None),
    ("12 NUL as a byte", b'{"id":1,"text":"\x00"}', "json.control_character"),
    ("13 NaN", _with('"price":NaN'), "json.nan"),
    ("13 Infinity", _with('"price":Infinity'), "json.nan"),
    ("13 -Infinity in an unknown field", _with('"new":-Infinity'), "json.nan"),
    ("14 1e400", _with('"price":1e400'), "json.number_range"),
    ("14 1e400 in an unknown field", _with('"new":1e400'), "json.number_range"),
    ("14 1e400 as an integer", _with('"small":1e400'), "json.number_range"),
    ("14 exponent of twenty digits", _with('"price":1e99999999999999999999'), "json.number_range"),
    ("14 1e-400 vanishes", _with('"price":1e-400'), "json.number_precision"),
    ("15 duplicate keys", b'{"id":1,"id":1}', "json.duplicate_key"),
    ("15 duplicate keys with a blank before the colon", b'{"id":1,"id" :1}', "json.duplicate_key"),
    ("15 duplicate keys, one escaped", b'{"id":1,"\\u0069d":1}', "json.duplicate_key"),
    ("15 duplicate of an absent optional field's cost", b'{"id":1,"text":"a","text":"b"}', "json.duplicate_key"),
    ("15 duplicate keys deep inside", _with('"any":[{"x":{"y":1,"y":2}}]'), "json.duplicate_key"),
    ("15 duplicate unknown keys", _with('"new":1,"new":2'), "json.duplicate_key"),
    ("16 keys equal after NFC", _with('"cafe\u0301":"a"'), "field.ambiguous"),
    ("16 both forms", _with('"caf\u00e9":"a","cafe\u0301":"a"'), "field.ambiguous"),
    ("16 unknown keys equal after NFC", _with('"n\u00e9":1,"ne\u0301":1'), "field.ambiguous"),
    ("17 keys that differ by case", _with('"ID":2'), "field.ambiguous"),
    ("18 hostile names and texts are only text", _with('"__proto__":{},"constructor":1,"$where":"{{7*7}}"'), None),
    ("18 hostile text", _with('"any":"${jndi:ldap://x}"'), None),
    ("19 2^53+1 is an integer", _with('"small":9007199254740993'), None),
    ("19 2^53+1 is no double", _with('"price":9007199254740993'), "json.number_precision"),
    ("20 2^63 has no format here", b'{"id":9223372036854775808}', None),
    ("20 2^63 beyond i64", _with('"small":9223372036854775808'), "number.format"),
    ("20 2^64+1", _with('"small":18446744073709551617'), "number.format"),
    ("21 -0 is 0", b'{"id":-0}', None),
    ("21 -0.0 is an integer, too", b'{"id":-0.0}', None),
    ("21 -0.0", _with('"price":-0.0'), None),
    ("22 integer of 5000 digits", ('{"id":' + LONG_INTEGER + "}").encode(), "json.number_range"),
    ("22 integer of 5000 digits in an unknown field", _with('"new":' + LONG_INTEGER), "json.number_range"),
    ("22 integer of 401 digits", _with('"new":' + "7" * 401), "json.number_range"),
    ("22 integer of 400 digits", _with('"new":' + "7" * 400), None),
    ("23 1.00000000000000000001", _with('"price":1.00000000000000000001'), "json.number_precision"),
    ("23 the same as an integer", b'{"id":1.00000000000000000001}', "type.mismatch"),
    ("23 seventeen digits that a double keeps", _with('"price":0.10000000000000001'), None),
    ("23 the shortest text of a double, one of two that are as near", _with('"price":5.960464477539063e-8'), None),
    ("24 0.07 is a multiple of 0.01", _with('"cents":0.07'), None),
    ("24 0.075 is none", _with('"cents":0.075'), "number.multiple_of"),
    ("25 1.0 is an integer", b'{"id":1.0}', None),
    ("25 1e2 is an integer", b'{"id":1e2}', None),
    ("25 true is none", b'{"id":true}', "type.mismatch"),
    ("25 1.5 is none", b'{"id":1.5}', "type.mismatch"),
    ("25 a number in quotes is none", b'{"id":"1"}', "type.mismatch"),
    ("26 depth 63 within", _nested(63), None),
    ("26 depth 64 within one object", _nested(64), "json.depth"),
    ("26 depth 1000", _nested(1000), "json.depth"),
    ("26 depth 5000", _nested(5000), "json.depth"),
    ("26 depth 1e6", _nested(1_000_000), "json.depth"),
    ("26 depth 1e6, never closed", b"[" * 1_000_000, "json.depth"),
    ("26 brackets in a string are text", _with('"any":"' + "[" * 1000 + '"'), None),
    ("27 1e6 keys", b'{"id":1,"any":{' + b",".join(b'"k%d":1' % n for n in range(1_000_000)) + b"}}", "json.elements"),
    ("28 1e6 elements", b'{"id":1,"list":[' + b",".join([b"1"] * 1_000_000) + b"]}", "json.elements"),
    ("28 1e5 elements", b'{"id":1,"list":[' + b",".join([b"1"] * 100_000) + b"]}", None),
    ("29 string of 64 MB", b'{"id":1,"text":"' + b"x" * 64_000_000 + b'"}', "record.too_large"),
    ("30 trailing garbage", b'{"id":1}x', "json.trailing"),
    ("30 two documents", b'{"id":1}{"id":2}', "json.trailing"),
    ("30 a closing bracket too many", b'{"id":1}}', "json.trailing"),
    ("30 comment", b'{"id":1}//x', "json.trailing"),
    ("30 comment inside", b'{/*x*/"id":1}', "json.syntax"),
    ("30 trailing comma", b'{"id":1,}', "json.syntax"),
    ("30 trailing comma in an array", _with('"list":[1,]'), "json.syntax"),
    ("30 single quotes", b"{'id':1}", "json.syntax"),
    ("30 never closed", b'{"id":1', "json.syntax"),
    ("31 scalar", b"7", "type.mismatch"),
    ("31 string", b'"id"', "type.mismatch"),
    ("31 null", b"null", "type.mismatch"),
    ("31 array", b'[{"id":1}]', "type.mismatch"),
    ("31 array for a string", _with('"text":["a"]'), "type.mismatch"),
    ("32 a record of another contract", b'{"order":7,"total":1.5}', "field.missing"),
    ("33 extra field, where they are allowed", _with('"new":1'), None),
    ("33 missing field", b'{"text":"a"}', "field.missing"),
    ("33 null for required", b'{"id":null}', "field.null"),
    ("33 null for optional", _with('"text":null'), None),
    ("34 look-alike letters", _with('"status":"P\u0410ID"'), "value.enum"),
    ("35 five emoji are five characters", _with('"text":"😀😀😀😀😀"'), None),
    ("35 a family of seven code points", _with('"text":"👨‍👩‍👧‍👦"'), "string.max_length"),
    ("35 zero width and direction marks count", _with('"text":"a\u200b\u202e\u200b\u200b\u200b"'), "string.max_length"),
    ("36 newline at the end", _with(r'"code":"abc\n"'), "string.pattern"),
    ("36 newline at the end of a digit", _with(r'"digit":"7\n"'), "string.pattern"),
    ("36 Arabic digit", _with('"digit":"٧"'), "string.pattern"),
    ("37 long text against a pattern", _with('"code":"' + "a" * 200_000 + '!"'), "string.pattern"),
    ("38 30 February", _with('"day":"2024-02-30"'), "temporal.no_such_day"),
    ("38 29 February of a leap year", _with('"day":"2024-02-29"'), None),
    ("38 29 February of another", _with('"day":"2023-02-29"'), "temporal.no_such_day"),
    ("39 second 60", _with('"at":"2016-12-31T23:59:60Z"'), "temporal.second"),
    ("40 24:00", _with('"at":"2024-01-01T24:00:00Z"'), "temporal.hour"),
    ("41 year 0", _with('"day":"0000-01-01"'), "temporal.year"),
    ("41 year 10000", _with('"day":"10000-01-01"'), "temporal.shape"),
    ("42 no zone", _with('"at":"2024-01-01T00:00:00"'), "temporal.offset_missing"),
    ("43 local time in a fold, without its offset", _with('"at":"2024-10-27T02:30:00"'), "temporal.offset_missing"),
    ("43 local time in a fold, with its offset", _with('"at":"2024-10-27T02:30:00+02:00"'), None),
    ("44 nanoseconds", _with('"at":"2024-01-01T00:00:00.123456789Z"'), None),
    ("44 finer than nanoseconds", _with('"at":"2024-01-01T00:00:00.1234567891Z"'), "temporal.precision"),
    ("45 seconds where milliseconds are due", _with('"ms":1700000000'), "number.minimum"),
    ("45 microseconds where milliseconds are due", _with('"ms":1700000000000000'), "number.maximum"),
    ("45 milliseconds", _with('"ms":1700000000000'), None),
    ("46 date only", _with('"at":"2024-01-01"'), "temporal.shape"),
    ("46 a number where a date is due", _with('"day":20240101'), "type.mismatch"),
    ("68 a packed bomb as text is text", _with('"any":"H4sIAAAAAAAA/+3BMQEAAADCoPVPbQwfoAAAAAAA"'), None),
    ("68 a packed bomb as value is no JSON", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "json.utf8"),
]  # fmt: skip

# (number of the entry, contract, key, value, outcome, reason code)
OTHERS: list[tuple[str, Checks, bytes | None, bytes | None, Outcome, str | None]] = [
    ("2 tombstones held by rule", HELD_TOMBSTONES, b"k", None, Outcome.HOLD, "record.tombstone"),
    ("2 tombstones dropped by rule", DROPPED_TOMBSTONES, b"k", None, Outcome.DROP, "record.tombstone"),
    ("2 a tombstone without its key", KEYED, None, None, Outcome.HOLD, "key.missing"),
    ("3 null key, required", KEYED, None, b'{"id":1}', Outcome.HOLD, "key.missing"),
    ("3 null key, not asked for", CHECKS, None, b'{"id":1}', Outcome.PASS, None),
    ("4 empty key, required", KEYED, b"", b'{"id":1}', Outcome.HOLD, "key.missing"),
    ("4 empty key, not asked for", CHECKS, b"", b'{"id":1}', Outcome.PASS, None),
    ("8 key is not UTF-8", KEYED, b"\xff", b'{"id":1}', Outcome.HOLD, "key.encoding"),
    ("8 key is not UTF-8, not asked for", CHECKS, b"\xff", b'{"id":1}', Outcome.PASS, None),
    ("13 key is NaN", JSON_KEYED, b"NaN", b'{"id":1}', Outcome.HOLD, "json.nan"),
    ("31 key of another type", JSON_KEYED, b'"7"', b'{"id":1}', Outcome.HOLD, "type.mismatch"),
    ("37 key breaks its pattern", KEYED, b"A B", b'{"id":1}', Outcome.HOLD, "string.pattern"),
    ("33 extra field, where they are refused", STRICT, None, b'{"id":1,"new":1}', Outcome.HOLD, "field.unknown"),
    ("65 just at the limit", SMALL, None, b'{"id":1' + b" " * 992 + b"}", Outcome.PASS, None),
    ("65 just over the limit", SMALL, None, b'{"id":1' + b" " * 993 + b"}", Outcome.HOLD, "record.too_large"),
    ("74 a key says nothing of its partition", KEYED, b"k-1", b'{"id":1}', Outcome.PASS, None),
]  # fmt: skip


def _judge(checks: Checks, key: bytes | None, value: bytes | None) -> Verdict:
    """The verdict, after the judge and the exact lane agreed on it."""
    exact = ExactLane(checks).judge(key, value, 0)
    neighbour = b"1" if checks.key.encoding is Encoding.JSON else b"k"
    batch = build_judge(checks).judge([neighbour, key, neighbour], [b'{"id":1}', value, b'{"id":2}'], 0)
    assert batch.get(1, Verdict(Outcome.PASS)) == exact
    assert set(batch) <= {1}, "the neighbours pass"
    return exact


@pytest.mark.parametrize(("entry", "value", "code"), VALUES, ids=[row[0] for row in VALUES])
def test_value(entry: str, value: bytes | None, code: str | None) -> None:
    verdict = _judge(CHECKS, b"k", value)
    if code is None:
        assert verdict == Verdict(Outcome.PASS)
    else:
        assert (verdict.outcome, verdict.broken[0].code) == (Outcome.HOLD, code)


@pytest.mark.parametrize(("entry", "checks", "key", "value", "outcome", "code"), OTHERS, ids=[row[0] for row in OTHERS])
def test_key_and_policies(
    entry: str, checks: Checks, key: bytes | None, value: bytes | None, outcome: Outcome, code: str | None
) -> None:
    verdict = _judge(checks, key, value)
    assert verdict.outcome is outcome
    assert [reason.code for reason in verdict.broken] == ([] if code is None else [code])


def test_every_entry_that_a_json_record_can_carry_is_named() -> None:
    named = {int(row[0].split()[0]) for row in (*VALUES, *OTHERS)}
    assert set(range(1, 47)) <= named


def test_every_code_is_explained_and_no_message_repeats_a_value() -> None:
    secret = "s3cr3t-value"
    for name in ("text", "code", "digit", "price", "cents", "small", "status", "day", "at", "ms", "list", "id"):
        record = {"id": 1, name: secret}
        for reason in _judge(CHECKS, b"k", json.dumps(record).encode()).broken:
            assert secret not in reason.message
            assert reason.code in REASONS
