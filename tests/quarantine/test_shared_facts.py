"""Facts that are taken apart come back whole, also those that others have written into headers."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from letters import COLOUR, PRICE, foreign_letter, gate_letter, held

from watermaster.quarantine.envelope_facts import ReferenceFacts
from watermaster.quarantine.held import Facets, Failure, HeldRecord, Payload
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.letter import Dialect, Origin
from watermaster.quarantine.shared_facts import (
    NUMBER_MAX,
    decode_shared,
    encode_shared,
    put_together,
    take_apart,
)
from watermaster.stream.coordinates import TopicPartition

NUMBERS = st.integers(0, 10**19 - 1) | st.integers(0, 300)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLACE = TopicPartition("dlq", 3)


@st.composite
def records(draw: st.DrawFn) -> HeldRecord:
    """Any that `read_held` may make: what it takes from one header is the same in all of its parts."""
    partition, offset, landed = draw(NUMBERS), draw(NUMBERS), draw(NUMBERS | st.just(-1))
    key_bytes, value_bytes, headers = draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)
    reason = draw(st.none() | TEXTS)
    topic = draw(st.none() | TEXTS)
    return HeldRecord(
        key=HoldKey(draw(TEXTS), draw(TEXTS), partition, offset, draw(NUMBERS), draw(TEXTS)),
        place=PLACE,
        place_offset=draw(st.integers(0, NUMBER_MAX)),
        dialect=draw(st.sampled_from(Dialect)),
        origin=None if topic is None else Origin(topic, partition, offset),
        attempt=draw(NUMBERS),
        contract=draw(st.none() | TEXTS),
        activation=draw(st.none() | NUMBERS),
        broken=tuple(draw(st.lists(st.sampled_from([PRICE, COLOUR]), max_size=2))),
        broken_more=draw(NUMBERS),
        failure=draw(st.none() | st.just(Failure("stage", ("a.B", "C"), ("f",)))),
        operational=draw(st.booleans()),
        payload=draw(st.sampled_from(Payload)),
        reference=None if reason is None else ReferenceFacts(reason, key_bytes, value_bytes, landed, headers),
        key_bytes=key_bytes,
        value_bytes=value_bytes,
        header_count=headers,
        landed_ms=landed,
        facets=Facets(draw(TEXTS), "7", "1.0", draw(TEXTS)),
        source=draw(TEXTS),
    )


@given(records())
def test_a_record_comes_back_whole(record: HeldRecord) -> None:
    shared, numbers = take_apart(record)
    assert all(-NUMBER_MAX <= number <= NUMBER_MAX for number in msgspec.structs.astuple(numbers))
    kept = decode_shared(encode_shared(shared))
    assert kept == shared
    assert put_together(kept, numbers, record.place, record.place_offset) == record


def test_records_that_fail_alike_share_their_facts() -> None:
    one, other = held(gate_letter(offset=1, at_ms=5)), held(gate_letter(offset=2, value=b"longer than that"))
    assert take_apart(one)[0] == take_apart(other)[0]
    assert take_apart(one)[0] != take_apart(held(gate_letter(COLOUR, offset=1)))[0]


def test_only_letters_of_others_that_name_their_source_may_stand_twice() -> None:
    named = foreign_letter(
        [("__connect.errors.topic", b"t"), ("__connect.errors.partition", b"0"), ("__connect.errors.offset", b"1"),
         ("__connect.errors.stage", b"s")]
    )  # fmt: skip
    found = [take_apart(held(letter))[0].may_stand_twice for letter in (gate_letter(), named, foreign_letter([]))]
    assert found == [False, True, False]
