"""Records sorted by kind: whatever has a kind is what it is when it is read by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from letters import ADOPTION, COLOUR, PRICE, QUARANTINE, gate_letter

from watermaster.gate.verdict import Outcome, Verdict
from watermaster.quarantine.envelope import (
    CONTRACT,
    OPERATIONAL,
    ORIGINAL_HEADERS,
    REFERENCE,
    RULES,
    Envelope,
    reference_facts,
)
from watermaster.quarantine.held import Adoption, HeldRecord, NotHeld, OriginalRecord, Payload, QuarantineRecord
from watermaster.quarantine.hold_key import HoldKey, key_ends
from watermaster.quarantine.kind import HeldColumns, KindSorter
from watermaster.quarantine.letter import Dialect
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import RESERVED_HEADER

NAMES = (
    *(RESERVED_HEADER, ORIGINAL_HEADERS, RULES, CONTRACT, OPERATIONAL, REFERENCE),
    *("__dlq.errors.topic", "__dlq.errors.offset", "__dlq.errors.group", "__connect.errors.offset", "a"),
)
VALUES = st.none() | st.sampled_from([b"0", b"1", b"[]", b"1 c t 0 1 0 0 1", b"1 cluster-1 topic-id-1 2 7 0 0 7"])
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3)
GATE_LETTERS = st.builds(
    lambda broken, offset, original, operational, attempt, value: gate_letter(
        *broken, offset=offset, original=original, operational=operational, attempt=attempt, value=value
    ),
    st.sampled_from([(PRICE,), (COLOUR,), (PRICE, COLOUR)]),
    st.integers(0, 12),
    st.just([]) | HEADERS,
    st.sampled_from([False, False, False, True]),
    st.sampled_from([0, 0, 3]),
    st.none() | st.binary(max_size=3),
)


@st.composite
def altered(draw: st.DrawFn) -> QuarantineRecord:
    """A gate's letter that somebody else has had in hand: a header more or less, another name, value or place."""
    record = draw(GATE_LETTERS)
    headers = list(record.headers)
    at = draw(st.integers(0, len(headers) - 1))
    match draw(st.sampled_from(["drop", "double", "name", "value", "swap", "stamp", "insert"])):
        case "drop":
            del headers[at]
        case "double":
            headers.insert(draw(st.integers(0, len(headers))), headers[at])
        case "name":
            headers[at] = (draw(st.sampled_from(NAMES)), headers[at][1])
        case "value":
            headers[at] = (headers[at][0], draw(VALUES))
        case "swap":
            headers[at - 1], headers[at] = headers[at], headers[at - 1]
        case "stamp":
            stamps = [
                b"1 cluster-1 topic-id-1 2 07 0 0 7", b"1 cluster-1 topic-id-1 2 0 0 0 7",
                b"1 cluster-1 topic-id-1 2 5",
                b"1 cluster-1 topic-id-1 2 5 0 0 7 price@2", b"1 cluster-1 topic-id-1 2 +5 0 0 7", b"",
                b"1 cluster-1 topic-id-1 2 99999999999999999999 0 0 7", b"1 cluster-1 topic-id-1 02 5 0 0 7",
                b"1 cluster-1 topic-id-1 2  0 0 7", b"1 cluster-1 topic-id-1 2 5 0 0 07",
            ]  # fmt: skip
            headers[-1] = (RESERVED_HEADER, draw(st.sampled_from(stamps)))
        case "insert":
            headers.insert(at, (draw(st.sampled_from(NAMES)), draw(VALUES)))
    return QuarantineRecord(record.source, record.offset, record.timestamp_ms, record.key, record.value, headers)


def batch_of(records: Iterable[QuarantineRecord]) -> RecordBatch:
    batch = RecordBatch(QUARANTINE)
    for number, record in enumerate(records):
        batch.offsets.append(number)
        batch.timestamps_ms.append(record.timestamp_ms)
        batch.keys.append(record.key)
        batch.values.append(record.value)
        batch.headers.append(record.headers or None)
    return batch


def assert_alike(columns: HeldColumns) -> None:
    batch = columns.batch
    assert len(columns.kinds) == len(columns.offsets) == len(columns.keys) == len(columns.originals) == len(batch)
    for row, kind in enumerate(columns.kinds):
        if kind is None:
            continue
        found = columns.read(row)
        assert not isinstance(found, NotHeld)
        held, original = found
        assert shared(held) == shared(kind.held)
        assert (held.payload, held.operational, held.dialect) == (Payload.WHOLE, False, Dialect.GATE)
        assert (columns.keys[row], columns.offsets[row]) == (held.key.encode(), held.key.offset)
        assert original == OriginalRecord(
            batch.keys[row], batch.values[row], columns.originals[row] or [], batch.timestamps_ms[row]
        )


def shared(held: HeldRecord) -> tuple[object, ...]:
    """What records of a kind have in common."""
    origin = held.origin and (held.origin.topic, held.origin.partition)
    return (
        *(msgspec.structs.replace(held.key, offset=0), held.place, origin, held.attempt, held.contract),
        *(held.activation, held.broken, held.broken_more, held.failure, held.operational, held.payload),
        *(held.reference, held.header_count, held.stream),
    )


