"""The transactional transfer loop: the one way in which records move.

    read a batch -> stage.decide -> outputs + one ledger entry per source partition + source offsets, one transaction

Invariant: an offset is committed only in the transaction that holds its outputs and its ledger entry.
Invariant: a position moves only by reading or by a gap that the ledger names.
Invariant: no transaction spans a change of assignment: it is finished on revoke and aborted on lost.
Invariant: after an abort every position goes back to where the transaction began, before the next read. A commit whose
answer was lost may be in or not: the committed offsets tell, once a successor of the producer has ended it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from watermaster.gate.ledger import Gap, LedgerEntry, PartitionTally, add_counts, encode_entry, ledger_key
from watermaster.runtime.crash_points import CrashPoint, reach
from watermaster.runtime.ports import (
    AbortRequired,
    Clock,
    ConnectionLost,
    Downstream,
    Fenced,
    Output,
    Superseded,
    Trouble,
    TroubleKind,
    Upstream,
)
from watermaster.runtime.stage import Decisions, Stage, TransferObserver, TransferSettings, truncated
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, InternalFault, WorldFault

BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 10.0
"""A broken outside is asked again at most this often; the alarm is raised at the first failure."""

NARROW_BY = 4
"""A refused transaction is retried with this part of its records, so that one bad record among 10,000 takes seven."""

LAG_INTERVAL_S = 1.0

IDLE_READ_S = 0.2
"""How long one read may wait without an open transaction: bounds the reaction to stop, control topic and pauses."""


class Transfer:
    """One worker's loop over one upstream and one downstream. Single-threaded."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        open_downstream: Callable[[], Downstream],
        stage: Stage,
        clock: Clock,
        observer: TransferObserver,
        settings: TransferSettings,
        sleep: Callable[[float], None],
    ) -> None:
        self._upstream = upstream
        self._open_downstream = open_downstream
        self._stage = stage
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._sleep = sleep
        self._downstream: Downstream | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._tallies: dict[TopicPartition, PartitionTally] = {}
        self._halted: set[str] = set()
        self._generation: object = None
        self._began_s = 0.0
        self._now_ms = 0
        self._records = 0
        self._bytes = 0
        self._narrow_records = 0
        """Not 0: a transaction was refused because of one of its records, so read in ever smaller ones."""
        self._narrow_until: dict[TopicPartition, int] = {}
        self._failures = 0
        self._measured_s = 0.0
        self._gaps: dict[TopicPartition, Gap] = {}
        """Not committed yet; reading goes on behind them."""
        self._anchors: set[TopicPartition] = set()
        """Partitions whose first position is not committed yet."""
        self._damage = _Damage.NONE
        self._in_doubt: _InDoubt | None = None
        self._refused: set[tuple[TopicPartition, int]] = set()
        self._troubled: set[str] = set()

    # --- the loop -----------------------------------------------------------------------------------------------

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Move records until `should_stop()`, then finish the open transaction.

        Raises `Fenced` and every fault that a person must decide about; retries what can heal by itself.
        """
        self.open()
        while not should_stop():
            self.step()
        self.finish()

    def open(self) -> None:
        """Take the transactional id and join the group. Raises every fault: at the start a person looks on."""
        self._downstream = self._open_downstream()
        self._upstream.subscribe(self._stage.topics, self)

    def step(self) -> None:
        """Read once, and commit if it is time. Raises only what cannot heal by itself."""
        self._guarded(self._step)

    def finish(self) -> None:
        """Commit what is open."""
        self._guarded(self._finish)

    def close(self) -> None:
        """Leave the group and release the producer. An open transaction is aborted by the next owner."""
        self._upstream.close()
        if self._downstream is not None:
            self._downstream.close()

    def _guarded(self, action: Callable[[], None]) -> None:
        """Mend what the last fault left broken, then act. What can heal by itself ends here, the rest is raised."""
        try:
            self._mend()
            action()
        except WorldFault as fault:
            if not _can_heal(fault):
                raise
            self._recover(fault)

    def _step(self) -> None:
        result = self._upstream.read(self._room(), self._patience_s())
        if self._damage is not _Damage.NONE:
            return  # a callback inside `read` could not mend everything: the next step does, and reads this again
        self._enter_positions()
        self._keep_halted()
        if result.batches:
            reach(CrashPoint.AFTER_POLL)
        for batch in result.batches:
            self._take(batch)
        # After the batches: they were read before the trouble, and a gap begins where they end.
        for trouble in result.troubles:
            self._handle(trouble)
        if self._tallies and self._is_due():
            self._commit()
        if not self._tallies:
            self._refresh()

    def _finish(self) -> None:
        if self._tallies:
            self._commit()

    def _room(self) -> int:
        room = (self._narrow_records or self._settings.records_max) - self._records
        return max(1, room)

    def _patience_s(self) -> float:
        if not self._tallies:
            return IDLE_READ_S
        return max(0.0, self._settings.commit_interval_s - (self._clock.monotonic_s() - self._began_s))

    def _is_due(self) -> bool:
        return (
            self._clock.monotonic_s() - self._began_s >= self._settings.commit_interval_s
            or self._records >= (self._narrow_records or self._settings.records_max)
            or self._bytes >= self._settings.bytes_max
        )

    def _refresh(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._measured_s >= LAG_INTERVAL_S:
            self._measured_s = now_s
            self._observer.behind(self._upstream.behind(self._positions))
        released = self._halted.intersection(self._stage.refresh())
        if released:
            self._halted -= released
            waiting = {source: offset for source, offset in self._positions.items() if source.topic in released}
            self._upstream.seek(waiting)
            self._upstream.resume(waiting.keys())
            for topic in released:
                self._observer.condition(f"halted:{topic}", None)

    def _keep_halted(self) -> None:
        if self._halted:  # a rebalance may have brought partitions of a halted topic
            self._upstream.pause([tp for tp in self._positions if tp.topic in self._halted])

    # --- one transaction ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._tallies:
            return
        self._generation = self._upstream.generation()
        self._down().begin()
        self._began_s = self._clock.monotonic_s()
        self._now_ms = self._clock.now_ms()

    def _tally(self, source: TopicPartition) -> PartitionTally:
        self._begin()
        tally = self._tallies.get(source)
        if tally is None:
            start = self._positions[source]
            tally = self._tallies[source] = PartitionTally(source, start, start)
        return tally

    def _take(self, batch: RecordBatch) -> None:
        if batch.source not in self._positions or batch.source.topic in self._halted:
            return  # fetched before a pause or a rebalance; it will be read again from the position
        tally = self._tally(batch.source)
        if batch.offsets[0] < tally.next:
            raise InternalFault(
                "WM-TRANSFER-ORDER",
                f"{batch.source}: read offset {batch.offsets[0]} after position {tally.next}",
                hint="Nothing was committed. Restart the gate; report this with the log if it comes back.",
            )
        self._reads_again(batch.source.topic)
        decisions = self._stage.decide(batch, self._now_ms)
        if decisions.halt is not None:
            self._halt(batch.source.topic, decisions.halt)
            return
        self._count(tally, batch, decisions)  # before writing: a refusal must find the records that it may concern
        down = self._down()
        down.forward(decisions.target, batch, decisions.withheld, decisions.stamp)
        if decisions.outputs:
            down.write(decisions.outputs)

    def _count(self, tally: PartitionTally, batch: RecordBatch, decisions: Decisions) -> None:
        tally.next = batch.offsets[-1] + 1
        tally.read += len(batch)
        tally.held += decisions.held
        tally.dropped += decisions.dropped
        add_counts(tally.rules, decisions.rules)
        add_counts(tally.warnings, decisions.warnings)
        self._records += len(batch)
        self._bytes += batch.bytes

    def _reads_again(self, topic: str) -> None:
        if self._troubled:
            for name in {topic, ""} & self._troubled:
                self._troubled.discard(name)
                self._observer.condition(f"reading:{name}", None)

    def _halt(self, topic: str, fault: Fault) -> None:
        """Give back the whole transaction and pause one topic: its records stay where they are."""
        self._halted.add(topic)
        self._observer.condition(f"halted:{topic}", fault)
        self._upstream.pause([tp for tp in self._positions if tp.topic == topic])
        raise Halted(fault.code, fault.message, hint=fault.hint, retriable=True)

    def _commit(self) -> None:
        entries = [self._stage.entry(tally, self._now_ms) for tally in self._tallies.values()]
        self._down().write([self._ledger_record(entry) for entry in entries])
        reach(CrashPoint.AFTER_PRODUCE)
        positions = {source: self._stage.position(source, tally.next) for source, tally in self._tallies.items()}
        self._in_doubt = _InDoubt(entries, {source: tally.next for source, tally in self._tallies.items()})
        try:
            self._down().commit(positions, self._generation)
        except AbortRequired:
            self._in_doubt = None  # the answer has come, and it is no
            raise
        reach(CrashPoint.AFTER_COMMIT)
        self._move_on(self._in_doubt.ends)
        self._in_doubt = None
        self._observer.committed(entries, self._clock.monotonic_s() - self._began_s)
        self._clear()
        self._healed()

    def _move_on(self, ends: Mapping[TopicPartition, int]) -> None:
        for source, end in ends.items():
            self._positions[source] = end
            self._gaps.pop(source, None)
            self._anchors.discard(source)

    def _ledger_record(self, entry: LedgerEntry) -> Output:
        topic, partition = self._stage.ledger_output(entry)
        return Output(topic, partition, ledger_key(_source_of(entry)), encode_entry(entry), None, [])

    def _clear(self) -> None:
        self._tallies.clear()
        self._records = 0
        self._bytes = 0

    # --- assignment (called by the upstream inside `read`) ------------------------------------------------------

    def on_assign(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Take over partitions at the committed position; a gap before it is entered in the next transaction."""
        reach(CrashPoint.IN_ASSIGN)
        starts = self._stage.begin_positions(partitions)
        for source, start in starts.items():
            self._positions[source] = start.offset if start.gap is None else start.gap.from_
            if start.gap is not None:
                self._gaps[source] = start.gap
            if start.is_first:
                self._anchors.add(source)
        self._observer.assigned(self._positions.keys())
        return {source: start.offset for source, start in starts.items()}

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Finish the open transaction while the partitions are still ours."""
        reach(CrashPoint.IN_REVOKE)
        try:
            if self._damage is _Damage.NONE:
                self._enter_positions()
            if self._tallies:
                self._commit()
        except WorldFault as fault:
            self._forget(partitions)
            if not _can_heal(fault):
                raise
            self._give_back(fault)
        self._forget(partitions)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Another member has them already: what we began must not be committed."""
        self._forget(partitions)
        if self._tallies:
            self._give_back(_lost_fault(partitions))

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        for source in partitions:
            self._positions.pop(source, None)
            self._gaps.pop(source, None)
            self._anchors.discard(source)
            self._narrow_until.pop(source, None)
        self._observer.assigned(self._positions.keys())

    # --- what goes wrong ----------------------------------------------------------------------------------------

    def _handle(self, trouble: Trouble) -> None:
        source = trouble.source
        match trouble.kind:
            case TroubleKind.OUT_OF_RANGE if source is not None:
                self._pass_gap(source)
            case TroubleKind.FATAL:
                raise trouble.fault
            case TroubleKind.TRUNCATED if source is not None:
                # Never the client's own fault: it may say that a retry helps, and a retry would read on.
                raise truncated(source, self._positions.get(source, 0), self._upstream.bounds(source)[1])
            case TroubleKind.UNKNOWN if source is not None and source in self._positions:
                if self._tallies:
                    self._commit()  # a stage may switch activations where positions are asked for
                # Raises if the topic is gone or another one has its name; else the broker is only late.
                self._stage.begin_positions([source])
                self._reads_badly(source.topic, trouble.fault)
            case _:
                self._reads_badly(source.topic if source else "", trouble.fault)

    def _reads_badly(self, topic: str, fault: Fault) -> None:
        self._troubled.add(topic)
        self._observer.condition(f"reading:{topic}", fault)

    def _pass_gap(self, source: TopicPartition) -> None:
        """The position is outside of the log: finish what is open, then enter the gap, or stop."""
        if source not in self._positions:
            return
        if self._tallies:
            self._commit()
        position = self._positions[source]
        low, high = self._upstream.bounds(source)
        if position > high:
            raise truncated(source, position, high)
        if position < low:
            self._gaps[source] = Gap(position, low, "retention", low - position)
        self._upstream.seek({source: max(position, low)})

    def _enter_positions(self) -> None:
        """Open ledger entries for first positions and gaps; both are kept until they are committed."""
        for source in self._anchors - self._tallies.keys():
            self._tally(source)
        for source, gap in self._gaps.items():
            tally = self._tally(source)
            if gap not in tally.gaps:
                tally.gaps.append(gap)
                tally.next = gap.to
                self._observer.gap(source, gap)

    def _healed(self) -> None:
        if self._failures:
            self._failures = 0
            self._observer.condition("failing", None)
        for source in [s for s, until in self._narrow_until.items() if self._positions.get(s, until) >= until]:
            del self._narrow_until[source]
        if not self._narrow_until:
            self._narrow_records = 0

    def _recover(self, fault: WorldFault) -> None:
        """Give the transaction back, and wait a little before the next try unless that will go better."""
        is_narrowed = isinstance(fault, AbortRequired) and fault.record_at_fault and self._narrow(fault)
        self._give_back(fault)
        if not is_narrowed and not isinstance(fault, Halted | Superseded):
            self._wait_after(fault)

    def _wait_after(self, fault: Fault) -> None:
        self._failures += 1
        self._observer.condition("failing", fault)
        self._sleep(min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2 ** min(self._failures, 10)))

    def _narrow(self, fault: Fault) -> bool:
        """Read again in ever smaller transactions, until the record that cannot be written stands alone.

        False if that is done already: holding the record by reference was refused too.
        """
        if self._records > 1:
            self._narrow_records = max(1, self._records // NARROW_BY)
            for source, tally in self._tallies.items():
                self._narrow_until[source] = max(tally.next, self._narrow_until.get(source, 0))
            return True
        alone = {(source, tally.next - 1) for source, tally in self._tallies.items() if tally.read}
        is_new = bool(alone - self._refused)
        self._refused = alone
        for source, offset in alone:
            self._stage.refuse(source, offset, fault)
        return is_new

    def _give_back(self, fault: WorldFault) -> None:
        """Forget the open transaction at once, and mend as far as that goes now."""
        if not isinstance(fault, Superseded):
            self._observer.aborted(fault)
        damage = _Damage.TRANSACTION if self._tallies else _Damage.POSITIONS
        if isinstance(fault, ConnectionLost):
            damage = _Damage.PRODUCER
        self._damage = max(self._damage, damage)
        self._clear()
        self._stage.rolled_back()
        try:
            self._mend()
        except WorldFault as worse:
            if not _can_heal(worse):
                raise
            self._observer.condition("failing", worse)
            self._failures = max(self._failures, 1)

    def _mend(self) -> None:
        """End the transaction, replace the producer, go back: what is left of it. Raises what keeps it from that."""
        if self._damage is _Damage.TRANSACTION:
            try:
                self._down().abort()
                self._damage = _Damage.POSITIONS
            except Fenced:
                raise
            except WorldFault:
                self._damage = _Damage.PRODUCER
        if self._damage is _Damage.PRODUCER:
            if self._downstream is not None:
                broken, self._downstream = self._downstream, None
                broken.close()
            self._downstream = self._open_downstream()
            self._damage = _Damage.POSITIONS
        if self._damage is _Damage.POSITIONS:
            self._settle()
            self._rewind()
            self._damage = _Damage.NONE

    def _settle(self) -> None:
        """Learn whether the commit without an answer is in. Whoever was its successor has ended it by now."""
        if self._in_doubt is None:
            return
        entries, ends = self._in_doubt
        committed = self._upstream.committed(list(ends))
        found = {source: position.offset for source, position in committed.items() if position is not None}
        done = {source: end for source, end in ends.items() if found.get(source) == end and source in self._positions}
        self._move_on(done)
        self._in_doubt = None
        if done:
            self._observer.committed([entry for entry in entries if _source_of(entry) in done], 0.0)

    def _rewind(self) -> None:
        """Every partition and not only those in the transaction: a batch in hand may be of yet another one."""
        if self._positions:
            behind_gaps = {source: gap.to for source, gap in self._gaps.items()}
            self._upstream.seek({**self._positions, **behind_gaps})
            self._upstream.resume([source for source in self._positions if source.topic not in self._halted])

    def _down(self) -> Downstream:
        if self._downstream is None:
            raise InternalFault("WM-TRANSFER-CLOSED", "the transfer is not open", hint="Call run().")
        return self._downstream


class _Damage(IntEnum):
    """What a fault left broken; whoever mends it goes down from step to step."""

    NONE = 0
    POSITIONS = 1
    """The upstream may stand elsewhere than `_positions`."""
    TRANSACTION = 2
    """And the transaction is open."""
    PRODUCER = 3
    """And the producer is of no use."""


class _InDoubt(NamedTuple):
    """A commit that was asked for, while there is no answer."""

    entries: list[LedgerEntry]
    ends: dict[TopicPartition, int]


class Halted(AbortRequired):
    """The stage refused a batch: give the transaction back and pause its topic."""


def _can_heal(fault: WorldFault) -> bool:
    if isinstance(fault, Fenced):
        return False
    return fault.retriable or isinstance(fault, AbortRequired | ConnectionLost)


def _source_of(entry: LedgerEntry) -> TopicPartition:
    return TopicPartition(entry.topic, entry.partition)


def _lost_fault(partitions: Sequence[TopicPartition]) -> WorldFault:
    return WorldFault(
        "WM-GROUP-LOST",
        f"lost {len(partitions)} partitions to another member",
        hint="This worker was silent for longer than the session timeout; look for long pauses or starved CPUs.",
        retriable=True,
    )
