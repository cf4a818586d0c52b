"""The transactional transfer loop: the one way in which records move.

    read a batch -> stage.decide -> outputs + one ledger entry per source partition + source offsets, one transaction

Invariant: an offset is committed only in the transaction that holds its outputs and its ledger entry.
Invariant: a position moves only by reading or by a gap that the ledger names.
Invariant: no transaction spans a change of assignment: it is finished on revoke and aborted on lost.

What faults break, and how it is made good again, stands in `mending`; how a record that cannot be written is found, in
`narrowing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from watermaster.gate.ledger import Gap, LedgerEntry, PartitionTally, encode_entry, ledger_key
from watermaster.runtime.crash_points import CrashPoint, reach
from watermaster.runtime.mending import Damage, Mending, can_heal, source_of
from watermaster.runtime.narrowing import Narrowing
from watermaster.runtime.ports import (
    AbortRequired,
    Clock,
    Downstream,
    Output,
    Superseded,
    Trouble,
    TroubleKind,
    Upstream,
)
from watermaster.runtime.progress import Progress
from watermaster.runtime.set_aside import SetAside, unreadable
from watermaster.runtime.stage import Stage, TransferObserver, TransferSettings, truncated
from watermaster.runtime.transaction import Transaction
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, InternalFault, WorldFault

BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 10.0
"""A broken outside is asked again at most this often; the alarm is raised at the first failure."""

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
        self._stage = stage
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._sleep = sleep
        self._progress = Progress()
        self._transaction = Transaction()
        self._narrowing = Narrowing(stage)
        self._mending = Mending(upstream, open_downstream, observer, self._progress)
        self._failures = 0
        self._measured_s = 0.0
        self._troubled: set[str] = set()
        self._aside = SetAside()

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
        self._mending.open()
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
        self._mending.close()

    def _guarded(self, action: Callable[[], None]) -> None:
        """Mend what the last fault left broken, then act. What can heal by itself ends here, the rest is raised."""
        try:
            self._mending.mend()
            action()
        except WorldFault as fault:
            if not can_heal(fault):
                raise
            self._recover(fault)

    def _step(self) -> None:
        result = self._upstream.read(self._room(), self._patience_s())
        if self._mending.damage is not Damage.NONE:
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
        if self._transaction.is_open and self._is_due():
            self._commit()
        if not self._transaction.is_open:
            self._refresh()

    def _finish(self) -> None:
        if self._transaction.is_open:
            self._commit()

    def _room(self) -> int:
        return max(1, self._records_max() - self._transaction.records)

    def _records_max(self) -> int:
        return self._narrowing.records or self._settings.records_max

    def _patience_s(self) -> float:
        if not self._transaction.is_open:
            return IDLE_READ_S
        return max(0.0, self._settings.commit_interval_s - (self._clock.monotonic_s() - self._transaction.began_s))

    def _is_due(self) -> bool:
        return (
            self._clock.monotonic_s() - self._transaction.began_s >= self._settings.commit_interval_s
            or self._transaction.records >= self._records_max()
            or self._transaction.bytes >= self._settings.bytes_max
        )

    def _refresh(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._measured_s >= LAG_INTERVAL_S:
            self._measured_s = now_s
            self._observer.behind(self._upstream.behind(self._progress.positions))
        self._read_from_position(self._aside.take_due(now_s))
        released = self._progress.halted.intersection(self._stage.refresh())
        if released:
            self._progress.halted -= released
            self._read_from_position([source for source in self._progress.positions if source.topic in released])
            for topic in released:
                self._observer.condition(f"halted:{topic}", None)

    def _read_from_position(self, waiting: list[TopicPartition]) -> None:
        """Let paused partitions go on from where they stand."""
        if waiting:
            positions = self._progress.read_positions()
            self._upstream.seek({source: positions[source] for source in waiting})
            self._upstream.resume(waiting)

    def _keep_halted(self) -> None:
        if self._progress.halted:  # a rebalance may have brought partitions of a halted topic
            self._upstream.pause([tp for tp in self._progress.positions if tp.topic in self._progress.halted])

    # --- one transaction ----------------------------------------------------------------------------------------

    def _tally(self, source: TopicPartition) -> PartitionTally:
        if not self._transaction.is_open:
            generation = self._upstream.generation()
            self._mending.downstream.begin()
            self._transaction.begin(generation, self._clock.monotonic_s(), self._clock.now_ms())
        return self._transaction.tally(source, self._progress.positions[source])

    def _take(self, batch: RecordBatch) -> None:
        source, progress = batch.source, self._progress
        if source not in progress.positions or source.topic in progress.halted or source in self._aside:
            return  # fetched before a pause or a rebalance; it will be read again from the position
        tally = self._tally(source)
        if batch.offsets[0] < tally.next:
            raise InternalFault(
                "WM-TRANSFER-ORDER",
                f"{source}: read offset {batch.offsets[0]} after position {tally.next}",
                hint="Nothing was committed. Restart the gate; report this with the log if it comes back.",
            )
        self._reads_again(source)
        decisions = self._stage.decide(batch, self._transaction.now_ms)
        if decisions.halt is not None:
            self._halt(source.topic, decisions.halt)
            return
        # Before writing: a refusal must find the records that it may concern.
        self._transaction.count(tally, batch, decisions)
        down = self._mending.downstream
        down.forward(decisions.target, batch, decisions.withheld, decisions.stamp)
        if decisions.outputs:
            down.write(decisions.outputs)

    def _reads_again(self, source: TopicPartition) -> None:
        if self._aside.reads_again(source):
            self._observer.condition(f"reading:{source}", None)
        if self._troubled:
            for name in {source.topic, ""} & self._troubled:
                self._troubled.discard(name)
                self._observer.condition(f"reading:{name}", None)

    def _halt(self, topic: str, fault: Fault) -> None:
        """Give back the whole transaction and pause one topic: its records stay where they are."""
        self._progress.halted.add(topic)
        self._observer.condition(f"halted:{topic}", fault)
        self._upstream.pause([tp for tp in self._progress.positions if tp.topic == topic])
        raise Halted(fault.code, fault.message, hint=fault.hint, retriable=True)

    def _commit(self) -> None:
        entries = [self._stage.entry(tally, self._transaction.now_ms) for tally in self._transaction.tallies.values()]
        self._mending.downstream.write([self._ledger_record(entry) for entry in entries])
        reach(CrashPoint.AFTER_PRODUCE)
        ends = self._transaction.ends()
        epochs = {source: tally.leader_epoch for source, tally in self._transaction.tallies.items()}
        positions = {source: self._stage.position(source, end, epochs[source]) for source, end in ends.items()}
        self._mending.doubt(entries, ends)
        try:
            self._mending.downstream.commit(positions, self._transaction.generation)
        except AbortRequired:
            self._mending.trust()  # the answer has come, and it is no
            raise
        reach(CrashPoint.AFTER_COMMIT)
        self._progress.move_on(ends)
        self._mending.trust()
        self._observer.committed(entries, self._clock.monotonic_s() - self._transaction.began_s)
        self._transaction.clear()
        self._healed()

    def _ledger_record(self, entry: LedgerEntry) -> Output:
        topic, partition = self._stage.ledger_output(entry)
        return Output(topic, partition, ledger_key(source_of(entry)), encode_entry(entry), None, [])

    # --- assignment (called by the upstream inside `read`) ------------------------------------------------------

    def on_assign(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Take over partitions at the committed position; a gap before it is entered in the next transaction."""
        reach(CrashPoint.IN_ASSIGN)
        starts = self._stage.begin_positions(partitions)
        self._progress.begin(starts)
        self._observer.assigned(self._progress.positions.keys())
        return {source: start.offset for source, start in starts.items()}

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Finish the open transaction while the partitions are still ours."""
        reach(CrashPoint.IN_REVOKE)
        try:
            if self._mending.damage is Damage.NONE:
                self._enter_positions()
            if self._transaction.is_open:
                self._commit()
        except WorldFault as fault:
            self._forget(partitions)
            if not can_heal(fault):
                raise
            self._give_back(fault)
        self._forget(partitions)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Another member has them already: what we began must not be committed."""
        self._forget(partitions)
        if self._transaction.is_open:
            self._give_back(_lost_fault(partitions))

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        self._progress.forget(partitions)
        self._narrowing.forget(partitions)
        for source in self._aside.forget(partitions):
            self._observer.condition(f"reading:{source}", None)
        self._observer.assigned(self._progress.positions.keys())

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
                raise truncated(source, self._progress.positions.get(source, 0), self._upstream.bounds(source)[1])
            case TroubleKind.UNREADABLE if source is not None and source in self._progress.positions:
                self._set_aside(source, trouble.fault)
            case TroubleKind.UNKNOWN if source is not None and source in self._progress.positions:
                if self._transaction.is_open:
                    self._commit()  # a stage may switch activations where positions are asked for
                # Raises if the topic is gone or another one has its name; else the broker is only late.
                self._stage.begin_positions([source])
                self._reads_badly(source.topic, trouble.fault)
            case _:
                self._reads_badly(source.topic if source else "", trouble.fault)

    def _set_aside(self, source: TopicPartition, cause: Fault) -> None:
        self._aside.add(source, self._clock.monotonic_s())
        self._upstream.pause([source])
        self._observer.condition(f"reading:{source}", unreadable(source, self._progress.positions[source], cause))

    def _reads_badly(self, topic: str, fault: Fault) -> None:
        self._troubled.add(topic)
        self._observer.condition(f"reading:{topic}", fault)

    def _pass_gap(self, source: TopicPartition) -> None:
        """The position is outside of the log: finish what is open, then enter the gap, or stop."""
        if source not in self._progress.positions:
            return
        if self._transaction.is_open:
            self._commit()
        position = self._progress.positions[source]
        low, high = self._upstream.bounds(source)
        if position > high:
            raise truncated(source, position, high)
        if position < low:
            self._progress.gaps[source] = Gap(position, low, "retention", low - position)
        self._upstream.seek({source: max(position, low)})

    def _enter_positions(self) -> None:
        """Open ledger entries for first positions and gaps; both are kept until they are committed."""
        for source in self._progress.anchors - self._transaction.tallies.keys():
            self._tally(source)
        for source, gap in self._progress.gaps.items():
            tally = self._tally(source)
            if gap not in tally.gaps:
                tally.gaps.append(gap)
                tally.next = gap.to
                self._observer.gap(source, gap)

    def _healed(self) -> None:
        if self._failures:
            self._failures = 0
            self._observer.condition("failing", None)
        self._narrowing.healed(self._progress.positions)

    def _recover(self, fault: WorldFault) -> None:
        """Give the transaction back, and wait a little before the next try unless that will go better."""
        blames_record = isinstance(fault, AbortRequired) and fault.record_at_fault
        is_narrowed = blames_record and self._narrowing.narrow(self._transaction, fault)
        self._give_back(fault)
        if not is_narrowed and not isinstance(fault, Halted | Superseded):
            self._wait_after(fault)

    def _wait_after(self, fault: Fault) -> None:
        self._failures += 1
        self._observer.condition("failing", fault)
        self._sleep(min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2 ** min(self._failures, 10)))

    def _give_back(self, fault: WorldFault) -> None:
        """Forget the open transaction at once, and mend as far as that goes now."""
        if not isinstance(fault, Superseded):
            self._observer.aborted(fault)
        self._mending.suffer(fault, in_transaction=self._transaction.is_open)
        self._transaction.clear()
        self._stage.rolled_back()
        try:
            self._mending.mend()
        except WorldFault as worse:
            if not can_heal(worse):
                raise
            self._observer.condition("failing", worse)
            self._failures = max(self._failures, 1)


class Halted(AbortRequired):
    """The stage refused a batch: give the transaction back and pause its topic."""


def _lost_fault(partitions: Sequence[TopicPartition]) -> WorldFault:
    return WorldFault(
        "WM-GROUP-LOST",
        f"lost {len(partitions)} partitions to another member",
        hint="This worker was silent for longer than the session timeout; look for long pauses or starved CPUs.",
        retriable=True,
    )
