"""What a replay would do with held records: the same judgement for the dry run and for the replay itself.

Records are read, mended by their fix and judged by the contract in force now, in process. Nothing here writes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from watermaster.gate.verdict import PASSED, BrokenRule, Outcome, Verdict
from watermaster.quarantine.held import Adoption, HeldRecord, NotHeld, OriginalRecord, read_whole
from watermaster.quarantine.kind import HeldColumns, HeldKind, KindSorter, quarantine_record
from watermaster.quarantine.lifecycle import ENDS, Hold
from watermaster.quarantine.selection import Selection
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.hold_states import HoldStates, read_hold
from watermaster.runtime.judged import Fate, Judged, with_verdict
from watermaster.runtime.judging import Death, IsolatedJudge
from watermaster.runtime.stretch import Stretch
from watermaster.stream.batch import RawHeaders, RecordBatch


class Amended(msgspec.Struct, frozen=True, gc=False):
    """The record that a fix made, and the name of the fix; `trouble` says why it could not."""

    record: OriginalRecord
    fix: str = ""
    trouble: str = ""


LOTS_MAX: Final = 4096
"""Kinds of held records with their states, of which is remembered whether they are meant."""

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

    def any_stale(self, stretch: Stretch) -> bool:
        """Whether that is so of any record of a stretch."""
        ...


class NothingStale:
    """For targets whose order does not matter."""

    def is_stale(self, held: HeldRecord, key: bytes | None) -> bool:
        """Never."""
        del held, key
        return False

    def any_stale(self, stretch: Stretch) -> bool:
        """Never."""
        del stretch
        return False


class FateJudge(Protocol):
    """Says what becomes of the records of a batch."""

    def judge(self, batch: RecordBatch, states: HoldStates, in_force: InForce, now_ms: int) -> list[Judged | Stretch]:
        """The fate of each chosen record that has not ended, in order; of those that are alike, in one."""
        ...

    @property
    def attempts_max(self) -> int:
        """So many replays of one record are tried."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Lot:
    """What is decided of all records of one kind with one state: whether they are meant, and what stands for them."""

    like: Judged
    is_meant: bool
    written: bytes | None


