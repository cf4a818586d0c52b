"""The gate as a stage of the transfer loop: landing -> verdicts -> trusted, quarantine, ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from watermaster.contract.activation import resumed_activation
from watermaster.gate.breaker import Breaker
from watermaster.gate.framed import is_framed, schema_ids
from watermaster.gate.ledger import LedgerEntry, PartitionTally
from watermaster.gate.schema import SchemaId
from watermaster.gate.verdict import PASSED, BrokenRule, Outcome, Severity, Verdict
from watermaster.quarantine.envelope import REFERENCE, Envelope, reference_facts
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.contracts_in_force import ContractsInForce, InForce
from watermaster.runtime.gate_position import PositionKeeper
from watermaster.runtime.ports import CommittedPosition, Output, Stamp
from watermaster.runtime.schema_ports import SchemaSupply
from watermaster.runtime.stage import Decisions, StartPosition
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import TopicPartition, coordinates_prefix
from watermaster.stream.fault import Fault, WorldFault

REFUSED_MAX = 10_000
"""Coordinates that the broker refused are remembered until they are committed; more means that a topic's settings
are wrong, and then the breaker or a person must act."""


@dataclass(slots=True)
class _Lane:
    """One landing topic: its contract in force, its breaker, and what is constant for each partition."""

    stream: StreamConfiguration
    in_force: InForce
    breaker: Breaker
    topic_id: str = ""
    heads: dict[int, bytes] = field(default_factory=dict)
    envelopes: dict[int, Envelope] = field(default_factory=dict)
    resume_word: bytes | None = None
    halted: bool = False
    may_go_on: bool = False
    """Since it was halted, another activation came into force, an operator gave a word, or its schemas are there."""
    awaited: frozenset[SchemaId] = frozenset()
    """Schemas that the registry could not tell; empty if it was not for them that it was halted."""


class GateStage:
    """Implements `transfer.Stage` for one gate."""

    def __init__(
        self,
        gate: GateConfiguration,
        contracts: ContractsInForce,
        positions: PositionKeeper,
        judge_batch: Callable[[InForce, RecordBatch, int], dict[int, Verdict]],
        schemas: SchemaSupply,
    ) -> None:
        self._gate = gate
        self._contracts = contracts
        self._positions = positions
        self._judge_batch = judge_batch
        self._schemas = schemas
        self._refused: dict[tuple[TopicPartition, int], Fault] = {}
        self._lanes: dict[str, _Lane] = {}
        for stream in gate.streams:
            in_force = contracts.newest(stream.landing)
            word = contracts.resume_word(gate.name, stream.landing)
            self._lanes[stream.landing] = _Lane(stream, in_force, _new_breaker(in_force, word), resume_word=word)

    @property
    def topics(self) -> Sequence[str]:
        """The landing topics."""
        return self._gate.landings

    # --- positions ----------------------------------------------------------------------------------------------

    def begin_positions(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, StartPosition]:
        """Where to begin, after every check that keeps the promise of no silent skip.

        Asked between transactions: the activation that an earlier owner judged by is switched to before the first read.
        """
        starts = self._positions.begin(partitions)
        for topic in {source.topic for source in partitions}:
            lane = self._lanes[topic]
            self._switch(topic, lane)
            if lane.topic_id != self._positions.topic_id(topic):
                lane.topic_id = self._positions.topic_id(topic)
                self._renew_constants(lane)
        return starts

    def position(self, source: TopicPartition, offset: int, leader_epoch: int) -> CommittedPosition:
        """An offset with the activation that judged up to it and the id of the topic it belongs to."""
        lane = self._lanes[source.topic]
        number = lane.in_force.activation.number
        return CommittedPosition(offset, number, lane.topic_id, ours=True, leader_epoch=leader_epoch)

    # --- judging ------------------------------------------------------------------------------------------------

    def decide(self, batch: RecordBatch, now_ms: int) -> Decisions:
        """Verdicts for the batch, turned into what to write."""
        lane = self._lanes[batch.source.topic]
        if lane.in_force.fault is not None:
            return _refuse_to_judge(batch.source.topic, lane)
        missing = self._await_schemas(lane, batch)
        if missing is not None:
            return missing
        partition = batch.source.partition
        number = lane.in_force.activation.number
        stamp = Stamp(self._head(lane, partition), b" 0 0 %d" % number)
        decisions = Decisions(target=lane.stream.trusted, stamp=stamp)
        verdicts = self._judge_batch(lane.in_force, batch, now_ms)
        uncarried = self._add_unforwardable(batch, verdicts)
        _count_rules(verdicts, decisions)
        self._withhold(lane, batch, verdicts, uncarried, decisions)
        if lane.breaker.observe(len(batch), decisions.held):
            lane.halted, lane.may_go_on = True, False
            decisions.halt = _breaker_fault(batch.source.topic, lane)
        return decisions

    def _await_schemas(self, lane: _Lane, batch: RecordBatch) -> Decisions | None:
        """None if every schema that the batch names is at hand; else its stream is halted: nothing is valid unread."""
        checks = lane.in_force.checks
        if not is_framed(checks):
            return None
        ids = schema_ids(checks, batch.keys, batch.values, batch.headers)
        try:
            self._schemas.fetch(ids)
        except WorldFault as fault:
            lane.halted, lane.may_go_on, lane.awaited = True, False, frozenset(ids)
            return _halted(lane, _schema_fault(batch.source.topic, fault))
        return None

    def _withhold(
        self,
        lane: _Lane,
        batch: RecordBatch,
        verdicts: dict[int, Verdict],
        uncarried: Mapping[int, str],
        decisions: Decisions,
    ) -> None:
        """Hold and drop; at 100 % held this is the hot loop, so what is constant is looked up once."""
        quarantine, partition, (head, tail) = lane.stream.quarantine, batch.source.partition, decisions.stamp
        held, dropped, append = Outcome.HOLD, Outcome.DROP, decisions.outputs.append
        envelope = self._envelope(lane, partition)
        for index in sorted(verdicts):  # quarantine and the ledger's ranges keep the order of the source
            verdict = verdicts[index]
            offset = batch.offsets[index]
            if verdict.outcome is held:
                coordinates = b"%b%d%b" % (head, offset, tail)
                if index in uncarried:
                    headers = _reference_headers(envelope, batch, index, verdict, coordinates, uncarried[index])
                    append(Output(quarantine, partition, None, None, None, headers))
                else:
                    headers = envelope.headers(batch.headers[index], verdict, offset, coordinates)
                    key, value, timestamp_ms = batch.keys[index], batch.values[index], batch.timestamps_ms[index]
                    append(Output(quarantine, partition, key, value, timestamp_ms, headers))
            elif verdict.outcome is dropped:
                decisions.dropped.append(offset)
            else:
                continue
            decisions.withheld.add(index)
        decisions.held = len(decisions.outputs)

    # --- what cannot be forwarded -------------------------------------------------------------------------------

    def _add_unforwardable(self, batch: RecordBatch, verdicts: dict[int, Verdict]) -> dict[int, str]:
        """Records that our client or the target topic cannot carry, passing or not: held by reference, and why."""
        suspects = set(batch.uncarriable)
        if 0 in batch.timestamps_ms:
            suspects.update(i for i, timestamp in enumerate(batch.timestamps_ms) if timestamp == 0)
        if self._refused:
            suspects.update(i for i, offset in enumerate(batch.offsets) if (batch.source, offset) in self._refused)
        reasons: dict[int, str] = {}
        for index in sorted(suspects):
            reasons[index] = reason = self._cannot_carry(batch, index) or ""
            already = verdicts.get(index, PASSED)
            broken = BrokenRule("operational.carry", "$", "operational.carry", reason)
            verdicts[index] = Verdict(Outcome.HOLD, (*already.broken, broken), operational=True)
        return reasons

    def _cannot_carry(self, batch: RecordBatch, index: int) -> str | None:
        if index in batch.uncarriable:
            return batch.uncarriable[index]
        if batch.timestamps_ms[index] == 0:
            return "the client would replace the timestamp 0 by the current time"
        if not self._refused:
            return None
        fault = self._refused.get((batch.source, batch.offsets[index]))
        return None if fault is None else f"the target topic refuses the record: {fault.message}"

    def refuse(self, source: TopicPartition, offset: int, fault: Fault) -> None:
        """The broker refused this record alone; it is held by reference when it is read again."""
        if len(self._refused) >= REFUSED_MAX:
            self._refused.clear()
        self._refused[source, offset] = fault

    # --- the ledger ---------------------------------------------------------------------------------------------

    def entry(self, tally: PartitionTally, now_ms: int) -> LedgerEntry:
        """The ledger entry of one source partition in this transaction."""
        lane = self._lanes[tally.source.topic]
        return tally.entry(
            gate=self._gate.name,
            cluster=self._positions.cluster_id,
            topic_id=lane.topic_id,
            activation=lane.in_force.activation.number,
            contract=lane.in_force.activation.contract,
            now_ms=now_ms,
        )

    def ledger_output(self, entry: LedgerEntry) -> tuple[str, int]:
        """The ledger partition of the source partition's number, modulo."""
        return self._gate.ledger, entry.partition % self._positions.ledger_partitions

    # --- between transactions -----------------------------------------------------------------------------------

    def refresh(self) -> Collection[str]:
        """Switch to new activations; say which halted topics may go on; look whether topics are still the same."""
        self._contracts.follow()
        self._positions.check_identity()
        return [topic for topic, lane in self._lanes.items() if self._renew(topic, lane)]

    def _renew(self, topic: str, lane: _Lane) -> bool:
        self._switch(topic, lane)
        word = self._contracts.resume_word(self._gate.name, topic)
        if word != lane.resume_word:
            lane.resume_word = word
            lane.breaker.excuse()
            lane.may_go_on = True
        if lane.awaited and self._schemas.is_ready(lane.awaited):
            lane.may_go_on = True
        released = lane.halted and lane.may_go_on
        if released:
            lane.awaited = frozenset()
        lane.halted = lane.halted and not released
        return released

    def _switch(self, topic: str, lane: _Lane) -> None:
        newest = self._contracts.newest(topic)
        if newest.activation.number != lane.in_force.activation.number:
            lane.in_force = newest
            lane.breaker = _new_breaker(newest, self._contracts.resume_word(self._gate.name, topic))
            lane.may_go_on = True
            self._renew_constants(lane)

    def rolled_back(self) -> None:
        """The batches of the aborted transaction will be judged again; they must not count twice."""
        for lane in self._lanes.values():
            lane.breaker.reset()

    def _renew_constants(self, lane: _Lane) -> None:
        lane.heads.clear()
        lane.envelopes.clear()

    def _head(self, lane: _Lane, partition: int) -> bytes:
        head = lane.heads.get(partition)
        if head is None:
            head = coordinates_prefix(self._positions.cluster_id, lane.topic_id, partition)
            lane.heads[partition] = head
        return head

    def _envelope(self, lane: _Lane, partition: int) -> Envelope:
        envelope = lane.envelopes.get(partition)
        if envelope is None:
            envelope = lane.envelopes[partition] = Envelope(
                gate=self._gate.name,
                topic=lane.stream.landing,
                partition=partition,
                contract=lane.in_force.activation.contract,
            )
        return envelope


