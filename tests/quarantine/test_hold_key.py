"""The key of a hold: one for each hold, for ever, whatever texts are in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.quarantine.hold_key import HoldKey, decode_hold_key

WORD = st.text(alphabet=st.characters(codec="utf-8", exclude_characters=" "), min_size=1, max_size=20)
NUMBER = st.integers(0, 2**63 - 1)
KEYS = st.builds(HoldKey, WORD, WORD, NUMBER, NUMBER, NUMBER, st.text(st.characters(codec="utf-8"), max_size=30))


def test_the_wire_form() -> None:
    key = HoldKey("c-1", "t-1", 3, 42, 0, "my group")
    assert key.encode() == b"1 c-1 t-1 3 42 0 my group"
    assert HoldKey("c-1", "t-1", 3, 42).encode() == b"1 c-1 t-1 3 42 0 "


@given(KEYS)
def test_a_key_is_read_as_it_was_written(key: HoldKey) -> None:
    assert decode_hold_key(key.encode()) == key


@given(KEYS, KEYS)
def test_no_two_holds_share_a_key(one: HoldKey, other: HoldKey) -> None:
    assert (one.encode() == other.encode()) == (one == other)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_key_or_none(data: bytes) -> None:
    key = decode_hold_key(data)
    assert key is None or decode_hold_key(key.encode()) == key


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"1 c t 0 0 0",
        b"2 c t 0 0 0 g",
        b"1 c t -1 0 0 g",
        b"1 c t 0 +5 0 g",
        b"1 c t 0 99999999999999999999 0 g",
        b"1 c t 0 0 0 \xff",
        b"fix/sha256:0",
    ],
)
def test_what_is_no_key_is_none(data: bytes | None) -> None:
    assert decode_hold_key(data) is None