@dataclass(slots=True)
class Choice:
    """Implements `FateJudge` for verbs that ask no contract: which records are meant.

    `also` is asked of each record that the selection means, for what no selection can say.
    """

    adoption: Adoption
    selection: Selection
    attempts_max: int
    also: Choose | None = None
    _sorter: KindSorter = field(init=False)
    _lots: dict[tuple[HeldKind, bytes | None], _Lot] = field(init=False, default_factory=dict)
    _shared: dict[tuple[object, ...], _Lot] = field(init=False, default_factory=dict)
    """The same by what a replay asks of them: kinds that differ in broken rules alone are one lot."""

    def __post_init__(self) -> None:
        """Learns kinds of this adoption."""
        self._sorter = KindSorter(self.adoption)

    def judge(self, batch: RecordBatch, states: HoldStates, in_force: InForce, now_ms: int) -> list[Judged | Stretch]:
        """Every chosen record that has not ended."""
        del in_force, now_ms
        return self.meant(batch, states)

    def meant(self, batch: RecordBatch, states: HoldStates) -> list[Judged | Stretch]:
        """Held records that are chosen and have not ended, with their bytes if they lie here."""
        if self.also is not None or self.selection.asks_each:
            return list(self._each(batch, range(len(batch)), states))
        columns = self._sorter.sort(batch)
        written = states.values(columns.keys)
        end = self.selection.end_of(batch.source)
        rows = range(len(batch) if end is None else bisect_left(batch.offsets, end))
        found: list[Judged | Stretch] = []
        for lot, together in self._by_lot(columns, written, rows):
            if lot is None:
                found += self._each(batch, together, states)
            elif lot.is_meant:
                found.append(Stretch(lot.like, lot.written, columns, together))
        return found

    def _by_lot(
        self, columns: HeldColumns, written: list[bytes | None], rows: range
    ) -> Iterator[tuple[_Lot | None, Sequence[int]]]:
        kinds = columns.kinds
        if rows and kinds.count(kinds[0]) == len(kinds) and written.count(written[0]) == len(written):
            yield self._lot(kinds[0], written[0]), rows  # nearly always
            return
        lots = list(map(self._lot, kinds, written))
        for lot, together in groupby(rows, lots.__getitem__):
            yield lot, list(together)

    def _each(self, batch: RecordBatch, rows: Iterable[int], states: HoldStates) -> Iterator[Judged]:
        """The same, record by record."""
        for row in rows:
            found = read_whole(quarantine_record(batch, row), self.adoption)
            if isinstance(found, NotHeld):
                continue
            held, before = found
            key = held.key.encode()
            hold = states.find_written(key)
            if hold.state not in ENDS and self._means(held, hold, before):
                yield Judged(key, held, hold, Fate.CHOSEN, before)

    def _means(self, held: HeldRecord, hold: Hold, before: OriginalRecord | None) -> bool:
        return self.selection.means(held, hold, before) and (self.also is None or self.also(held, hold, before))

    def _lot(self, kind: HeldKind | None, written: bytes | None) -> _Lot | None:
        if kind is None:
            return None
        lot = self._lots.get((kind, written))
        if lot is None:
            if len(self._lots) >= LOTS_MAX:
                self._lots.clear()
                self._shared.clear()
            lot = self._lots[kind, written] = self._new_lot(kind.held, written)
        return lot

    def _new_lot(self, held: HeldRecord, written: bytes | None) -> _Lot:
        hold = read_hold(written)
        is_meant = hold.state not in ENDS and self.selection.means_kind(held, hold)
        account = held.stream, held.contract, held.activation
        shared = account, replace(held.key, offset=0), held.attempt, is_meant, written
        return self._shared.setdefault(shared, _Lot(Judged(b"", held, hold, Fate.CHOSEN), is_meant, written))


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

    def judge(self, batch: RecordBatch, states: HoldStates, in_force: InForce, now_ms: int) -> list[Judged | Stretch]:
        """The fate of each chosen record that has not ended, in order; of those that are alike, in one."""
        found: list[Judged | Stretch] = []
        for chosen in self.choice.meant(batch, states):
            if isinstance(chosen, Judged):
                found.append(self._prospect(chosen, now_ms))
            elif self.amend is as_it_is and not self.stale.any_stale(chosen):
                is_exhausted = chosen.like.attempt >= self.attempts_max
                found.append(chosen.with_fate(Fate.EXHAUSTED if is_exhausted else Fate.PASSES))
            else:
                found += [self._prospect(judged, now_ms) for judged in chosen.apart()]
        return self._by_contract(found, in_force, now_ms)

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

    def _by_contract(self, found: list[Judged | Stretch], in_force: InForce, now_ms: int) -> list[Judged | Stretch]:
        """The contract's word on all of them at once; records that killed or stalled a worker are asked apart."""
        keys: list[bytes | None] = []
        values: list[bytes | None] = []
        headers: list[RawHeaders | None] = []
        for item in found:
            if isinstance(item, Stretch):
                if item.like.fate is Fate.PASSES:
                    keys += item.record_keys
                    values += item.values
                    headers += item.headers
            elif item.fate is Fate.PASSES and not item.held.operational:
                record = _after(item)
                keys.append(record.key)
                values.append(record.value)
                headers.append(record.headers)
        verdicts = in_force.judge.judge(keys, values, now_ms, headers) if values else {}
        judged: list[Judged | Stretch] = []
        at = 0
        for item in found:
            if isinstance(item, Stretch):
                if item.like.fate is Fate.PASSES:
                    judged += item.by_verdict(verdicts, at) if verdicts else (item,)
                    at += len(item)
                else:
                    judged.append(item)
            elif item.fate is not Fate.PASSES:
                judged.append(item)
            elif item.held.operational:
                judged.append(with_verdict(item, self._alone(item, in_force, now_ms)))
            else:
                judged.append(with_verdict(item, verdicts.get(at, PASSED)))
                at += 1
        return judged

    def _alone(self, judged: Judged, in_force: InForce, now_ms: int) -> Verdict:
        """Judged where it can do no harm."""
        record = _after(judged)
        return _as_verdict(self.isolated.judge_one(in_force, record.key, record.value, now_ms, record.headers))


def _after(judged: Judged) -> OriginalRecord:
    assert judged.after is not None  # noqa: S101 - only records that were mended are judged
    return judged.after


def _as_verdict(answer: Verdict | Death) -> Verdict:
    if isinstance(answer, Verdict):
        return answer
    broken = BrokenRule("operational.poison", "$", f"operational.{answer.cause}", f"judging it ends in {answer.cause}")
    return Verdict(Outcome.HOLD, (broken,), operational=True)
