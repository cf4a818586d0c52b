"""What each step does to bytes: the whole text before and after, so that nothing else can have moved."""

from __future__ import annotations

import json

import pytest
from fixes import fix, outcome, record
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from watermaster.quarantine.fix.apply import Fixed, Unfixable, Untouched, apply_fix, is_meant
from watermaster.quarantine.held import OriginalRecord
from watermaster.stream.batch import RawHeaders

ODD = b'{ "a" : 1.10 ,\t"b":[1e2, {"x":"\\u0041"}],\r\n "z":"\xff", "d":1,"d":2 }'
"""Spellings, blanks, broken bytes and a name that stands twice: none of it may change unless it is meant."""

CHANGES = [
    ("{set: $.a, value: 2}", b'{ "a" : 2 ,\t"b":[1e2, {"x":"\\u0041"}],\r\n "z":"\xff", "d":1,"d":2 }'),
    ("{set: '$.b[1].x', value: B}", b'{ "a" : 1.10 ,\t"b":[1e2, {"x":"B"}],\r\n "z":"\xff", "d":1,"d":2 }'),
    ("{set: $.n, value: {m: [1]}}", ODD[:-2] + b',"n":{"m":[1]} }'),
    ("{delete: $.a}", b'{ "b":[1e2, {"x":"\\u0041"}],\r\n "z":"\xff", "d":1,"d":2 }'),
    ("{delete: $.z}", b'{ "a" : 1.10 ,\t"b":[1e2, {"x":"\\u0041"}], "d":1,"d":2 }'),
    ("{delete: '$.b[0]'}", b'{ "a" : 1.10 ,\t"b":[{"x":"\\u0041"}],\r\n "z":"\xff", "d":1,"d":2 }'),
    ("{delete: '$.b[1].x'}", b'{ "a" : 1.10 ,\t"b":[1e2, {}],\r\n "z":"\xff", "d":1,"d":2 }'),
    ("{rename: $.a, to: c}", ODD.replace(b'"a"', b'"c"')),
    ("{move: $.a, to: '$.b[1].a'}", b'{ "b":[1e2, {"x":"\\u0041","a":1.10}],\r\n "z":"\xff", "d":1,"d":2 }'),
    ("{cast: $.a, to: string}", ODD.replace(b"1.10", b'"1.10"')),
    ("{map: $.a, values: [{from: 1.1, to: one}]}", ODD.replace(b"1.10", b'"one"')),
]


@pytest.mark.parametrize(("steps", "after"), CHANGES)
def test_only_what_is_meant_changes(steps: str, after: bytes) -> None:
    result = outcome(steps, ODD)
    assert isinstance(result, Fixed)
    assert result.record == record(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"{}", b'{"n":1}'),
        (b"{ }", b'{"n":1 }'),
        (b'{"a": 1}', b'{"a": 1,"n": 1}'),
        (b'{"a": 1, "b": 2}', b'{"a": 1, "b": 2, "n": 1}'),
        (b'{\n  "a": 1\n}', b'{\n  "a": 1,\n  "n": 1\n}'),
        (b'{\n  "a": 1,\n  "b": 2\n}', b'{\n  "a": 1,\n  "b": 2,\n  "n": 1\n}'),
        (b'{"\\u006e":0}', b'{"\\u006e":1}'),  # the name by its escape
    ],
)
def test_a_new_member_looks_like_its_neighbours(before: bytes, after: bytes) -> None:
    assert outcome("{set: $.n, value: 1}", before) == Fixed(record(after))


CASTS = [
    ("integer", '"007"', "7"),
    ("integer", '"+7"', "7"),
    ("integer", '"-0012"', "-12"),
    ("integer", "12.0", "12"),
    ("integer", "1e2", "100"),
    ("integer", "true", "1"),
    ("integer", "7", None),
    ("integer", "null", None),
    ("number", '"1.10"', "1.10"),
    ("number", '" 2.50 "', "2.50"),
    ("number", "1.10", None),
    ("string", "1.10", '"1.10"'),
    ("string", "false", '"false"'),
    ("string", '"x"', None),
    ("boolean", '"TRUE"', "true"),
    ("boolean", "0", "false"),
    ("boolean", "true", None),
]


@pytest.mark.parametrize(("to", "before", "after"), CASTS)
def test_casts(to: str, before: str, after: str | None) -> None:
    expected = Untouched() if after is None else Fixed(record(f'{{"a":{after}}}'.encode()))
    assert outcome(f"{{cast: $.a, to: {to}}}", f'{{"a":{before}}}'.encode()) == expected


