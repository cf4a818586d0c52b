"""A quarantine in memory, with replays that may be made to fail, die, or meet each other at any call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

from gate_world import LetterJudge

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.faults import FaultPlan
from watermaster.adapters.memory.readers import MemoryHoldReader, MemoryLogReader
from watermaster.adapters.memory.writers import MemoryDownstream
from watermaster.contract.activation import (
    Activation,
    activation_key,
    content_hash,
    contract_key,
    encode_activation,
)
from watermaster.contract.checks import Checks, FieldCheck, HoldBudget, LogicalType
from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.quarantine.envelope import Envelope
from watermaster.quarantine.held import Adoption
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.lifecycle import Actor, Hold, State, Step
from watermaster.quarantine.selection import Selection
from watermaster.runtime.contracts_in_force import ContractsInForce, InForce
from watermaster.runtime.hold_states import read_states
from watermaster.runtime.judging import Death
from watermaster.runtime.replay import Replay
from watermaster.runtime.replay_judgement import Amend, Choice, FateJudge, Judgement, NothingStale, as_it_is
from watermaster.runtime.replay_order import ReplayOrder
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import RESERVED_HEADER, Coordinates, TopicPartition, decode_coordinates
from watermaster.stream.fault import Fault

LANDING, TRUSTED, QUARANTINE, HOLDS, CONTROL, REPAIR = "orders", "trusted", "dlq.orders", "holds", "control", "repair"
PARTITIONS = 2
TRANSACTION_TIMEOUT_S = 10.0
RULE = BrokenRule("letter", "$", "rule.letter", "must be another letter")
BY = Actor("User:anna", "anna")


class KilledReplay(BaseException):
    """The process is gone; nothing of it runs any more."""


class Alone:
    """An `IsolatedJudge` that judges by the same letters."""

    def judge_one(
        self, in_force: InForce, key: bytes | None, value: bytes | None, now_ms: int, headers: RawHeaders | None = None
    ) -> Verdict | Death:
        return in_force.judge.judge([key], [value], now_ms, [headers]).get(0, Verdict(Outcome.PASS))


class MortalDownstream(MemoryDownstream):
    """The producer of a process that may die: a dead one does nothing more, least of all abort."""

    def __init__(self, world: ReplayWorld, transactional_id: str) -> None:
        super().__init__(world.cluster, transactional_id)
        self._world = world

    def _call(self, name: str) -> AbstractContextManager[None]:
        if self._world.is_dead:
            raise KilledReplay
        return super()._call(name)


class ReplayWorld:
    def __init__(self, *, record_bytes_max: int = 1_000_000) -> None:
        self.clock = MemoryClock()
        self.cluster = MemoryCluster(self.clock, FaultPlan())
        self.reader = MemoryHoldReader(self.cluster)
        for topic in (LANDING, QUARANTINE):
            self.cluster.create_topic(topic, PARTITIONS)
        for topic in (TRUSTED, REPAIR):
            self.cluster.create_topic(topic, PARTITIONS, record_bytes_max)
        self.cluster.create_topic(HOLDS)  # one partition for the states of both
        self.cluster.create_topic(CONTROL)
        self.topic_id = self.cluster.topics[LANDING].topic_id
        self.adoption = Adoption(self.cluster.cluster_id, {LANDING: self.topic_id})
        self.is_dead = False
        self.slept_s = 0.0
        self.activations = 0
        self.activate(b"contract")
        self.held: dict[tuple[int, int], bytes | None] = {}

    def activate(self, letters: bytes) -> None:
        """Put a contract in force that holds these letters beside `h`, and drops `d`."""
        self.activations += 1
        document = letters.upper() if letters == b"contract" else letters
        made = Activation(
            number=self.activations,
            stream=LANDING,
            contract=content_hash(document),
            contract_id="c",
            contract_version=str(self.activations),
            by="test",
            at_ms=0,
        )
        self.cluster.produce(CONTROL, key=contract_key(made.contract), value=document)
        self.cluster.produce(CONTROL, key=activation_key(made), value=encode_activation(made))

    def hold(
        self,
        partition: int,
        offset: int,
        value: bytes | None,
        key: bytes | None = b"k",
        original: RawHeaders | None = None,
        verdict: Verdict = Verdict(Outcome.HOLD, (RULE,)),  # noqa: B008 - a value
    ) -> None:
        """The gate has held this record."""
        stamp = Coordinates(self.cluster.cluster_id, self.topic_id, partition, offset, 0, 0, 1).encode()
        envelope = Envelope(gate="g", topic=LANDING, partition=partition, contract="sha256:old")
        headers = envelope.headers(original, verdict, offset, stamp)
        self.cluster.produce(QUARANTINE, partition, key=key, value=value, timestamp_ms=7, headers=headers)
        self.held[partition, offset] = value

    def sleep(self, seconds: float) -> None:
        """Let time pass, and with it the patience of the transaction coordinator."""
        self.clock.sleep(seconds)
        self.slept_s += seconds
        if self.slept_s > TRANSACTION_TIMEOUT_S:
            self.slept_s = 0.0
            self.cluster.time_out_transactions()

    def kill(self) -> Fault:
        """As a planned fault: the process that makes the call dies."""
        self.is_dead = True
        raise KilledReplay

    def contracts(self) -> ContractsInForce:
        documents: dict[str, bytes] = {}

        def compile_checks(document: bytes, hash_: str, _schema: str | None) -> Checks:
            documents[hash_] = document
            value = FieldCheck("", "$", LogicalType.ANY)
            return Checks("c", "1", hash_, "s", value, hold_budget=HoldBudget(share=1.0, window=100, minimum=1))

        contracts = ContractsInForce(
            MemoryLogReader(self.cluster, CONTROL),
            {LANDING: None},
            compile_checks,
            lambda checks: LetterJudge(documents[checks.content_hash]),
            self.clock.sleep,
        )
        contracts.load()
        return contracts

    def order(self, step: Step = Step.REPLAY, *, target: str = TRUSTED, records_max: int = 3) -> ReplayOrder:
        return ReplayOrder(
            gate="g",
            stream=LANDING,
            quarantine=QUARANTINE,
            target=target,
            is_repair=target != TRUSTED,
            holds=HOLDS,
            by=BY,
            why="test",
            step=step,
            records_max=records_max,
        )

    def judgement(
        self, selection: Selection | None = None, *, attempts_max: int = 10, amend: Amend = as_it_is
    ) -> Judgement:
        choice = Choice(self.adoption, selection or Selection(), attempts_max)
        return Judgement(choice, amend, NothingStale(), skip_stale=False, isolated=Alone())

    def replay(
        self,
        order: ReplayOrder | None = None,
        judgement: FateJudge | None = None,
        on_open: Callable[[], object] = lambda: None,
    ) -> Replay:
        def open_downstream(transactional_id: str) -> MemoryDownstream:
            downstream = MortalDownstream(self, transactional_id)
            downstream.open()
            on_open()
            return downstream

        return Replay(
            order=order or self.order(),
            judgement=judgement or self.judgement(),
            reader=self.reader,
            contracts=self.contracts(),
            open_downstream=open_downstream,
            clock=self.clock,
            sleep=self.sleep,
        )

    def run(self, order: ReplayOrder | None = None, judgement: FateJudge | None = None) -> Replay:
        replay = self.replay(order, judgement)
        replay.run(range(PARTITIONS))
        return replay

    # --- what has come of it ------------------------------------------------------------------------------------

    def outputs(self, topic: str = TRUSTED) -> Counter[tuple[int, int]]:
        """How often a topic holds each source record."""
        found: Counter[tuple[int, int]] = Counter()
        for partition in range(PARTITIONS):
            for _, record in self.cluster.read(topic, partition):
                name, value = (record.headers or [])[-1]
                place = decode_coordinates(value)
                assert name == RESERVED_HEADER
                assert place is not None
                assert place.partition == partition
                assert place.attempt > 0
                assert record.value == self.held[place.partition, place.offset]
                found[place.partition, place.offset] += 1
        return found

    def state(self, partition: int, offset: int) -> Hold:
        states = read_states(self.reader, TopicPartition(HOLDS, 0), self.clock.sleep)
        return states.find(HoldKey(self.cluster.cluster_id, self.topic_id, partition, offset, 0, "g"))

    def states(self) -> dict[tuple[int, int], State]:
        return {place: self.state(*place).state for place in self.held}