def _count_rules(verdicts: Mapping[int, Verdict], decisions: Decisions) -> None:
    """Records by broken rule. Equal verdicts are mostly one object, so each is looked into once."""
    found = [verdicts[index] for index in sorted(verdicts)]
    different = {id(verdict): verdict for verdict in found}
    for identity, records in Counter(map(id, found)).items():
        for broken in different[identity].broken:
            totals = decisions.rules if broken.severity is Severity.ERROR else decisions.warnings
            totals[broken.rule] = totals.get(broken.rule, 0) + records


def _reference_headers(
    envelope: Envelope, batch: RecordBatch, index: int, verdict: Verdict, coordinates: bytes, reason: str
) -> RawHeaders:
    """Headers of a record that is held without its bytes."""
    headers = envelope.headers(None, verdict, batch.offsets[index], coordinates)
    facts = reference_facts(
        reason=reason,
        key_bytes=len(batch.keys[index] or b""),
        value_bytes=len(batch.values[index] or b""),
        timestamp_ms=batch.timestamps_ms[index],
        headers=len(batch.headers[index] or []),
    )
    headers.insert(-1, (REFERENCE, facts))
    return headers


def _new_breaker(in_force: InForce, word: bytes | None) -> Breaker:
    """A breaker for a new activation; an operator's word to just this one outlives a restart."""
    breaker = Breaker(in_force.checks.hold_budget)
    if resumed_activation(word) == in_force.activation.number:
        breaker.excuse()
    return breaker