REFORMATS = [
    ("{reformat: $.a, kind: date, from: dd/MM/yyyy, to: rfc3339}", '"31/12/2024"', '"2024-12-31"'),
    ("{reformat: $.a, kind: date, from: dd/MM/yyyy, to: rfc3339}", '"2024-12-31"', None),
    ("{reformat: $.a, kind: date, from: yyyyMMdd, to: 'd MMMM yyyy'}", '"20240229"', '"29 February 2024"'),
    ("{reformat: $.a, kind: timestamp, from: epoch_s, to: rfc3339}", "0", '"1970-01-01T00:00:00Z"'),
    ("{reformat: $.a, kind: timestamp, from: epoch_ms, to: rfc3339}", "1500", '"1970-01-01T00:00:01.500Z"'),
    ("{reformat: $.a, kind: timestamp, from: rfc3339, to: epoch_ms}", '"1970-01-01T00:00:01.5Z"', "1500"),
    (
        "{reformat: $.a, kind: timestamp, from: yyyy-MM-dd HH:mm:ss, to: rfc3339, zone: '+02:00'}",
        '"2024-12-31 12:00:00"',
        '"2024-12-31T12:00:00+02:00"',
    ),
    (
        "{reformat: $.a, kind: timestamp, from: rfc3339, to: yyyy-MM-dd, cut: true}",
        '"2024-12-31T12:00:00Z"',
        '"2024-12-31"',
    ),
    ("{reformat: $.a, kind: time, from: 'h:mm a', to: 'HH:mm'}", '"12:05 AM"', '"00:05"'),
    ("{reformat: $.a, kind: date, from: epoch_days, to: rfc3339}", "1", '"1970-01-02"'),
    ("{reformat: $.a, kind: number, decimal: ',', group: .}", '"1.234.567,50"', "1234567.50"),
    ("{reformat: $.a, kind: number, decimal: ','}", '"-0,5"', "-0.5"),
    ("{reformat: $.a, kind: number, decimal: ',', to: text}", '"1,5"', '"1.5"'),
]


@pytest.mark.parametrize(("steps", "before", "after"), REFORMATS)
def test_reformats(steps: str, before: str, after: str | None) -> None:
    expected = Untouched() if after is None else Fixed(record(f'{{"a":{after}}}'.encode()))
    assert outcome(steps, f'{{"a":{before}}}'.encode()) == expected


TROUBLES = [
    ("{cast: $.a, to: integer}", b'{"a":"x"}', "it is no number that JSON knows"),
    ("{cast: $.a, to: integer}", b'{"a":1.5}', "fraction"),
    ("{cast: $.a, to: integer}", b'{"a":1e999999999}', "beyond the range"),
    ("{cast: $.a, to: integer}", b'{"a":"' + b"9" * 500 + b'"}', "no number"),
    ("{cast: $.a, to: boolean}", b'{"a":"yes"}', "neither"),
    ("{cast: $.a, to: string}", b'{"a":[]}', "single value"),
    ("{cast: $.a, to: string}", b'{"a":NaN}', "no number"),
    ("{cast: $.a, to: integer}", b'{"a":1,"a":2}', "twice"),
    ("{rename: $.a, to: b}", b'{"a":1,"b":2}', "already"),
    ("{move: $.a, to: $.b}", b'{"a":1,"b":2}', "taken"),
    ("{move: $.a, to: $.a.b}", b'{"a":{}}', "taken"),
    ("{map: $.a, values: [{from: 1, to: 2}], otherwise: refuse}", b'{"a":true}', "listed"),
    ("{reformat: $.a, kind: date, from: dd/MM/yyyy, to: rfc3339}", b'{"a":"31/02/2024"}', "no_such_day"),
    ("{reformat: $.a, kind: timestamp, from: rfc3339, to: epoch_s}", b'{"a":"2024-01-01T00:00:00.5Z"}', "cut: true"),
    ("{reformat: $.a, kind: number, decimal: ',', group: .}", b'{"a":"1.2"}', "groups of three"),
    ("{set: $.a, cel: this.b + 1}", b'{"a":1}', "cannot be evaluated"),
    ("{set: $.a, cel: 1.0 / 0.0}", b'{"a":1}', "cannot be written"),
    ("{set: $.a, value: 1}", b"{no}", "no JSON"),
    ("{set: $.a, value: 1}", b'{"a":1', "no JSON"),
    ("{set: $.a, value: 1}", b'{"a":"' + b"x" * 5000, "no JSON"),
    ("{set: $.a, value: 1}", b"[" * 5000, "deeper"),
    ("{set: $.a, value: 1}", b"\0\0\0\0\7\2a", "names a schema"),
    ("{delete: $.a}", b'\0\0\0\0\7{"a":1}', "names a schema"),
    ("{set: $.a, value: 1}", b"\0\0\0\0\0\2a", "no JSON"),
]


