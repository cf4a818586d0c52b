"""Ranges of dropped offsets, and the ledger's wire form."""

import itertools
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.gate.ledger import (
    Gap,
    LedgerEntry,
    PartitionTally,
    add_counts,
    as_ranges,
    decode_entry,
    encode_entry,
    ledger_key,
)
from watermaster.stream.coordinates import TopicPartition

SOURCE = TopicPartition("orders", 3)


@pytest.mark.parametrize(
    ("offsets", "ranges"),
    [([], []), ([7], [(7, 7)]), ([3, 4, 5, 9], [(3, 5), (9, 9)]), ([0, 2, 4], [(0, 0), (2, 2), (4, 4)])],
)
def test_ranges(offsets: list[int], ranges: list[tuple[int, int]]) -> None:
    assert as_ranges(offsets) == ranges


@given(st.sets(st.integers(0, 200)))
def test_ranges_hold_the_same_offsets_and_never_touch(offsets: set[int]) -> None:
    ranges = as_ranges(sorted(offsets))
    assert [offset for low, high in ranges for offset in range(low, high + 1)] == sorted(offsets)
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(ranges))


def entry(**more: object) -> LedgerEntry:
    tally = PartitionTally(SOURCE, 5, 20, read=10, held=2, dropped=[6, 7, 9], gaps=[Gap(10, 12, "retention", 2)])
    tally.rules["r"] = 2
    made = tally.entry(gate="g", cluster="c", topic_id="T", activation=4, contract="sha256:x", now_ms=99)
    return msgspec.structs.replace(made, **more)


def test_a_tally_becomes_an_entry_that_adds_up() -> None:
    made = entry()
    assert (made.from_, made.to, made.read, made.passed, made.held, made.dropped) == (5, 20, 10, 5, 2, 3)
    assert made.dropped_offsets == [(6, 7), (9, 9)]
    assert ledger_key(SOURCE) == b"orders/3"


def test_the_wire_form_is_what_other_tools_read() -> None:
    assert json.loads(encode_entry(entry())) == {
        "gate": "g",
        "cluster": "c",
        "topic": "orders",
        "topic_id": "T",
        "partition": 3,
        "from": 5,
        "to": 20,
        "activation": 4,
        "contract": "sha256:x",
        "now_ms": 99,
        "in": 10,
        "passed": 5,
        "held": 2,
        "dropped": 3,
        "dropped_offsets": [[6, 7], [9, 9]],
        "gaps": [{"from": 10, "to": 12, "cause": "retention", "lost_max": 2}],
        "rules": {"r": 2},
        "warnings": {},
        "v": 1,
    }


def test_both_ways() -> None:
    assert decode_entry(encode_entry(entry())) == entry()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "empty"),
        (b"{", "cut off"),
        (b"[]", "no object"),
        (b'{"kind":"suspect"}', "a note"),
        (encode_entry(entry(v=2)), "a later version"),
        (encode_entry(entry()).replace(b'"in":10', b'"in":"10"'), "a text for a number"),
        (b"\xff" + encode_entry(entry()), "not UTF-8"),
    ],
)
def test_what_is_no_entry_is_none(value: bytes, why: str) -> None:
    assert decode_entry(value) is None, why


@given(st.binary())
def test_decoding_never_raises(value: bytes) -> None:
    decode_entry(value)


def test_counts_add_up() -> None:
    totals = {"a": 1}
    add_counts(totals, {"a": 2, "b": 3})
    assert totals == {"a": 3, "b": 3}


def test_tallies_share_nothing() -> None:
    one, two = PartitionTally(SOURCE, 0, 0), PartitionTally(SOURCE, 0, 0)
    one.dropped.append(1)
    one.rules["x"] = 1
    assert (two.dropped, two.rules) == ([], {})
