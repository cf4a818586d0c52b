"""What must hold of every draft: it can be enforced, its own sample passes it, and parts give what the whole gives."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inference_world import BARE, ORIGIN, checks_of, draft, encode, held_exactly, learn

from watermaster.runtime.contract_inference import SampleBlock, Written, conclude, infer
from watermaster.stream.fault import UsageFault, WorldFault

READABLE = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
"""A record with a NUL is no record for anybody."""
NAMES = st.sampled_from(
    ["a", "A", "b", "id", "type", "email", "created_at", "é", "e\u0301", "É", "na me", "x-y", "", "\n", "dep_time",
     "year", "count", "url", "null", "2024-01-01", "if", "0"]
) | st.text(READABLE, max_size=3)  # fmt: skip
TEXTS = st.sampled_from(
    ["", "a", "NEW", "PAID", "ab-12", "AB-34", "2024-05-01", "2024-05-01T10:20:30Z", "2024-05-01T10:20:30.5+02:00",
     "01/02/2024", "13/02/2024", "10:20", "5f0c1a52-3f1f-4a3e-9b65-0a6f5f0f7c11", "x@example.org", "10.0.0.1", "::1",
     "https://example.org/a?b=c", "note:x", "é", "a\nb", "# no: comment", '"', "'", "20240501", "1"]
) | st.text(READABLE, max_size=5)  # fmt: skip
NUMBERS = (
    st.integers(-3, 2500)
    | st.sampled_from([0.5, -0.0, 1.0, 1e300, 1e-9, 2**53 + 1, 10**30, 1_700_000_000, 1_700_000_000_000])
    | st.floats(allow_nan=False, allow_infinity=False)
)
SCALARS = st.none() | st.booleans() | TEXTS | NUMBERS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=6
)
RECORDS = st.dictionaries(NAMES, VALUES, max_size=6)
COUNTS = st.sampled_from([1, 2, 12, 40, 130, 600, 1200])


@st.composite
def alike(draw: st.DrawFn) -> list[tuple[dict[str, Any], int]]:
    """One record often enough for every rule, and a few that differ from it in one member: what rules must survive."""
    usual = draw(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
    sample = [(usual, 1200)]
    for name in draw(st.lists(st.sampled_from(sorted(usual)), min_size=1, max_size=3)):
        rest = {other: value for other, value in usual.items() if other != name}
        sample.append((draw(st.just(rest) | VALUES.map(lambda value, name=name: usual | {name: value})), 1))
    return sample


SAMPLES = alike() | st.lists(st.tuples(RECORDS, COUNTS), min_size=1, max_size=5)
UNTIMED = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def repeated(sample: list[tuple[dict[str, Any], int]]) -> list[bytes | None]:
    """Records often enough that rules are written; their order mixes them."""
    encoded = [(json.dumps(record).encode(), count) for record, count in sample]
    most = max(count for _, count in encoded)
    return [value for turn in range(most) for value, count in encoded if turn < count]


@UNTIMED
@given(SAMPLES)
def test_a_draft_holds_no_record_of_its_sample(sample: list[tuple[dict[str, Any], int]]) -> None:
    values = repeated(sample)
    distinct = list(dict.fromkeys(values))
    held = {distinct[index] for index in held_exactly(draft(values).text, distinct)}
    assert held <= {distinct[index] for index in held_exactly(BARE, distinct)}


@UNTIMED
@given(SAMPLES, st.lists(st.sampled_from([None, b"", b"k", b"\xff", b"17"]), min_size=1, max_size=3))
def test_nor_for_its_key(sample: list[tuple[dict[str, Any], int]], keys: list[bytes | None]) -> None:
    values = repeated(sample)
    each = [keys[index % len(keys)] for index in range(len(values))]
    bare = set(held_exactly(BARE, values[:50], each))
    assert set(held_exactly(draft(values, each).text, values[:50], each)) <= bare


@UNTIMED
@given(SAMPLES, st.floats(0, 1), st.floats(0, 1))
def test_summaries_of_parts_are_a_monoid(sample: list[tuple[dict[str, Any], int]], one: float, other: float) -> None:
    values = repeated(sample)[:800]
    first, second = sorted((round(one * len(values)), round(other * len(values))))
    whole = learn(values)
    parts = [learn(values[:first]), learn(values[first:second]), learn(values[second:])]
    left, right = copy.deepcopy(parts), copy.deepcopy(parts)
    left[0].merge(left[1])
    left[0].merge(left[2])
    right[1].merge(right[2])
    right[0].merge(right[1])
    empty = learn([])
    empty.merge(learn(values))
    for merged in (left[0], right[0], empty):
        merged.budget = whole.budget  # counts what is made, also twice; it bounds and is no part of the sum
        assert merged == whole
    assert conclude(left[0], ORIGIN).text == conclude(whole, ORIGIN).text


@UNTIMED
@given(st.text(READABLE, min_size=1, max_size=8), st.text(READABLE, max_size=8), st.sampled_from([1, 600]))
def test_no_name_or_value_becomes_structure(name: str, value: str, count: int) -> None:
    values = encode(*[{name: value, "kind": value}, {name: "x", "kind": "x"}] * count)
    found = {check.name for check in checks_of(draft(values).text).value.properties}
    assert found <= {name, "kind"}


PERSONAL = [
    ("email", lambda i: f"user{i % 3}@example.org"),
    ("phone_number", lambda i: f"+49 30 {1000 + i % 3}"),
    ("customerName", lambda i: ["Ada", "Grace", "Edsger"][i % 3]),
    ("iban", lambda i: ["DE89370400440532013000", "GB29NWBK60161331926819"][i % 2]),
    ("birth_date", lambda i: f"19{60 + i % 30}-01-02"),
    ("user", lambda i: {"login": ["ada-l", "grace-h"][i % 2], "score": 4711 + i % 3}),
    ("session_token", lambda i: ["secretOne", "secretTwo"][i % 2]),
    ("salary", lambda i: 54_321 + i % 7),
    ("remote", lambda i: ["192.0.2.17", "192.0.2.18"][i % 2]),
    ("author_type", lambda i: {"email": ["q@x.org", "r@x.org"][i % 2]}),
]


def test_values_of_personal_fields_are_not_in_a_draft() -> None:
    records = [{name: make(i) for name, make in PERSONAL} | {"origin": ["EWR", "JFK"][i % 2]} for i in range(3000)]
    inferred = draft(encode(*records))
    said = inferred.text.lower()
    assert "value: ewr" in said, "a field that is not personal has its list"
    for record in records[:40]:
        for value in leaves({name: record[name] for name, _ in PERSONAL}):
            assert str(value).lower() not in said
            assert f"{value:,}".lower() not in said if isinstance(value, int) else True
    assert set(inferred.classified) >= {name for name, _ in PERSONAL} - {"author_type"}


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [value]


# What 2,000 records show, and what stands in the draft of the field `f` (or not, with a leading `!`).
RULES: list[tuple[str, Any, list[str]]] = [
    ("f", lambda i: i % 7, ["logicalType: integer", "required: true", "minimum: 0", "maximum: 12"]),
    ("f", lambda i: i / 7, ["logicalType: number", "minimum: 0"]),
    ("f", lambda i: None if i % 2 else i, ["logicalType: integer", "!required", "1,000 null"]),
    ("f", lambda i: i if i % 2 else "x", ["!logicalType: integer", "of different types"]),
    ("f", lambda i: ["A", "B"][i % 2], ["enum:", "value: A"]),
    ("f", lambda i: f"A{i:04}", ["!enum", 'pattern: "^[A-Z][0-9]{4}$"']),
    ("f", lambda i: f"2024-01-{i % 28 + 1:02}", ["logicalType: date"]),
    ("f", lambda i: f"{i % 12 + 1:02}/{i % 12 + 1:02}/2024", ["!logicalType: date", "no day after the twelfth"]),
    ("f", lambda i: f"{i % 28 + 1:02}/{i % 12 + 1:02}/2024", ["logicalType: date", 'format: "dd/MM/yyyy"']),
    ("f", lambda i: f"2024-01-01T10:{i % 60:02}:00Z", ["logicalType: timestamp", "timezone: true"]),
    ("f", lambda i: f"2024-01-01T10:{i % 60:02}:00", ["logicalType: timestamp", "timezone: false"]),
    ("sent_at", lambda i: 1_700_000_000_000 + i % 99 * 1000, ["milliseconds since 1970", "maximum: 4102444800000"]),
    ("dep_time", lambda i: i * 7 % 24 * 100 + i % 60, ["a time of day as HHMM", "this.dep_time % 100 < 60"]),
    ("delay_ms", lambda i: i % 100, ["unit by its name: milliseconds"]),
    ("f", lambda i: f"5f0c1a52-3f1f-4a3e-9b65-0a6f5f0f{i:04x}", ["format: uuid"]),
    ("homepage_url", lambda i: f"https://example.org/{i}", ["format: uri"]),
    ("f", lambda i: [i % 3, i % 5], ["logicalType: array", "items:", "logicalType: integer"]),
    ("f", lambda i: {"x": {"z": i % 3}}, ["logicalType: object", "- name: z"]),
    ("f", lambda i: {f"{i % 900}": 1.5}, ["logicalType: map", "value:"]),
    ("order_id", lambda i: f"o-{i}", ["unique: true"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "said"), RULES)
def test_rules(name: str, make: Any, said: list[str]) -> None:
    values = encode(*({name: make(i)} for i in range(2000)))
    text = draft(values).text
    for words in said:
        assert (words.removeprefix("!") in text) is not words.startswith("!"), text
    assert held_exactly(text, values) == []


def test_few_records_prove_nothing() -> None:
    text = draft(encode({"a": 1, "b": "x"}, {"a": 2, "b": "y"})).text
    assert "required: true" not in text
    assert "logicalType: integer" not in text
    assert held_exactly(text, encode({}, {"a": "x", "b": 1})) == []


def test_variants_are_told_apart() -> None:
    made = [{"type": "paid", "amount": i % 90, "card": {"last4": "1"}} for i in range(300)]
    sent = [{"type": "sent", "parcel": f"p{i}", "note": "x" if i % 2 else None} for i in range(300)]
    mixed = [record for pair in zip(made, sent, strict=True) for record in pair]
    text = draft(encode(*mixed)).text
    assert "type tells 2 variants apart" in text
    assert held_exactly(text, encode(*mixed)) == []
    without = encode({"type": "paid", "card": {"last4": "1"}}, {"type": "sent", "note": "y"})
    assert held_exactly(text, without) == [0, 1]
    assert held_exactly(text, encode({"type": "sent", "parcel": "p"}, {"type": "lost"})) in ([], [1])


def test_variants_whose_names_differ_by_signs_alone_have_two_rules() -> None:
    sample = encode(*({"type": "a.b", "x": 1} if n % 2 else {"type": "a-b", "y": 1} for n in range(1_200)))
    text = draft(sample).text
    assert "id: type_a_b\n" in text
    assert "id: type_a_b_2\n" in text
    assert held_exactly(text, [*sample[:2], *encode({"type": "a.b", "y": 1}, {"type": "a-b", "x": 1})]) == [2, 3]


def test_digits_at_the_end_of_a_code_are_a_number_that_goes_on() -> None:
    counted = encode(*({"n": f"A-{number}", "id": f"{number}"} for number in range(8_000, 9_500)))
    text = draft(counted).text
    assert held_exactly(text, encode({"n": "A-10000", "id": "10000"}, {"n": "B", "id": "x"})) == [1]
    padded = encode(*({"n": f"A-{number:05}"} for number in range(8_000, 9_500)))
    assert held_exactly(draft(padded).text, encode({"n": "A-100000"}, {"n": "A-10000"})) == [0]


def test_the_key_is_described_where_there_always_is_one() -> None:
    values = encode(*({"id": f"k{i}", "n": i % 5} for i in range(1200)))
    text = draft(values, [f"k{i}".encode() for i in range(1200)]).text
    assert "property: key" in text
    assert "the same as id" in text
    assert held_exactly(text, values[:1], [None]) == [0]
    assert "property: key" not in draft(values, [None, *[b"k"] * 1199]).text


def test_what_teaches_nothing_is_counted() -> None:
    inferred = draft([None, b"{", b"[1]", b'{"a":1,"a":2}', *encode({"a": 1})])
    assert (inferred.records, inferred.learnt) == (5, 1)
    assert dict(inferred.passed_over) == {"json.syntax": 1, "not an object": 1, "json.duplicate_key": 1}
    assert "1 records had no value" in inferred.text


class Given:
    """A source of given records."""

    remarks = ("the rest was not read",)
    written = Written()
    unfit: WorldFault | None = None

    def __init__(self, values: list[bytes | None]) -> None:
        self._values = values

    def blocks(self) -> Iterator[SampleBlock]:
        yield SampleBlock(self._values, read=17)


def test_progress_and_what_was_not_read_are_told() -> None:
    told: list[tuple[int, int, int | None]] = []
    inferred = infer(Given(encode({"a": 1})), ORIGIN, lambda *numbers: told.append(numbers))
    assert told == [(1, 17, None)]
    assert inferred.remarks == Given.remarks


def test_nothing_to_learn_from_is_a_fault() -> None:
    with pytest.raises(UsageFault) as fault:
        infer(Given([b"[1]", b"x"]), ORIGIN)
    assert fault.value.code == "WM-INFER-NOTHING"


def test_what_the_source_knows_of_records_that_teach_nothing_is_the_fault() -> None:
    source = Given([b"x"])
    source.unfit = WorldFault("WM-SCHEMA-UNKNOWN", "nobody knows the schema", hint="Ask.")
    with pytest.raises(WorldFault, match="nobody"):
        infer(source, ORIGIN)
    source = Given(encode({"a": 1}))
    source.unfit = WorldFault("WM-SCHEMA-UNKNOWN", "nobody knows the schema", hint="Ask.")
    assert infer(source, ORIGIN).learnt == 1


def test_memory_is_bounded_whatever_comes() -> None:
    hostile = encode(*({f"n{i}_{j}": {f"m{i}_{j}": f"v{i}"} for j in range(50)} for i in range(400)))
    text = draft(hostile).text
    assert len(text) < 100_000
    assert held_exactly(text, hostile) == []