@pytest.mark.parametrize(("steps", "value", "words"), TROUBLES)
def test_what_cannot_be_done_is_said_without_the_value(steps: str, value: bytes, words: str) -> None:
    result = outcome(steps, value)
    assert isinstance(result, Unfixable)
    assert words in result.why
    assert result.why.startswith("$.a: ")


AVRO = record(b"\0\0\0\0\7\2a", headers=[("h", b"1")])


def test_who_selects_by_what_a_value_says_is_told_that_fixes_do_not_read_it() -> None:
    chosen = fix("{set: 'header:h', value: '2'}", "select: {where: this.a == 1}")
    found = apply_fix(chosen, AVRO)
    assert isinstance(found, Unfixable)
    assert found.why.startswith("where: it names a schema")
    assert is_meant(chosen, AVRO)
    by_header = replace(AVRO, value=b"\2a", headers=[("__value_schema_id", b"\1" + b"\x8a" * 16)])
    assert is_meant(chosen, by_header)
    assert not is_meant(chosen, replace(AVRO, value=b'{"a":2}'))
    assert not is_meant(chosen, replace(AVRO, value=b"{"))


def test_headers_and_keys_beside_a_value_that_names_a_schema_are_mended() -> None:
    assert apply_fix(fix("{set: 'header:h', value: '2'}"), AVRO) == Fixed(replace(AVRO, headers=[("h", b"2")]))
    keyed = replace(AVRO, key=b'{"k":1}')
    assert apply_fix(fix("{set: key.k, value: 2}"), keyed) == Fixed(replace(keyed, key=b'{"k":2}'))


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        ("{set: $.x.y, value: 1}", b'{"a":1}'),
        ("{set: '$[0].y', value: 1}", b'{"a":1}'),
        ("{set: $.a.y, value: 1}", b'{"a":1}'),
        ("{default: $.a, value: 5}", b'{"a":1}'),
        ("{rename: $.x, to: y}", b'{"a":1}'),
        ("{move: $.x, to: y}".replace("to: y", "to: $.y"), b'{"a":1}'),
        ("{delete: '$.x[3]'}", b'{"x":[1]}'),
        ("{cast: $.x, to: integer}", b'{"a":1}'),
        ("{map: $.a, values: [{from: 1, to: 2}]}", b'{"a":true}'),
        ("{set: $.x.y, cel: this.nothing}", b'{"a":1}'),
        ("{set: $.a, value: 1}", None),
    ],
)
def test_a_fix_that_finds_nothing_changes_nothing(steps: str, value: bytes | None) -> None:
    assert outcome(steps, value) == Untouched()


def test_many_places_steps_in_order_and_all_or_nothing() -> None:
    lines = b'{"lines":[{"p":"1"},{"q":0},{"p":"2"}]}'
    assert outcome("{cast: '$.lines[*].p', to: integer}", lines) == Fixed(
        record(b'{"lines":[{"p":1},{"q":0},{"p":2}]}')
    )
    assert outcome("{default: '$.lines[*].p', value: 0}", lines) == Fixed(
        record(b'{"lines":[{"p":"1"},{"q":0,"p":0},{"p":"2"}]}')
    )
    assert outcome("{rename: $.a, to: b}\n{set: $.b, cel: this.b + 1}", b'{"a":1}') == Fixed(record(b'{"b":2}'))
    assert isinstance(outcome("{rename: $.a, to: b}\n{cast: $.b, to: boolean}", b'{"a":7}'), Unfixable)


