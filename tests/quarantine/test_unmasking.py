"""The chain of events: whole when honest; and every edit, removal and insertion is told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.quarantine.lifecycle import State
from watermaster.quarantine.selection import Selection
from watermaster.quarantine.unmasking import (
    NOTHING_BEFORE,
    Chain,
    Unmasking,
    chosen_words,
    decode_unmasking,
    encode_unmasking,
    follow_up,
)

EVENT = Unmasking(0, "", 1_700_000_000_000, "User:anna", "anna", "orders", "ticket 7", "1 c t 0 5 0 orders")

Log = list[tuple[bytes | None, bytes | None]]


def honest(count: int) -> Log:
    log: Log = []
    for number in range(count):
        made = follow_up(msgspec.structs.replace(EVENT, at_ms=number), log[-1][1] if log else None)
        assert made is not None
        log.append(encode_unmasking(made))
    return log


def verify(log: Log, log_start: int = 0) -> Chain:
    chain = Chain(log_start)
    for offset, (key, value) in enumerate(log):
        chain.take(log_start + offset, key, value)
    return chain


def test_an_honest_chain_is_whole_and_says_who_when_what_and_why() -> None:
    chain = verify(honest(5))
    assert (chain.count, chain.problems) == (5, [])
    first, *_, last = chain.events
    assert (first.number, first.before, last.number) == (1, NOTHING_BEFORE, 5)
    assert (last.principal, last.record, last.why) == ("User:anna", EVENT.record, "ticket 7")


def alter(log: Log) -> None:
    log[2] = (log[2][0], (log[2][1] or b"").replace(b"anna", b"otto"))


def leave_out(log: Log) -> None:
    del log[2]


def put_between(log: Log) -> None:
    log.insert(2, log[1])


def swap(log: Log) -> None:
    log[1], log[2] = log[2], log[1]


def rename(log: Log) -> None:
    log[2] = (b"9", log[2][1])


def write_over(log: Log) -> None:
    log[2] = (b"3", b"{}")


def begin_anew(log: Log) -> None:
    log += honest(2)


def begin_late(log: Log) -> None:
    del log[:2]


def jump(log: Log) -> None:
    """A forged event with the right hash of the one before, and not the next number."""
    made = follow_up(EVENT, log[-1][1])
    assert made is not None
    log.append(encode_unmasking(msgspec.structs.replace(made, number=9)))


def tombstone(log: Log) -> None:
    log.append((b"3", None))


@pytest.mark.parametrize(
    "damage",
    [alter, leave_out, put_between, swap, rename, write_over, begin_anew, begin_late, jump, tombstone],
    ids=lambda d: d.__name__,
)
def test_each_damage_is_told(damage: Callable[[Log], None]) -> None:
    log = honest(5)
    damage(log)
    assert verify(log).problems


def test_what_was_deleted_from_the_beginning_is_told_and_the_rest_verified() -> None:
    log = honest(6)
    assert verify(log[3:], log_start=3).problems == ["the events before offset 3 of the topic were deleted"]
    alter(log)
    assert len(verify(log[1:], log_start=1).problems) == 2


@given(st.integers(0, 4), st.integers(0, 400), st.integers(1, 255))
def test_no_byte_of_an_event_can_be_altered(at: int, place: int, change: int) -> None:
    log = honest(6)
    value = bytearray(log[at][1] or b"")
    value[place % len(value)] ^= change
    log[at] = (log[at][0], bytes(value))
    assert verify(log).problems


def test_nothing_follows_what_is_no_event() -> None:
    assert follow_up(EVENT, b"garbage") is None
    assert decode_unmasking(b"{}") is None


def test_a_selection_is_written_as_far_as_it_is_given() -> None:
    words = chosen_words(Selection(rules=("a",), since_ms=5, states=(State.OPEN,)), {"dlq": [3, 4]})
    assert words == {"rules": ["a"], "since_ms": 5, "states": ["open"], "below": {"dlq": [3, 4]}}
