"""Replay: held records judged again by the contract in force, and written on with their new state, exactly once.

For one quarantine partition at a time:

    take the transactional id -> read all states -> read the partition -> judge -> output + state, one transaction

The transactional id is that of the quarantine partition, so of two replays of one partition the older is fenced, and
the newer reads what the older has committed before it writes. There are no source offsets: a record's state says that
it is done. So a replay may be killed anywhere and run again, and running it twice adds nothing.

Invariant: an output of a replay stands in the transaction of its state, and nowhere else.
Invariant: nothing is produced into landing, and no record on the quarantine topic is altered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from watermaster.quarantine.held import HeldRecord
from watermaster.quarantine.hold_record import Account, encode_hold
from watermaster.quarantine.lifecycle import Hold, Move, Refusal, Step, advance
from watermaster.runtime.contracts_in_force import Contracts
from watermaster.runtime.crash_points import CrashPoint, reach
from watermaster.runtime.hold_states import HoldReader, HoldStates, read_states
from watermaster.runtime.judged import Fate, Judged
from watermaster.runtime.ports import AbortRequired, Clock, ConnectionLost, Downstream, Fenced, Output, Stamp
from watermaster.runtime.replay_judgement import FateJudge
from watermaster.runtime.replay_order import ReplayOrder
from watermaster.runtime.replay_tally import ReplayTally
from watermaster.runtime.stretch import Stretch
from watermaster.stream.coordinates import RESERVED_HEADER, Coordinates, TopicPartition, coordinates_prefix
from watermaster.stream.fault import InternalFault, WorldFault

TRIES_MAX: Final = 8
"""Failures in a row before a person is told; each began again from the states."""
BACKOFF_S: Final = 0.5
NARROW_BY: Final = 8
"""A transaction that was refused because of one of its records is tried again in parts of this size."""


class Replay:
    """One order, carried out partition by partition. Single-threaded."""

    def __init__(
        self,
        *,
        order: ReplayOrder,
        judgement: FateJudge,
        reader: HoldReader,
        contracts: Contracts,
        open_downstream: Callable[[str], Downstream],
        clock: Clock,
        sleep: Callable[[float], object],
        on_progress: Callable[[ReplayTally], None] = lambda _: None,
        announce: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`announce` is told which transactional id will be opened next, so that nobody has to wait for it then."""
        self._order = order
        self._judgement = judgement
        self._reader = reader
        self._contracts = contracts
        self._open_downstream = open_downstream
        self._clock = clock
        self._sleep = sleep
        self._on_progress = on_progress
        self._announce = announce
        self.tally = ReplayTally()
        self._open: dict[bytes, None] = {}
        """Keys of the open transaction's holds, in order, and what will have been done when it is committed."""
        self._pending = ReplayTally()
        self._outputs: list[Output] = []
        """Of the open transaction, and not yet handed over."""
        self._records_max = _transaction_size(order)
        self._refused: set[bytes] = set()
        self._told: set[int] = set()
        """Hashes of the keys of others' letters that are counted: whoever writes one twice has one record."""
        self._now_ms = self._activation = 0
        """Of the batch at hand: when and by which activation it was judged."""
        self._advanced: dict[tuple[object, ...], tuple[Hold, bytes] | None] = {}
        """Records of a batch that end alike share their state."""
        self._is_batch_begun = False
        """Whether the states are no more what they were when the batch at hand was judged."""
        self._bytes = 0
        """Of what was read since the open transaction began."""
        self._next_id: str | None = None
        """To be announced once this partition is under way."""
        self._began_s = 0.0
        self._written = 0
        self._began_all_s = clock.monotonic_s()

    def run(self, partitions: Sequence[int]) -> ReplayTally:
        """Replay what is chosen in these partitions of the quarantine. Raises `Fenced` if another replay takes over.

        Raises also what cannot heal by itself; everything that was committed stays, and running again goes on.
        """
        for at, partition in enumerate(partitions):
            self._next_id = self._id_behind(partitions, at)
            self._partition(TopicPartition(self._order.quarantine, partition))
        self.tally.seconds = self._clock.monotonic_s() - self._began_all_s
        return self.tally

    def _partition(self, where: TopicPartition) -> None:
        failures = 0
        while True:
            committed = self.tally.transactions
            try:
                self._attempt(where)
            except Fenced:
                raise
            except WorldFault as fault:
                if not (fault.retriable or isinstance(fault, AbortRequired | ConnectionLost)):
                    raise
                failures = 1 if self.tally.transactions > committed else failures + 1
                if failures > TRIES_MAX:
                    raise
                self._narrow(fault)
                self._sleep(BACKOFF_S * failures)
            else:
                return

    def _id_behind(self, partitions: Sequence[int], at: int) -> str | None:
        """Of the partition that comes next; None where it is the same, which would fence ourselves."""
        if self._order.is_adopted or at + 1 == len(partitions):
            return None
        return self._order.transactional_id(partitions[at + 1])

    def _attempt(self, where: TopicPartition) -> None:
        """One pass over the partition with a producer of its own; states tell what an earlier pass has done."""
        self._open, self._outputs, self._pending = {}, [], ReplayTally()
        holds = self._holds_partition(where)
        downstream = self._open_downstream(self._order.transactional_id(where.partition))
        try:
            states = read_states(self._reader, holds, self._sleep)
            reach(CrashPoint.IN_ASSIGN)
            if self._next_id is not None:
                self._announce(self._next_id)
                self._next_id = None
            for found in self._judged(where, states):
                for judged in found:
                    if isinstance(judged, Stretch):
                        self._take_stretch(judged, states, holds, downstream)
                    else:
                        self._take(judged, states, holds, downstream)
                self._flush(downstream)
                if self._is_due():
                    self._commit(downstream)
            self._commit(downstream)
        except BaseException:
            if self._open:  # readers of the target would wait for the broker to end it
                with suppress(WorldFault):
                    downstream.abort()
            raise
        finally:
            downstream.close()

    def _judged(self, where: TopicPartition, states: HoldStates) -> Iterator[list[Judged | Stretch]]:
        bounds = self._reader.bounds([where])[where]
        for step in self._reader.scan(where, bounds.start, bounds.end):
            reach(CrashPoint.AFTER_POLL)
            self._contracts.follow()
            in_force = self._contracts.current(self._order.stream)
            self._now_ms, self._activation = self._clock.now_ms(), in_force.activation.number
            self._advanced.clear()
            self._is_batch_begun = False
            self._bytes = step.batch.bytes + (self._bytes if self._open else 0)
            yield self._judgement.judge(step.batch, states, in_force, self._now_ms)

    def _take(self, judged: Judged, states: HoldStates, holds: TopicPartition, downstream: Downstream) -> None:
        key = judged.key
        if key in self._open or (self._order.is_adopted and hash(key) in self._told):
            return
        step = Step.FAIL_REPLAY if key in self._refused else self._step(judged)
        if step is None:
            self.tally.add(judged)  # nothing is written of it
            if self._order.is_adopted:
                self._told.add(hash(key))
            return
        if states.find_written(key) != judged.hold:
            return  # a quarantine may hold one source record twice: this batch had both, and the first is committed
        advanced = self._advance(judged, step)
        if advanced is None:
            return
        hold, value = advanced
        self._begin(downstream)
        note = Output(holds.topic, holds.partition, key, value, None, [])
        if step is Step.REPLAY:
            self._outputs.append(self._output(judged, hold))
        self._outputs.append(note)
        states.take(key, value)
        self._open[key] = None
        self._pending.add(judged)
        if len(self._open) >= self._records_max:
            self._commit(downstream)

    def _take_stretch(
        self, stretch: Stretch, states: HoldStates, holds: TopicPartition, downstream: Downstream
    ) -> None:
        step = self._step(stretch.like)
        if self._order.is_adopted or self._refused or self._is_taken(stretch, states):
            for judged in stretch.apart():
                self._take(judged, states, holds, downstream)
            return
        if step is None:
            self.tally.add(stretch.like, len(stretch))  # nothing is written of it
            return
        advanced = self._advance(stretch.like, step)
        at = 0
        while advanced is not None and at < len(stretch):
            part = stretch.part(at, at + self._records_max - len(self._open))
            self._begin(downstream)
            states.take_alike(part.keys, advanced[1])
            self._open.update(dict.fromkeys(part.keys))  # before writing: a refusal must find what it may concern
            self._pending.add(part.like, len(part))
            self._write_alike(part, step, advanced, holds, downstream)
            at += len(part)
            if len(self._open) >= self._records_max:
                self._commit(downstream)

    def _is_taken(self, stretch: Stretch, states: HoldStates) -> bool:
        """Whether some of these holds have another state by now: a quarantine may hold one source record twice."""
        keys = stretch.keys
        different = dict.fromkeys(keys)
        return (
            len(different) < len(keys)
            or not self._open.keys().isdisjoint(different)
            or (self._is_batch_begun and states.values(keys).count(stretch.written) < len(keys))
        )

    def _write_alike(
        self, part: Stretch, step: Step, advanced: tuple[Hold, bytes], holds: TopicPartition, downstream: Downstream
    ) -> None:
        self._flush(downstream)  # what was taken before it stands before it
        hold, value = advanced
        if step is Step.REPLAY:
            key, stamp = part.like.held.key, self._stamp(part.like, hold)
            head = coordinates_prefix(key.cluster_id, key.topic_id, key.partition)
            tail = b" %d %d %d" % (stamp.attempt, stamp.ordinal, stamp.activation)
            batch = part.as_source(self._order.target, self._partition_of(part.like.held))
            downstream.forward(self._order.target, batch, (), Stamp(head, tail))
        downstream.write_alike(holds, part.keys, value)

    def _begin(self, downstream: Downstream) -> None:
        self._is_batch_begun = True
        if not self._open:
            downstream.begin()
            self._began_s = self._clock.monotonic_s()

    def _step(self, judged: Judged) -> Step | None:
        match judged.fate:
            case Fate.PASSES:
                return Step.REPLAY
            case Fate.FAILS:
                return Step.FAIL_REPLAY
            case Fate.CHOSEN:
                return self._order.step
            case _:
                return None

    def _advance(self, judged: Judged, step: Step) -> tuple[Hold, bytes] | None:
        """The new state and how it is written; None if the life-cycle refuses the step."""
        held = judged.held
        alike = (step, judged.hold, judged.fix, judged.broken, held.stream, held.contract, held.activation)
        if alike not in self._advanced:
            hold = advance(judged.hold, self._move(judged, step), self._judgement.attempts_max)
            self._advanced[alike] = None if isinstance(hold, Refusal) else (hold, encode_hold(hold, account_of(held)))
        return self._advanced[alike]

    def _move(self, judged: Judged, step: Step) -> Move:
        rules = ", ".join(dict.fromkeys(broken.rule for broken in judged.broken))
        return Move(
            step,
            self._order.by,
            self._now_ms,
            f"still breaks {rules}" if step is Step.FAIL_REPLAY and rules else self._order.why,
            fix=judged.fix or self._order.fix,
            activation=self._activation if step in (Step.REPLAY, Step.FAIL_REPLAY) else 0,
            target=self._order.target if self._order.is_repair else "",
        )

    def _output(self, judged: Judged, hold: Hold) -> Output:
        record = judged.after
        if record is None:
            raise InternalFault("WM-REPLAY-RECORD", "a record without bytes passed", hint="Report this.")
        headers = [*record.headers, (RESERVED_HEADER, self._stamp(judged, hold).encode())]
        return Output(
            self._order.target, self._partition_of(judged.held), record.key, record.value, record.timestamp_ms, headers
        )

    def _stamp(self, judged: Judged, hold: Hold) -> Coordinates:
        key = judged.held.key
        return Coordinates(
            key.cluster_id,
            key.topic_id,
            key.partition,
            key.offset,
            judged.attempt + 1,
            key.ordinal,
            hold.activation,
            judged.fix,
        )

    def _partition_of(self, held: HeldRecord) -> int:
        if held.origin is not None or not self._order.target_partitions:
            return held.key.partition
        return held.key.partition % self._order.target_partitions

    def _is_due(self) -> bool:
        return bool(self._open) and (
            self._bytes >= self._order.bytes_max or self._clock.monotonic_s() - self._began_s >= self._order.interval_s
        )

    def _flush(self, downstream: Downstream) -> None:
        if self._outputs:
            downstream.write(self._outputs)
            self._outputs = []

    def _commit(self, downstream: Downstream) -> None:
        if not self._open:
            return
        self._flush(downstream)
        reach(CrashPoint.AFTER_PRODUCE)
        downstream.commit({}, None)
        reach(CrashPoint.AFTER_COMMIT)
        self._written += len(self._open)
        if self._order.is_adopted:
            self._told.update(map(hash, self._open))
        self._pending.transactions = 1
        self.tally.merge(self._pending)
        self._open, self._pending, self._bytes = {}, ReplayTally(), 0
        self._on_progress(self.tally)
        self._hold_back()

    def _hold_back(self) -> None:
        """Keep to the rate over all that has been written."""
        if self._order.rate_max:
            due_s = self._began_all_s + self._written / self._order.rate_max
            self._sleep(max(0.0, due_s - self._clock.monotonic_s()))

    def _narrow(self, fault: WorldFault) -> None:
        """A record that the broker refuses is found in ever smaller transactions, and fails its attempt."""
        if not (isinstance(fault, AbortRequired) and fault.record_at_fault):
            return
        if len(self._open) > 1:
            self._records_max = max(1, len(self._open) // NARROW_BY)
        elif self._open:
            self._refused.add(next(iter(self._open)))
            self._records_max = _transaction_size(self._order)

    def _holds_partition(self, where: TopicPartition) -> TopicPartition:
        found = self._reader.topics([self._order.holds])
        if self._order.holds not in found:
            raise missing_holds(self._order.holds)
        return holds_partition(self._order.holds, found[self._order.holds].partitions, where.partition)


def holds_partition(topic: str, partitions: int, quarantine_partition: int) -> TopicPartition:
    """Where the states of a quarantine partition stand."""
    return TopicPartition(topic, quarantine_partition % partitions)


def missing_holds(topic: str) -> WorldFault:
    """States have no home."""
    return WorldFault(
        "WM-HOLDS-TOPIC",
        f"the topic {topic} is not there, or this login may not see it",
        hint="`watermaster gate topics --yes` creates it, `quarantine adopt --yes` that of an adopted quarantine.",
    )


def account_of(held: HeldRecord) -> Account:
    """Under which terms the ledger counts a held record."""
    return Account(held.stream, held.contract or "", held.activation or 0)


def _transaction_size(order: ReplayOrder) -> int:
    if not order.rate_max:
        return order.records_max
    return max(1, min(order.records_max, int(order.rate_max * order.interval_s)))
