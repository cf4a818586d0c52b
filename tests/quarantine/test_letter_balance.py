"""The equation of an adopted quarantine: it closes for every honest history, and says what does not."""

from __future__ import annotations

from watermaster.quarantine.letter_balance import LetterBalance, LetterTerms
from watermaster.quarantine.lifecycle import State

SINK = LetterTerms("orders", "sink")


def balance(*states: State, doubles: int = 0, unread: int = 0, deleted_max: int = 0) -> LetterBalance:
    made = LetterBalance()
    for state in states:
        made.see(SINK, state)
    made.records = len(states) + doubles + unread
    made.doubles, made.unread, made.deleted_max = doubles, unread, deleted_max
    return made


def test_what_lies_there_is_in_exactly_one_state() -> None:
    made = balance(State.OPEN, State.REPLAYED, State.REPLAYED, State.DISCARDED, doubles=2, unread=1)
    assert made.troubles == []
    assert (made.held, made.rows[SINK][State.REPLAYED]) == (4, 2)


def test_what_is_gone_has_expired_unless_a_replay_or_discard_was_first() -> None:
    made = balance(State.OPEN, deleted_max=10)
    for state in (State.REPLAYED, State.DISCARDED, State.FIXED, State.OPEN):
        made.remember(state)
    assert {state: count for state, count in made.gone.items() if count} == {
        State.REPLAYED: 1,
        State.DISCARDED: 1,
        State.EXPIRED: 2,
    }
    assert (made.expired_max, made.troubles) == (8, []), "an upper bound: nobody counted what was written"


def test_what_does_not_close_is_said() -> None:
    made = balance(State.OPEN)
    made.remember(State.REPLAYED)
    assert made.troubles == ["1 states are of letters that were never there"], "nothing was deleted"
    made = balance(State.OPEN)
    made.records += 1
    assert made.troubles == ["the records that were read do not add up"]
    made = balance(State.OPEN)
    made.records, made.clashes = 2, 1
    assert "made anew" in made.troubles[0]
