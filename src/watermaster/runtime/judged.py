"""One held record with what a replay does to it: the word that judgement, dry run and replay have in common."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

import msgspec
from msgspec.structs import replace

from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.quarantine.held import HeldRecord, OriginalRecord
from watermaster.quarantine.lifecycle import Hold


class Fate(Enum):
    """What becomes of one record on the quarantine topic when a replay comes to it."""

    CHOSEN = "chosen"
    """Meant by a verb that asks no contract: a fix is assigned, or it is discarded."""
    PASSES = "passes"
    FAILS = "fails"
    """The contract in force still says no; the hold keeps its coordinates with one attempt more."""
    DROPS = "drops"
    """By a rule of the contract in force it is dropped and not written: it stays held until somebody discards it."""
    STALE = "stale"
    """Skipped: downstream has a newer record of its key."""
    UNFIXED = "unfixed"
    """The fix could not be applied to it."""
    ELSEWHERE = "elsewhere"
    """Held by reference or without its payload: there are no bytes to replay."""
    EXHAUSTED = "exhausted"
    """It has used up its attempts: the guard against loops."""


class Judged(msgspec.Struct, frozen=True, gc=False):
    """One held record with what a replay does to it. `after` is the record as it would be written."""

    key: bytes
    """Of the hold, as it is written."""
    held: HeldRecord
    hold: Hold
    fate: Fate
    before: OriginalRecord | None = None
    after: OriginalRecord | None = None
    broken: tuple[BrokenRule, ...] = ()
    fix: str = ""
    is_stale: bool = False
    """Downstream has a newer record of its key; replayed nevertheless if the order policy only warns."""
    trouble: str = ""

    @property
    def attempt(self) -> int:
        """Replays of the record so far: of this hold, and of the holds that it came through before."""
        return self.held.attempt + self.hold.attempt


def with_verdict(judged: Judged, verdict: Verdict) -> Judged:
    """The same record with what the contract in force says of it."""
    match verdict.outcome:
        case Outcome.PASS:
            return judged
        case Outcome.DROP:
            return replace(judged, fate=Fate.DROPS)
        case Outcome.HOLD:
            return replace(judged, fate=Fate.FAILS, broken=verdict.broken)
        case _:
            assert_never(verdict.outcome)
