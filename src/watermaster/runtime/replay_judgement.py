"""What a replay would do with held records: the same judgement for the dry run and for the replay itself.

Records are read, mended by their fix and judged by the contract in force now, in process. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, assert_never

import msgspec
from msgspec.structs import replace

from watermaster.gate.verdict import PASSED, BrokenRule, Outcome, Verdict
from watermaster.quarantine.held import (
    Adoption,
    HeldRecord,
    NotHeld,
    OriginalRecord,
    QuarantineRecord,
    read_whole,
)
from watermaster.quarantine.lifecycle import ENDS, Hold
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.hold_states import HoldStates
from watermaster.runtime.judging import Death, IsolatedJudge
from watermaster.stream.batch import RecordBatch


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


class Amended(msgspec.Struct, frozen=True, gc=False):
    """The record that a fix made, and the name of the fix; `trouble` says why it could not."""

    record: OriginalRecord
    fix: str = ""
    trouble: str = ""


Choose = Callable[[HeldRecord, Hold, OriginalRecord | None], bool]
"""Whether a held record is meant. The original is None where its bytes are not there."""

Amend = Callable[[HeldRecord, Hold, OriginalRecord, int], Amended]
"""Apply the fix that is assigned or asked for, at `now_ms`."""


def as_it_is(held: HeldRecord, hold: Hold, record: OriginalRecord, now_ms: int) -> Amended:
    """No fix: for records that another contract lets pass."""
    del held, hold, now_ms
    return Amended(record)


class StaleKeys(Protocol):
    """Knows which keys have newer records downstream."""

    def is_stale(self, held: HeldRecord, key: bytes | None) -> bool:
        """Whether a record with a later source offset and this key stands in the target."""
        ...


class NothingStale:
    """For targets whose order does not matter."""

    def is_stale(self, held: HeldRecord, key: bytes | None) -> bool:
        """Never."""
        del held, key
        return False


class FateJudge(Protocol):
    """Says what becomes of the records of a batch."""

    def judge(self, batch: RecordBatch, states: HoldStates, in_force: InForce, now_ms: int) -> list[Judged]:
        """The fate of each chosen record that has not ended, in order."""
        ...

    @property
    def attempts_max(self) -> int:
        """So many replays of one record are tried."""
        ...


def _read(batch: RecordBatch, index: int) -> QuarantineRecord:
    return QuarantineRecord(
        batch.source,
        batch.offsets[index],
        batch.timestamps_ms[index],
        batch.keys[index],
        batch.values[index],
        batch.headers[index] or [],
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """Implements `FateJudge` for verbs that ask no contract: which records are meant."""

    adoption: Adoption
    choose: Choose
    attempts_max: int

    def judge(self, batch: RecordBatch, states: HoldStates, in_force: InForce, now_ms: int) -> list[Judged]:
        """Every chosen record that has not ended."""
        del in_force, now_ms
        return list(self.meant(batch, states))

    def meant(self, batch: RecordBatch, states: HoldStates) -> Iterator[Judged]:
        """Held records that are chosen and have not ended, with their bytes if they lie here."""
        for index in range(len(batch)):
            found = read_whole(_read(batch, index), self.adoption)
            if isinstance(found, NotHeld):
                continue
            held, before = found
            key = held.key.encode()
            hold = states.find_written(key)
            if hold.state in ENDS:
                continue
            if self.choose(held, hold, before):
                yield Judged(key, held, hold, Fate.CHOSEN, before)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Implements `FateJudge` for replay: which records, mended how, and what stops one of them."""

    choice: Choice
    amend: Amend
    stale: StaleKeys
    skip_stale: bool
    isolated: IsolatedJudge

    @property
    def attempts_max(self) -> int:
        """So many replays of one record are tried."""
        return self.choice.attempts_max

    def judge(self, batch: RecordBatch, states: HoldStates, in_force: InForce, now_ms: int) -> list[Judged]:
        """The fate of each chosen record that has not ended, in order."""
        found = [self._prospect(chosen, now_ms) for chosen in self.choice.meant(batch, states)]
        to_judge = [at for at, judged in enumerate(found) if judged.fate is Fate.PASSES]
        self._apply_contract(found, to_judge, in_force, now_ms)
        return found

    def _prospect(self, chosen: Judged, now_ms: int) -> Judged:
        """Everything but the contract's word; PASSES means that it is still to be heard."""
        held, before = chosen.held, chosen.before
        if before is None:
            return replace(chosen, fate=Fate.ELSEWHERE)
        if chosen.attempt >= self.attempts_max:
            return replace(chosen, fate=Fate.EXHAUSTED)
        stale = self.stale.is_stale(held, before.key)
        if stale and self.skip_stale:
            return replace(chosen, fate=Fate.STALE, is_stale=True)
        amended = self.amend(held, chosen.hold, before, now_ms)
        fate = Fate.UNFIXED if amended.trouble else Fate.PASSES
        return replace(
            chosen, fate=fate, after=amended.record, fix=amended.fix, is_stale=stale, trouble=amended.trouble
        )

    def _apply_contract(self, found: list[Judged], to_judge: Sequence[int], in_force: InForce, now_ms: int) -> None:
        suspects = [at for at in to_judge if found[at].held.operational]
        others = [at for at in to_judge if not found[at].held.operational]
        keys = [_after(found[at]).key for at in others]
        values = [_after(found[at]).value for at in others]
        headers = [_after(found[at]).headers for at in others]
        verdicts = in_force.judge.judge(keys, values, now_ms, headers) if others else {}
        for position, at in enumerate(others):
            found[at] = _with_verdict(found[at], verdicts.get(position, PASSED))
        for at in suspects:  # it killed or stalled a worker once: judged where it can do no harm
            record = _after(found[at])
            answer = self.isolated.judge_one(in_force, record.key, record.value, now_ms, record.headers)
            found[at] = _with_verdict(found[at], _as_verdict(answer))


def _after(judged: Judged) -> OriginalRecord:
    assert judged.after is not None  # noqa: S101 - only records that were mended are judged
    return judged.after


def _as_verdict(answer: Verdict | Death) -> Verdict:
    if isinstance(answer, Verdict):
        return answer
    broken = BrokenRule("operational.poison", "$", f"operational.{answer.cause}", f"judging it ends in {answer.cause}")
    return Verdict(Outcome.HOLD, (broken,), operational=True)


def _with_verdict(judged: Judged, verdict: Verdict) -> Judged:
    match verdict.outcome:
        case Outcome.PASS:
            return judged
        case Outcome.DROP:
            return replace(judged, fate=Fate.DROPS)
        case Outcome.HOLD:
            return replace(judged, fate=Fate.FAILS, broken=verdict.broken)
        case _:
            assert_never(verdict.outcome)
