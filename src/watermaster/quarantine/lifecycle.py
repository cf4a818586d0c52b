"""The life of a hold. Every transition stands in `TRANSITIONS`; the diagram of the documentation is drawn from it.

A hold begins open at attempt 0, without a record in the hold-state topic. A failed replay keeps the coordinates and
adds an attempt. Expiry comes last: it is what becomes of an open or fixed hold whose bytes retention has deleted, so
it never undoes a replay or a discard.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

ATTEMPTS_MAX: Final = 1_000
"""An upper end for whatever a site configures: a loop that has gone so far is a fault."""


class State(Enum):
    """Where a hold is in its life."""

    OPEN = "open"
    FIXED = "fixed"
    """A fix is chosen for it and was shown to work; it waits for its replay."""
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    EXPIRED = "expired"


class Step(Enum):
    """What can happen to a hold."""

    FIX = "fix"
    WITHDRAW_FIX = "withdraw fix"
    REPLAY = "replay"
    FAIL_REPLAY = "fail replay"
    """The replay judged it and the contract in force still says no."""
    DISCARD = "discard"
    EXPIRE = "expire"


START: Final = State.OPEN

TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    (State.OPEN, Step.FIX): State.FIXED,
    (State.OPEN, Step.REPLAY): State.REPLAYED,  # as it is: another contract is in force now
    (State.OPEN, Step.FAIL_REPLAY): State.OPEN,
    (State.OPEN, Step.DISCARD): State.DISCARDED,
    (State.OPEN, Step.EXPIRE): State.EXPIRED,
    (State.FIXED, Step.FIX): State.FIXED,  # another fix, or another version of it
    (State.FIXED, Step.WITHDRAW_FIX): State.OPEN,
    (State.FIXED, Step.REPLAY): State.REPLAYED,
    (State.FIXED, Step.FAIL_REPLAY): State.OPEN,
    (State.FIXED, Step.DISCARD): State.DISCARDED,
    (State.FIXED, Step.EXPIRE): State.EXPIRED,
}
"""Whatever is not here cannot happen."""

ENDS: Final = frozenset(State) - {state for state, _ in TRANSITIONS}
"""States that nothing leaves."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: the Kafka principal with the operating system's user, and the second person where one was asked."""

    principal: str
    system_user: str
    approved_by: str = ""


class Hold(msgspec.Struct, frozen=True, gc=False):
    """The state of one hold, and how it came there. `at_ms` is milliseconds since the epoch.

    `attempt` is that of the next replay: 0 before the first. `fix` is `name@version`, empty for none. `activation`
    is the contract's activation that a replay judged by, 0 where there was none. `target` is the repair topic that a
    replay wrote to, empty where it wrote to trusted.
    """

    state: State = START
    attempt: int = 0
    step: Step | None = None
    by: Actor | None = None
    at_ms: int = 0
    why: str = ""
    fix: str = ""
    activation: int = 0
    target: str = ""


NEW_HOLD: Final = Hold()


class Refusal(Enum):
    """Why a step was not taken. The hold is as it was."""

    IMPOSSIBLE = "the life-cycle has no such step from this state"
    ATTEMPTS = "the hold has used up its attempts"
    FIX_MISSING = "the step needs the name of a fix"


class Move(msgspec.Struct, frozen=True, gc=False):
    """A step with who takes it, when and why."""

    step: Step
    by: Actor
    at_ms: int
    why: str
    fix: str = ""
    activation: int = 0
    target: str = ""


def advance(hold: Hold, move: Move, attempts_max: int = ATTEMPTS_MAX) -> Hold | Refusal:
    """The hold after a step, or why it is not taken. `attempts_max` bounds replays: the guard against loops."""
    state = TRANSITIONS.get((hold.state, move.step))
    if state is None:
        return Refusal.IMPOSSIBLE
    if move.step is Step.FIX and not move.fix:
        return Refusal.FIX_MISSING
    replays = move.step in {Step.REPLAY, Step.FAIL_REPLAY}
    if replays and hold.attempt >= min(attempts_max, ATTEMPTS_MAX):
        return Refusal.ATTEMPTS
    return Hold(
        state=state,
        attempt=hold.attempt + (move.step is Step.FAIL_REPLAY),
        step=move.step,
        by=move.by,
        at_ms=move.at_ms,
        why=move.why,
        fix=_fix_after(hold, move),
        activation=move.activation,
        target=move.target if move.step is Step.REPLAY else "",
    )


def _fix_after(hold: Hold, move: Move) -> str:
    """A replay is remembered with the fix that it used; a fix that was withdrawn or did not help is not kept."""
    match move.step:
        case Step.FIX:
            return move.fix
        case Step.WITHDRAW_FIX | Step.FAIL_REPLAY:
            return ""
        case _:
            return move.fix or hold.fix


def draw_lifecycle() -> str:
    """The table as a Mermaid state diagram."""
    lines = [f"    [*] --> {START.value}"]
    lines += [f"    {start.value} --> {end.value}: {step.value}" for (start, step), end in TRANSITIONS.items()]
    lines += [f"    {state.value} --> [*]" for state in State if state in ENDS]
    return "\n".join(["stateDiagram-v2", *lines])
