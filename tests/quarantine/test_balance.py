"""The ledger equation: it closes for every honest history, and names the term that does not."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from watermaster.quarantine.balance import Balance, BalanceRow, Terms
from watermaster.quarantine.lifecycle import State

STREAM = "orders"
TERMS = Terms(STREAM, "sha256:a", 1, 20_000)
NEXT = Terms(STREAM, "sha256:b", 2, 20_001)


def balance(*entries: tuple[Terms, int, int, int]) -> Balance:
    """Entries of partition 0 as terms, start, end, held: all offsets are records, what is not held has passed."""
    made = Balance()
    for terms, start, end, held in entries:
        made.enter(terms, 0, start, end, read=end - start, passed=end - start - held, dropped=0, held=held)
    made.entered()
    return made


def rows(made: Balance) -> dict[Terms, BalanceRow]:
    return dict(made.rows())


def test_every_state_is_booked_where_the_record_was_held() -> None:
    made = balance((TERMS, 0, 10, 2), (NEXT, 10, 20, 1))
    for offset, state in ((3, State.OPEN), (9, State.REPLAYED), (10, State.DISCARDED)):
        made.see(STREAM, 0, offset, state)
    made.finish(STREAM, 0, is_cut=False)
    first, second = rows(made)[TERMS], rows(made)[NEXT]
    assert first.closes
    assert second.closes
    assert (first.states[State.OPEN], first.states[State.REPLAYED], second.states[State.DISCARDED]) == (1, 1, 1)


def test_the_term_that_does_not_close_is_named() -> None:
    made = balance((TERMS, 0, 10, 2), (NEXT, 10, 20, 0))
    made.see(STREAM, 0, 3, State.OPEN)
    made.see(STREAM, 0, 15, State.OPEN)
    made.finish(STREAM, 0, is_cut=False)
    assert rows(made)[TERMS].trouble == "held: 1 records are on neither the quarantine nor the holds topic"
    assert rows(made)[NEXT].trouble == "held: the quarantine has 1 records more than the ledger"
    wrong = Balance()
    wrong.enter(TERMS, 0, 0, 5, read=5, passed=3, dropped=1, held=0)
    assert rows(wrong)[TERMS].trouble == "in: the ledger's own numbers do not add up"


def test_what_retention_deleted_is_expired_unless_it_was_replayed() -> None:
    made = balance((TERMS, 0, 10, 4), (NEXT, 10, 20, 1))
    made.see(STREAM, 0, 12, State.OPEN)  # the first that still lies there
    for offset, state in ((2, State.REPLAYED), (5, State.FIXED), (12, State.OPEN)):
        made.remember(STREAM, 0, offset, state)
    made.finish(STREAM, 0, is_cut=True)
    first = rows(made)[TERMS]
    assert first.closes
    assert (first.states[State.REPLAYED], first.states[State.EXPIRED]) == (1, 3)


def test_nothing_expires_from_a_topic_that_was_not_cut() -> None:
    made = balance((TERMS, 0, 10, 1))
    made.finish(STREAM, 0, is_cut=False)
    assert rows(made)[TERMS].missing == 1


def test_what_no_entry_covers_is_only_later() -> None:
    made = balance((TERMS, 0, 10, 0))
    made.see(STREAM, 0, 10, State.OPEN)
    made.finish(STREAM, 0, is_cut=False)
    assert (made.beyond, rows(made)[TERMS].closes) == (1, True)


@given(
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    ends=st.lists(st.sampled_from(["pass", *State]), min_size=60, max_size=60),
    cut=st.integers(0, 60),
)
def test_an_honest_history_closes_however_much_retention_took(
    widths: list[int], ends: list[str | State], cut: int
) -> None:
    made, start = Balance(), 0
    expected: Counter[State] = Counter()
    for number, width in enumerate(widths):
        span = range(start, start + width)
        held = sum(ends[offset] != "pass" for offset in span)
        terms = Terms(STREAM, f"sha256:{number % 3}", number % 3, 0)
        made.enter(terms, 0, start, start + width, read=width, passed=width - held, dropped=0, held=held)
        start += width
    made.entered()
    for offset in range(start):
        state = ends[offset]
        if isinstance(state, State):
            if offset >= cut:
                made.see(STREAM, 0, offset, state)
                expected[state] += 1
            else:
                expected[state if state in (State.REPLAYED, State.DISCARDED) else State.EXPIRED] += 1
    for offset in range(start):
        state = ends[offset]
        if isinstance(state, State) and state is not State.OPEN:
            made.remember(STREAM, 0, offset, state)
    made.finish(STREAM, 0, is_cut=cut > 0)
    found: Counter[State] = Counter()
    for row in rows(made).values():
        assert row.closes, row
        found.update({state: count for state, count in row.states.items() if count})
    assert found == expected
