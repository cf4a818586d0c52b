"""What one person asks and another approves: exactly this, by somebody else, and not for ever."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from letters import QUARANTINE, gate_letter, held

from watermaster.quarantine.lifecycle import Actor, Hold, State, Step
from watermaster.quarantine.request import (
    REQUEST_HOURS_MAX,
    Chosen,
    Request,
    chosen,
    decode_request,
    encode_request,
    refusal,
)
from watermaster.quarantine.selection import Selection

ANNA = Actor("User:anna", "anna")
HOUR_MS = 3_600_000
REQUEST = Request(
    Step.DISCARD, ("orders",), Chosen({"dlq.orders": [5, 7]}, groups=("ab",)), "User:anna", "anna", 1_000, "why"
)
TEXTS = st.lists(st.text(max_size=6), max_size=3).map(tuple)
NUMBERS = st.lists(st.integers(0, 2**40), max_size=3).map(tuple)


@given(
    st.builds(
        Request,
        step=st.sampled_from([Step.REPLAY, Step.DISCARD]),
        streams=TEXTS,
        chosen=st.builds(
            Chosen,
            below=st.dictionaries(st.text(max_size=6), st.lists(st.integers(0, 2**40), max_size=3), max_size=2),
            groups=TEXTS,
            rules=TEXTS,
            partitions=NUMBERS,
            offsets=NUMBERS,
            since_ms=st.none() | st.integers(0, 2**45),
        ),
        principal=st.text(max_size=8),
        system_user=st.text(max_size=8),
        at_ms=st.integers(0, 2**45),
        why=st.text(max_size=8),
        v=st.just(1),
    )
)
def test_a_request_is_read_as_it_was_written(request_: Request) -> None:
    assert decode_request(request_.key(), encode_request(request_)) == request_


def test_an_id_stands_for_exactly_one_content() -> None:
    other = msgspec.structs.replace(REQUEST, chosen=Chosen({"dlq.orders": [5, 8]}, groups=("ab",)))
    assert other.id != REQUEST.id
    assert decode_request(REQUEST.key(), encode_request(other)) is None, "altered under the same id"
    for key, value in ((b"1 c t 0 0 0 g", encode_request(REQUEST)), (REQUEST.key(), b"{}"), (REQUEST.key(), b"\xff")):
        assert decode_request(key, value) is None


@pytest.mark.parametrize(
    ("approver", "hours", "may"),
    [
        (ANNA, 0, False),
        (Actor("User:ben", "ben"), 0, True),
        (Actor("User:anna", "ben"), 0, True),
        (Actor("User:ben", "ben"), REQUEST_HOURS_MAX, True),
        (Actor("User:ben", "ben"), REQUEST_HOURS_MAX + 1, False),
    ],
)
def test_who_may_approve_and_for_how_long(approver: Actor, hours: int, may: bool) -> None:
    assert (refusal(REQUEST, approver, 1_000 + hours * HOUR_MS) == "") is may


def test_what_was_held_later_is_not_meant() -> None:
    facts = held(gate_letter())
    for end, means in ((facts.place_offset, False), (facts.place_offset + 1, True)):
        below = {QUARANTINE.topic: [0] * QUARANTINE.partition + [end]}
        written = chosen(Selection(), below)
        assert written is not None
        assert written.selection().means_facts(facts, Hold()) is means
    assert not Selection(below={}).means_facts(facts, Hold())


def test_what_cannot_be_written_down_cannot_be_asked_for() -> None:
    assert chosen(Selection(predicate=lambda _: True), {}) is None
    assert chosen(Selection(states=(State.FIXED,)), {}) is None
