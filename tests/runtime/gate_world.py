"""A gate over a cluster in memory: landing topics, workers that are stepped by hand, a judge that looks at one byte."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.readers import MemoryClusterView, MemoryLedgerTail, MemoryLogReader
from watermaster.adapters.memory.registry import MemoryRegistry, MemorySchemas
from watermaster.adapters.memory.upstream import MemoryUpstream
from watermaster.adapters.memory.writers import MemoryDownstream
from watermaster.contract.activation import (
    Activation,
    activation_key,
    content_hash,
    contract_key,
    encode_activation,
)
from watermaster.contract.checks import Checks, Encoding, FieldCheck, HoldBudget, LogicalType
from watermaster.gate.framed import FramedJudge, FramedReader, is_framed
from watermaster.gate.ledger import Gap, LedgerEntry, decode_entry
from watermaster.gate.verdict import BrokenRule, Judge, Outcome, Verdict
from watermaster.runtime.configuration import GateConfiguration, Start, StreamConfiguration
from watermaster.runtime.contracts_in_force import ContractsInForce, InForce
from watermaster.runtime.gate import GateStage
from watermaster.runtime.gate_position import PositionKeeper
from watermaster.runtime.judging import Suspect
from watermaster.runtime.schema_shelf import SchemaShelf
from watermaster.runtime.stage import TransferSettings
from watermaster.runtime.transfer import Transfer
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, UsageFault

NO_BREAKER = HoldBudget(share=1.0, window=100, minimum=1)
BROKEN = b"broken"
"""A contract that cannot be compiled."""
HELD = BrokenRule("letter", "$", "rule.letter", "must be another letter")


def outcome(value: bytes | None, contract: bytes) -> Outcome:
    """The rule of every test contract: `h` is held, `d` dropped, and a letter that the contract names is held."""
    letter = (value or b"-")[:1]
    if letter == b"h" or letter in contract:
        return Outcome.HOLD
    return Outcome.DROP if letter == b"d" else Outcome.PASS


class LetterJudge:
    def __init__(self, contract: bytes) -> None:
        self._contract = contract

    def judge(
        self, keys: list[bytes | None], values: list[bytes | None], now_ms: int, headers: object = None
    ) -> dict[int, Verdict]:
        found = {}
        for index, value in reversed(list(enumerate(values))):  # in no helpful order, as lanes may do it
            what = outcome(value, self._contract)
            if what is not Outcome.PASS:
                found[index] = Verdict(what, (HELD,))
        return found


@dataclass
class Observed:
    """A `TransferObserver` that remembers."""

    entries: list[LedgerEntry] = field(default_factory=list)
    aborts: list[str] = field(default_factory=list)
    conditions: dict[str, str] = field(default_factory=dict)
    gaps: list[tuple[TopicPartition, Gap]] = field(default_factory=list)
    partitions: list[TopicPartition] = field(default_factory=list)
    lags: dict[TopicPartition, int] = field(default_factory=dict)

    def committed(self, entries: Sequence[LedgerEntry], seconds: float) -> None:
        self.entries += entries

    def aborted(self, fault: Fault) -> None:
        self.aborts.append(fault.code)

    def condition(self, name: str, fault: Fault | None) -> None:
        if fault is None:
            self.conditions.pop(name, None)
        else:
            self.conditions[name] = fault.code

    def gap(self, source: TopicPartition, gap: Gap) -> None:
        self.gaps.append((source, gap))

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        self.partitions = sorted(partitions)

    def behind(self, records: Mapping[TopicPartition, int]) -> None:
        self.lags = dict(records)


@dataclass
class Worker:
    transfer: Transfer
    upstream: MemoryUpstream
    stage: GateStage
    positions: PositionKeeper
    observed: Observed
    suspects: dict[TopicPartition, list[Suspect]]
    is_open: bool = False

    def step(self, times: int = 1) -> None:
        """Steps; the first one opens."""
        for _ in range(times):
            if not self.is_open:
                self.transfer.open()
                self.is_open = True
            self.transfer.step()

    def kill(self) -> None:
        """Die without a word: the transaction stays open, the group notices by itself."""
        self.upstream.lose()


class World:
    def __init__(
        self,
        landings: Mapping[str, int] | None = None,
        *,
        start: Start = Start.EARLIEST,
        budget: HoldBudget = NO_BREAKER,
        records_max: int = 10,
        ledger_partitions: int = 2,
        tells_at_once: bool = False,
        encoding: Encoding = Encoding.JSON,
    ) -> None:
        self.encoding = encoding
        self.registry = MemoryRegistry()
        self.schemas = MemorySchemas()
        self.clock = MemoryClock()
        self.cluster = MemoryCluster(self.clock)
        self.faults = self.cluster.faults
        self.landings = dict(landings or {"orders": 2})
        self.budget = budget
        self.records_max = records_max
        self.tells_at_once = tells_at_once
        streams = tuple(StreamConfiguration(name, f"trusted.{name}", "c.odcs.yaml") for name in self.landings)
        self.gate = GateConfiguration("g", "dev", streams, start=start)
        self.cluster.create_topic(self.gate.control)
        self.cluster.create_topic(self.gate.ledger, ledger_partitions)
        for stream in streams:
            count = self.landings[stream.landing]
            for topic in (stream.landing, stream.trusted, stream.quarantine):
                self.cluster.create_topic(topic, count)
            self.activate(stream.landing, b"contract")
        self.contracts: dict[str, bytes] = {}

    @property
    def sources(self) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number)
            for topic in self.landings
            for number in range(len(self.cluster.topics[topic].partitions))
        ]

    def activate(self, stream: str, letters: bytes) -> Activation:
        """Put a contract in force that holds these letters, too."""
        document = letters.upper() if letters == b"contract" else letters
        number = 1 + sum(
            (record.key or b"").startswith(f"activation/{stream}/".encode())
            for _, record in self.cluster.read(self.gate.control, 0)
        )
        activation = Activation(
            number=number,
            stream=stream,
            contract=content_hash(document),
            contract_id="c",
            contract_version=str(number),
            by="test",
            at_ms=0,
        )
        self.cluster.produce(self.gate.control, key=contract_key(activation.contract), value=document)
        self.cluster.produce(self.gate.control, key=activation_key(activation), value=encode_activation(activation))
        return activation

    def resume(self, stream: str, word: bytes = b"{}") -> None:
        self.cluster.produce(self.gate.control, key=f"resume/g/{stream}".encode(), value=word)

    def document(self, contract: str) -> bytes:
        key = contract_key(contract)
        return next(r.value or b"" for _, r in self.cluster.read(self.gate.control, 0) if r.key == key)

    def worker(self, slot: int = 0, *, accept_position: bool = False, commit_interval_s: float = 0.1) -> Worker:
        documents: dict[str, bytes] = {}

        def compile_checks(document: bytes, hash_: str, _schema: str | None) -> Checks:
            documents[hash_] = document
            if document == BROKEN:
                raise UsageFault("WM-CONTRACT-YAML-SYNTAX", "it cannot be read", hint="-")
            value = FieldCheck("", "$", LogicalType.ANY)
            return Checks("c", "1", hash_, "s", value, hold_budget=self.budget, encoding=self.encoding)

        observed = Observed()
        shelf = SchemaShelf(self.registry, self.schemas, self.clock, unknown_wait_s=60, report=observed.condition)

        def build_judge(checks: Checks) -> Judge:
            judge = LetterJudge(documents[checks.content_hash])
            return FramedJudge(FramedReader(checks, shelf.lookup), judge) if is_framed(checks) else judge

        contracts = ContractsInForce(
            MemoryLogReader(self.cluster, self.gate.control),
            dict.fromkeys(self.landings),
            compile_checks,
            build_judge,
            self.clock.sleep,
        )
        contracts.load()
        upstream = MemoryUpstream(self.cluster, self.gate.group_id)
        suspects: dict[TopicPartition, list[Suspect]] = {}
        positions = PositionKeeper(
            gate=self.gate,
            upstream=upstream,
            view=MemoryClusterView(self.cluster),
            ledger=MemoryLedgerTail(self.cluster, self.gate.ledger),
            contracts=contracts,
            clock=self.clock,
            suspected=suspects.__setitem__,
            sleep=self.clock.sleep,
            accept_position=accept_position,
        )
        positions.look()
        stage = GateStage(self.gate, contracts, positions, _judge, shelf)

        def open_downstream() -> MemoryDownstream:
            downstream = MemoryDownstream(self.cluster, f"g.test.{slot}", tells_at_once=self.tells_at_once)
            downstream.open()
            return downstream

        transfer = Transfer(
            upstream=upstream,
            open_downstream=open_downstream,
            stage=stage,
            clock=self.clock,
            observer=observed,
            settings=TransferSettings(commit_interval_s=commit_interval_s, records_max=self.records_max),
            sleep=self.clock.sleep,
        )
        return Worker(transfer, upstream, stage, positions, observed, suspects)

    # --- what has come of it ------------------------------------------------------------------------------------

    def committed(self, source: TopicPartition) -> int | None:
        position = self.cluster.group(self.gate.group_id).offsets.get(source)
        return None if position is None else position.offset

    def entries(self, source: TopicPartition) -> list[LedgerEntry]:
        partition = source.partition % len(self.cluster.topics[self.gate.ledger].partitions)
        found = [decode_entry(record.value or b"") for _, record in self.cluster.read(self.gate.ledger, partition)]
        return [e for e in found if e is not None and (e.topic, e.partition) == (source.topic, source.partition)]

    def values(self, topic: str, partition: int = 0) -> list[bytes | None]:
        return [record.value for _, record in self.cluster.read(topic, partition)]


def _judge(in_force: InForce, batch: RecordBatch, now_ms: int) -> dict[int, Verdict]:
    return in_force.judge.judge(batch.keys, batch.values, now_ms, batch.headers)
