"""The life-cycle: a table, and a state machine that walks it at random and never leaves it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from watermaster.quarantine.hold_record import Account, decode_hold, encode_hold
from watermaster.quarantine.lifecycle import (
    ATTEMPTS_MAX,
    ENDS,
    NEW_HOLD,
    TRANSITIONS,
    Actor,
    Hold,
    Move,
    Refusal,
    State,
    Step,
    advance,
    draw_lifecycle,
)

BY = Actor("User:anna", "anna", "User:ben")
ACCOUNT = Account("orders.landing", "sha256:abc", 7)
STEPS = list(Step)


def move(step: Step, *, fix: str = "mend@1", target: str = "") -> Move:
    return Move(step, BY, 5, "because", fix=fix, activation=3, target=target)


def test_what_nothing_leaves_is_an_end_and_the_rest_can_end() -> None:
    assert {State.REPLAYED, State.DISCARDED, State.EXPIRED} == ENDS
    for state in (State.OPEN, State.FIXED):
        assert {TRANSITIONS[state, step] for step in Step if (state, step) in TRANSITIONS} >= ENDS


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_in_the_table_or_refused(state: State, step: Step) -> None:
    after = advance(Hold(state), move(step))
    if (state, step) in TRANSITIONS:
        assert isinstance(after, Hold)
        assert after.state is TRANSITIONS[state, step]
        assert (after.by, after.at_ms, after.step) == (BY, 5, step), "who, when and what is remembered"
    else:
        assert after is Refusal.IMPOSSIBLE


@pytest.mark.parametrize(
    ("before", "step", "fix", "kept"),
    [
        (Hold(), Step.FIX, "a@1", "a@1"),
        (Hold(State.FIXED, fix="a@1"), Step.FIX, "a@2", "a@2"),
        (Hold(State.FIXED, fix="a@1"), Step.REPLAY, "", "a@1"),  # remembered with the fix that it used
        (Hold(State.FIXED, fix="a@1"), Step.WITHDRAW_FIX, "", ""),
        (Hold(State.FIXED, fix="a@1"), Step.FAIL_REPLAY, "", ""),  # it did not help
        (Hold(State.FIXED, fix="a@1"), Step.DISCARD, "", "a@1"),
    ],
)
def test_the_fix_that_is_remembered(before: Hold, step: Step, fix: str, kept: str) -> None:
    after = advance(before, move(step, fix=fix))
    assert isinstance(after, Hold)
    assert after.fix == kept


def test_a_fix_needs_a_name_and_only_a_replay_has_a_target() -> None:
    assert advance(NEW_HOLD, move(Step.FIX, fix="")) is Refusal.FIX_MISSING
    failed = advance(NEW_HOLD, move(Step.FAIL_REPLAY, target="orders.repair"))
    replayed = advance(NEW_HOLD, move(Step.REPLAY, target="orders.repair"))
    assert isinstance(failed, Hold)
    assert isinstance(replayed, Hold)
    assert (failed.target, replayed.target) == ("", "orders.repair")


@pytest.mark.parametrize(
    ("attempt", "attempts_max", "goes"), [(0, 1, True), (1, 1, False), (ATTEMPTS_MAX, 9**9, False)]
)
def test_attempts_are_bounded(attempt: int, attempts_max: int, goes: bool) -> None:
    for step in (Step.REPLAY, Step.FAIL_REPLAY):
        assert (advance(Hold(attempt=attempt), move(step), attempts_max) is not Refusal.ATTEMPTS) is goes
    assert isinstance(advance(Hold(attempt=attempt), move(Step.DISCARD), attempts_max), Hold), "it can still end"


def test_the_diagram_shows_the_table_and_nothing_else() -> None:
    drawn = draw_lifecycle().splitlines()
    assert drawn[0] == "stateDiagram-v2"
    assert len(drawn) == 2 + len(TRANSITIONS) + len(ENDS)
    for (start, step), end in TRANSITIONS.items():
        assert f"    {start.value} --> {end.value}: {step.value}" in drawn


class Lives(RuleBasedStateMachine):
    """One hold under any steps, each written down and read back, beside a model that only counts."""

    @initialize()
    def begin(self) -> None:
        self.hold = NEW_HOLD
        self.failed = 0
        self.ended: State | None = None

    @rule(
        step=st.sampled_from(STEPS),
        fix=st.sampled_from(["", "mend@1", "mend@2"]),
        repair=st.sampled_from(["", "orders.repair"]),
        attempts_max=st.integers(0, 6),
    )
    def take(self, step: Step, fix: str, repair: str, attempts_max: int) -> None:
        after = advance(self.hold, move(step, fix=fix, target=repair), attempts_max)
        if isinstance(after, Refusal):
            return
        assert self.ended is None, "nothing leaves an end"
        assert decode_hold(encode_hold(after, ACCOUNT)) == (after, ACCOUNT)
        self.failed += step is Step.FAIL_REPLAY
        self.hold = after
        self.ended = after.state if after.state in ENDS else None

    @invariant()
    def counts_agree(self) -> None:
        assert self.hold.attempt == self.failed
        assert self.hold.state is not State.FIXED or self.hold.fix
        assert not self.hold.target or self.hold.state is State.REPLAYED


TestLives = Lives.TestCase


@given(
    st.builds(
        Hold,
        state=st.sampled_from(State),
        attempt=st.integers(0, ATTEMPTS_MAX),
        step=st.sampled_from(Step),
        by=st.builds(Actor, st.text(), st.text(), st.text()),
        at_ms=st.integers(0, 2**53),
        why=st.text(max_size=400),
        fix=st.text(max_size=50),
        activation=st.integers(0, 2**31),
        target=st.text(max_size=249),
    ).filter(lambda hold: hold.why.isascii() or hold.why.encode(errors="replace").decode() == hold.why)
)
def test_a_hold_is_read_as_it_was_written(hold: Hold) -> None:
    assert decode_hold(encode_hold(hold, ACCOUNT)) == (hold, ACCOUNT)


@given(st.binary(max_size=200) | st.none())
def test_any_bytes_are_a_hold_or_none(value: bytes | None) -> None:
    decode_hold(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"[]",
        b'{"state":"open"}',
        b'{"state":"lost","attempt":0,"account":{"stream":"s","contract":"","activation":0},"v":1}',
        b'{"state":"open","attempt":-1,"account":{"stream":"s","contract":"","activation":0},"v":1}',
        b'{"state":"open","attempt":0,"account":{"stream":"s","contract":"","activation":0},"v":2}',
    ],
)
def test_what_is_no_hold_is_none(value: bytes | None) -> None:
    assert decode_hold(value) is None


def test_the_diagram_of_the_documentation_is_the_one_that_is_drawn() -> None:
    document = (Path(__file__).parents[2] / "ARCHITECTURE.md").read_text()
    assert f"```mermaid\n{draw_lifecycle()}\n```" in document