@given(st.lists(st.lists(GATE_LETTERS | altered(), max_size=12), max_size=3))
def test_what_has_a_kind_is_what_it_is_by_itself(batches: list[list[QuarantineRecord]]) -> None:
    sorter = KindSorter(ADOPTION)
    for records in batches:
        assert_alike(sorter.sort(batch_of(records)))


@pytest.mark.parametrize("original", [[], [("a", b"1"), ("b", None)]])
def test_between_two_of_a_kind_any_one_alteration_is_seen(original: RawHeaders) -> None:
    letter = gate_letter(original=original, offset=7)
    stamp = letter.headers[-1]
    for at, (name, value) in enumerate(letter.headers):
        others = [(other, value) for other in NAMES] + [(name, other) for other in (None, b"", b"[]", b"0", b"8")]
        others += [(OPERATIONAL, b"true"), (REFERENCE, b"{}"), (RULES, b"[]"), (CONTRACT, b"other"), stamp]
        for other in others:
            headers = [*letter.headers[:at], other, *letter.headers[at + 1 :]]
            between = QuarantineRecord(QUARANTINE, 3, letter.timestamp_ms, b"k", b"v", headers)
            columns = KindSorter(ADOPTION).sort(batch_of([letter, between, letter]))
            assert_alike(columns)
            assert columns.kinds[0] is columns.kinds[2] is not None


@given(st.lists(GATE_LETTERS, min_size=1, max_size=12))
def test_every_whole_record_of_a_gate_has_a_kind(records: list[QuarantineRecord]) -> None:
    columns = KindSorter(ADOPTION).sort(batch_of(records))
    for kind, record in zip(columns.kinds, records, strict=True):
        assert (kind is None) == any(name == OPERATIONAL and value == b"true" for name, value in record.headers)


def test_records_that_break_the_same_rules_are_of_one_kind() -> None:
    records = [gate_letter(PRICE, offset=1), gate_letter(COLOUR, offset=2), gate_letter(PRICE, offset=3, value=None)]
    first, other, second = KindSorter(ADOPTION).sort(batch_of(records)).kinds
    assert first is second
    assert first is not None
    assert other is not None
    assert (first.held.broken, other.held.broken) == ((PRICE,), (COLOUR,))


def test_a_record_that_is_held_by_reference_has_no_kind() -> None:
    stamp = gate_letter(offset=5).headers[-1]
    headers = Envelope(gate="orders", topic="orders.landing", partition=2, contract="sha256:abc").headers(
        None, Verdict(Outcome.HOLD, (PRICE,)), 5, stamp[1] or b""
    )
    facts = reference_facts(reason="too large", key_bytes=1, value_bytes=2, timestamp_ms=3, headers=0)
    headers.insert(-1, (REFERENCE, facts))
    record = QuarantineRecord(QUARANTINE, 5, -1, None, None, headers)
    assert KindSorter(ADOPTION).sort(batch_of([gate_letter(), record, gate_letter()])).kinds[1] is None


def test_what_is_remembered_is_bounded_whoever_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source offset of other conventions, where a gate has the rules: it differs from record to record."""
    monkeypatch.setattr("watermaster.quarantine.kind.KINDS_MAX", 3)
    records = []
    for number in range(9):
        letter = gate_letter(offset=number)
        at = next(at for at, (name, _) in enumerate(letter.headers) if name == "__connect.errors.offset")
        headers = [*letter.headers[:at], *letter.headers[at + 1 :]]
        headers.insert(len(headers) - 3, letter.headers[at])
        records.append(QuarantineRecord(QUARANTINE, number, 1, b"k", b"v", headers))
    sorter = KindSorter(ADOPTION)
    for number, record in enumerate(records):
        other = gate_letter(offset=number, original=[("a", b"1")] * number)
        assert_alike(sorter.sort(batch_of([other, record])))
        assert len(sorter._hints) <= 3
        assert len(sorter._shapes) <= 3


def test_what_is_read_as_anothers_letter_has_no_kind() -> None:
    others = replace(ADOPTION, dialect=Dialect.CONNECT)
    columns = KindSorter(others).sort(batch_of([gate_letter(), gate_letter()]))
    assert columns.kinds == [None, None]
    assert_alike(columns)


def test_another_adoption_is_another_sorter() -> None:
    """The topic's name is not read from the adoption where the coordinates say it."""
    (kind,) = KindSorter(Adoption("other", {})).sort(batch_of([gate_letter()])).kinds
    assert kind is not None
    assert kind.held.key.cluster_id == "cluster-1"


@pytest.mark.parametrize(
    "key",
    [
        HoldKey("c", "t", 3, 41, 2, "gate"),
        HoldKey("c", "name:1 2 3", 0, 0, 0, ""),
        HoldKey("c 1", "t", 12, 9_223_372_036_854_775_807, 0, "a holder 7"),
    ],
)
def test_a_key_is_its_ends_with_the_offset_between(key: HoldKey) -> None:
    head, tail = key_ends(key)
    assert head + b"%d" % key.offset + tail == key.encode()
