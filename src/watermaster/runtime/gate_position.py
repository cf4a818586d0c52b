"""Where a gate begins to read, and the proof that it skips nothing.

Three witnesses are compared on every assignment: the committed offset with its metadata (activation, topic id), the
newest ledger entry of the partition, and the log as the broker has it. They agree, or there is a reason that can be
written down as a gap, or the gate stops and asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watermaster.gate.ledger import Gap, LedgerEntry, decode_entry
from watermaster.runtime.configuration import GateConfiguration, Start
from watermaster.runtime.contracts_in_force import ContractsInForce
from watermaster.runtime.judging import Suspect, suspects_in
from watermaster.runtime.ports import Clock, ClusterView, CommittedPosition, LedgerTail, LogRecord, TopicFacts, Upstream
from watermaster.runtime.stage import StartPosition, rewritten, truncated
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault, WorldFault

LEDGER_TRIES = 150
LEDGER_PAUSE_S = 0.2
"""Half a minute for the ledger to show what a committed offset promises. A transaction's markers land partition by
partition, so the offsets may show first; waiting takes as long as the leader of the ledger's partition is away."""

IDENTITY_INTERVAL_S = 10.0
"""How often a running gate asks whether its topics are still the same ones and have the same partitions."""


@dataclass(slots=True)
class PositionKeeper:
    """Decides start positions for one gate and watches the identity of its topics."""

    gate: GateConfiguration
    upstream: Upstream
    view: ClusterView
    ledger: LedgerTail
    contracts: ContractsInForce
    clock: Clock
    suspected: Callable[[TopicPartition, list[Suspect]], None]
    sleep: Callable[[float], None]
    accept_position: bool = False
    """An operator has moved the committed offset on purpose; the difference is entered as a gap."""
    cluster_id: str = ""
    ledger_partitions: int = 1
    _facts: dict[str, TopicFacts] = field(default_factory=dict)
    _checked_s: float = 0.0

    def look(self) -> None:
        """Learn the topics; raises if one is missing or the partition counts disagree."""
        self.cluster_id = self.view.cluster_id()
        self._facts = dict(self._look_at_topics())
        self.ledger_partitions = self._facts[self.gate.ledger].partitions
        self._checked_s = self.clock.monotonic_s()

    def topic_id(self, topic: str) -> str:
        """The id of a landing topic, as first seen."""
        return self._facts[topic].topic_id

    def begin(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, StartPosition]:
        """The start of each partition. Raises a fault where a person must decide."""
        self._check_topics()
        committed = self.upstream.committed(partitions)
        tails = self._ledger_tails(committed)
        entries = {source: _newest(records) for source, records in tails.items()}
        for source, records in tails.items():
            self.suspected(source, suspects_in(records))
        starts = {source: self._begin_one(source, committed[source], entries[source]) for source in partitions}
        self._check_epochs(committed)
        return starts

    def _check_epochs(self, committed: Mapping[TopicPartition, CommittedPosition | None]) -> None:
        """The log may have been cut off, and have grown past our position again, while nobody read."""
        known = {source: position for source, position in committed.items() if position and position.leader_epoch >= 0}
        if self.accept_position or not known:
            return
        found = self.upstream.epochs_before({source: position.offset for source, position in known.items()})
        for source, epoch in found.items():
            if epoch > known[source].leader_epoch:
                raise rewritten(source, known[source].offset)

    def _ledger_tails(
        self, committed: Mapping[TopicPartition, CommittedPosition | None]
    ) -> Mapping[TopicPartition, Sequence[LogRecord]]:
        """The ledger's newest records, once it shows every entry whose offsets are committed."""
        tails = dict(self.ledger.last_records(list(committed)))
        for _ in range(LEDGER_TRIES):
            late = [source for source, position in committed.items() if _is_ahead(position, _newest(tails[source]))]
            if not late:
                break
            self.sleep(LEDGER_PAUSE_S)
            tails.update(self.ledger.last_records(late))
        return tails

    def check_identity(self) -> None:
        """From time to time: are the topics still the same, and are there as many partitions in trusted?"""
        now_s = self.clock.monotonic_s()
        if now_s - self._checked_s >= IDENTITY_INTERVAL_S:
            self._checked_s = now_s
            self._check_topics()

    def _begin_one(
        self, source: TopicPartition, committed: CommittedPosition | None, entry: LedgerEntry | None
    ) -> StartPosition:
        if entry is not None and entry.topic_id != self.topic_id(source.topic):
            raise _recreated(source.topic)
        if committed is None:
            return self._begin_without_commit(source, entry)
        if committed.ours:
            if committed.topic_id != self.topic_id(source.topic):
                raise _recreated(source.topic)
            self.contracts.require(source.topic, committed.activation)
        if entry is not None and entry.to != committed.offset:
            return self._begin_moved(source, committed.offset, entry.to)
        return self._within_log(source, committed.offset)

    def _begin_without_commit(self, source: TopicPartition, entry: LedgerEntry | None) -> StartPosition:
        low, high = self.upstream.bounds(source)
        if entry is not None:
            if not self.accept_position:
                raise WorldFault(
                    "WM-OFFSET-EXPIRED",
                    f"{source}: the group has no committed offset, but the ledger ends at {entry.to}",
                    hint="The broker has deleted the group's offsets (7 days without a member). Start the gate with "
                    "`--accept-position` to go on where the ledger ends.",
                )
            return replace(self._within_log(source, entry.to), is_first=True)
        # Never seen by this gate: a new partition is read from its start, whatever `start` says for new topics.
        new_partition = self.gate.start is Start.LATEST and not self._is_first_start(source.topic)
        return StartPosition(low if self.gate.start is Start.EARLIEST or new_partition else high, is_first=True)

    def _is_first_start(self, topic: str) -> bool:
        sources = [TopicPartition(topic, number) for number in range(self._facts[topic].partitions)]
        return all(position is None for position in self.upstream.committed(sources).values())

    def _begin_moved(self, source: TopicPartition, committed: int, ledger_end: int) -> StartPosition:
        if not self.accept_position or committed < ledger_end:
            raise WorldFault(
                "WM-OFFSET-MOVED",
                f"{source}: the committed offset is {committed}, but the ledger ends at {ledger_end}",
                hint="Somebody has reset the group's offset. Reading again would double records, reading on would skip "
                "them. Reset it to the ledger's end, or, to skip on purpose, start with `--accept-position`.",
            )
        return StartPosition(committed, Gap(ledger_end, committed, "moved", committed - ledger_end))

    def _within_log(self, source: TopicPartition, position: int) -> StartPosition:
        low, high = self.upstream.bounds(source)
        if position > high:
            raise truncated(source, position, high)
        if position < low:
            return StartPosition(low, Gap(position, low, "retention", low - position))
        return StartPosition(position)

    def _check_topics(self) -> None:
        for topic, facts in self._look_at_topics().items():
            if topic in self.gate.landings and facts.topic_id != self._facts[topic].topic_id:
                raise _recreated(topic)

    def _look_at_topics(self) -> Mapping[str, TopicFacts]:
        names = [self.gate.ledger]
        for stream in self.gate.streams:
            names += [stream.landing, stream.trusted, stream.quarantine]
        facts = self.view.topics(names)
        for name in names:
            if name not in facts:
                raise UsageFault(
                    "WM-TOPIC-MISSING",
                    f"the topic {name} does not exist, or this principal may not see it",
                    hint=f"See what the gate needs with `watermaster gate topics {self.gate.name}`.",
                )
        for stream in self.gate.streams:
            self._compare_partitions(facts, stream.landing, stream.trusted)
            self._compare_partitions(facts, stream.landing, stream.quarantine)
        return facts

    def _compare_partitions(self, facts: Mapping[str, TopicFacts], landing: str, target: str) -> None:
        if facts[landing].partitions > facts[target].partitions:
            raise UsageFault(
                "WM-TOPIC-PARTITIONS",
                f"{target} has {facts[target].partitions} partitions, {landing} has {facts[landing].partitions}",
                hint="A record keeps its partition number. Expand the target first: "
                f"`watermaster gate topics {self.gate.name} --yes`.",
            )


def _is_ahead(committed: CommittedPosition | None, entry: LedgerEntry | None) -> bool:
    """Only of our own commits there must be an entry; somebody else's offset will never have one."""
    return committed is not None and committed.ours and entry is not None and committed.offset > entry.to


def _newest(records: Sequence[LogRecord]) -> LedgerEntry | None:
    for record in reversed(records):
        entry = decode_entry(record.value) if record.value is not None else None
        if entry is not None:
            return entry
    return None


def _recreated(topic: str) -> WorldFault:
    return WorldFault(
        "WM-TOPIC-RECREATED",
        f"{topic} was deleted and created again: it is another topic with the same name",
        hint="Nothing of the new topic was read. If that is wanted, start a gate with another name, or delete the "
        "group's offsets and the ledger of this gate.",
    )