TEXTS: list[tuple[str, OriginalRecord, OriginalRecord | None]] = [
    ("{set: key, value: n}", record(key=b"\xff"), record(key=b"n")),
    ("{default: key, value: n}", record(key=None), record(key=b"n")),
    ("{default: key, value: n}", record(key=b"k"), None),
    ("{delete: key}", record(), record(key=None)),
    ("{set: key, cel: key + '-' + this.a}", record(b'{"a":"x"}'), record(b'{"a":"x"}', b"k-x")),
    ("{set: key.id, value: 2}", record(key=b'{"id": 1}'), record(key=b'{"id": 2}')),
    ("{map: key, values: [{from: k, to: l}]}", record(), record(key=b"l")),
    ("{set: 'header:h', value: 1}", record(), record(headers=[("h", b"1")])),
    ("{default: 'header:h', value: x}", record(headers=[("h", None)]), record(headers=[("h", b"x")])),
    ("{rename: 'header:a', to: b}", record(headers=[("a", b"\xff")]), record(headers=[("b", b"\xff")])),
    ("{delete: 'header:a'}", record(headers=[("a", b"1"), ("c", b"2"), ("a", b"3")]), record(headers=[("c", b"2")])),
    ("{move: $.t, to: 'header:t'}", record(b'{"t":"x"}'), record(b"{}", headers=[("t", b"x")])),
    ("{move: 'header:t', to: $.t}", record(headers=[("t", b"x")]), record(b'{"t":"x"}')),
    (
        "{reformat: 'header:at', kind: timestamp, from: epoch_ms, to: rfc3339}",
        record(headers=[("at", b"0")]),
        record(headers=[("at", b"1970-01-01T00:00:00Z")]),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "before", "after"), TEXTS)
def test_keys_and_headers(steps: str, before: OriginalRecord, after: OriginalRecord | None) -> None:
    assert apply_fix(fix(steps), before) == (Untouched() if after is None else Fixed(after))


def test_a_predicate_chooses_and_one_that_fails_does_not() -> None:
    chosen = fix("{set: $.a, value: 0}", "select: {where: this.a == 2400}")
    assert apply_fix(chosen, record(b'{"a":2400}')) == Fixed(record(b'{"a":0}'))
    for value in (b'{"a":1}', b'{"b":2400}', b'{"a":2400,"a":2400}', b"", None):
        assert apply_fix(chosen, record(value)) == Untouched()


STEPS = st.sampled_from(
    [step for step, *_ in [*CHANGES, *TROUBLES, *TEXTS, *REFORMATS]]
    + ["{set: '$[*].a', value: 1}", "{delete: $.a}", "{set: $.a, cel: 'size(string(this.a))'}"]
)
HEADERS: st.SearchStrategy[RawHeaders] = st.lists(
    st.tuples(st.sampled_from(["a", "h", "__watermaster", "__watermaster.gate"]), st.none() | st.binary(max_size=5))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abxyd"), inner, max_size=4),
    max_leaves=8,
)
VALUES = st.none() | st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode())


@given(st.lists(STEPS, min_size=1, max_size=4), VALUES, st.none() | VALUES, HEADERS)
def test_applying_is_total_deterministic_and_never_touches_reserved_headers(
    steps: list[str], value: bytes | None, key: bytes | None, headers: RawHeaders
) -> None:
    before = OriginalRecord(key, value, headers, 1)
    made = fix("\n".join(steps))
    result = apply_fix(made, before)
    assert result == apply_fix(made, before)
    if isinstance(result, Fixed):
        assert result.record != before
        reserved = [header for header in headers if header[0].startswith("__watermaster")]
        assert [h for h in result.record.headers if h[0].startswith("__watermaster")] == reserved
        assert result.record.timestamp_ms == before.timestamp_ms


@given(JSON, st.integers(min_value=0, max_value=3))
def test_what_is_beside_the_place_stays_byte_for_byte(beside: object, indent: int) -> None:
    members = {"b": beside, "target": "old", "c": beside}
    text = json.dumps(members, indent=indent or None).encode()
    result = outcome("{set: $.target, value: new}", text)
    assert result == Fixed(record(text.replace(b'"target": "old"', b'"target": "new"')))
    assert outcome("{delete: $.target}", text) == Fixed(
        record(json.dumps({"b": beside, "c": beside}, indent=indent or None).encode())
    )


@given(st.binary(max_size=60))
def test_nothing_is_read_into_bytes_that_are_no_json(noise: bytes) -> None:
    result = outcome("{set: $.a, value: 1}", noise)
    if isinstance(result, Fixed):
        assert noise.strip().startswith(b"{")