def _refuse_to_judge(topic: str, lane: _Lane) -> Decisions:
    """Halt one stream whose contract cannot be compiled; the others of the gate go on."""
    lane.halted, lane.may_go_on = True, False
    cause = lane.in_force.fault
    because = "" if cause is None else f" ({cause.code}: {cause.message})"
    fault = WorldFault(
        "WM-CONTRACT-UNUSABLE",
        f"{topic}: activation {lane.in_force.activation.number} names a contract that this version cannot judge "
        f"by{because}; the stream is paused and nothing was committed",
        hint=f"Put a right contract in force with `watermaster contract activate {topic} --yes`, or go back with "
        "`--rollback-to`. The gate then goes on by itself.",
    )
    return _halted(lane, fault)


def _halted(lane: _Lane, fault: WorldFault) -> Decisions:
    return Decisions(target=lane.stream.trusted, stamp=Stamp(b"", b""), halt=fault)


def _schema_fault(topic: str, fault: WorldFault) -> WorldFault:
    return WorldFault(
        fault.code,
        f"{topic}: {fault.message}; the stream is paused and nothing was committed",
        hint=f"{fault.hint} The gate asks again at intervals and then goes on by itself.",
        retriable=True,
    )


def _breaker_fault(topic: str, lane: _Lane) -> WorldFault:
    budget = lane.breaker.budget
    return WorldFault(
        "WM-BREAKER-OPEN",
        f"{topic}: {lane.breaker.share:.0%} of the last records break the contract, more than the budget of "
        f"{budget.share:.0%}; the gate is paused and nothing was committed",
        hint="Look at `watermaster gate --observe`; put a right contract in force with `contract activate`, or let the "
        f"stream go on with `watermaster gate resume {topic} --yes`.",
    )
