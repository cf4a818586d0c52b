"""Quarantine joined to real Kafka: what is opened for looking, and for each verb that changes something."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from confluent_kafka import KafkaError

from watermaster.adapters.kafka.audit_reader import KafkaAuditReader
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.downstream import KafkaDownstream
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import KafkaLogReader
from watermaster.adapters.sandbox.judge_process import JudgeProcess
from watermaster.adapters.system_clock import SystemClock
from watermaster.contract.checks import Checks
from watermaster.gate.judge import build_stream_judge
from watermaster.quarantine.held import Adoption, NotHeld, QuarantineRecord, read_whole
from watermaster.quarantine.lifecycle import Actor
from watermaster.quarantine.selection import Selection
from watermaster.runtime.configuration import (
    Configuration,
    GateConfiguration,
    QuarantineConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.contracts_in_force import Contracts, ContractsInForce
from watermaster.runtime.crash_points import perhaps_crashing
from watermaster.runtime.hold_index_ports import IndexedHold
from watermaster.runtime.hold_survey import Survey, Surveyed
from watermaster.runtime.letter_ledger import missing_letters
from watermaster.runtime.schema_shelf import SchemaShelf, fetching_judge
from watermaster.stream.fault import Fault, UsageFault, WorldFault
from watermaster.wiring.adopted_contracts import adopted_contracts
from watermaster.wiring.contract import compile_checks
from watermaster.wiring.registry import reading_shelf, registry_of

ANONYMOUS = "User:ANONYMOUS"
"""Kafka's own name for who has not logged in."""


@dataclass(slots=True)
class QuarantineDesk:
    """A gate's quarantine or an adopted one, opened: reader, contracts, and who sits here."""

    configuration: Configuration
    gate: GateConfiguration | QuarantineConfiguration
    settings: Mapping[str, Any]
    reader: KafkaAuditReader
    actor: Actor
    adoption: Adoption
    clock: SystemClock
    isolated: JudgeProcess
    schemas: SchemaShelf
    announced: dict[str, KafkaDownstream] = field(default_factory=dict)

    @property
    def adopted(self) -> QuarantineConfiguration | None:
        """The configuration of an adopted quarantine; None for a gate's."""
        return self.gate if isinstance(self.gate, QuarantineConfiguration) else None

    def contracts(self) -> Contracts:
        """The contracts in force now; raises UsageFault where a gate's stream has none."""
        if isinstance(self.gate, QuarantineConfiguration):
            return adopted_contracts(self.configuration, self.gate, self.settings, translate, self.schemas)
        contracts = ContractsInForce(
            KafkaLogReader(self.settings, self.gate.control, translate),
            {stream.landing: stream.schema_object for stream in self.gate.streams},
            compile_checks,
            lambda checks: perhaps_crashing(fetching_judge(checks, self.schemas)),
            time.sleep,
        )
        contracts.load()
        return contracts

    def announce_downstream(self, transactional_id: str) -> None:
        """`open_downstream` will soon be asked for this id: it is taken meanwhile."""
        self.announced[transactional_id] = downstream = self._downstream(transactional_id)
        downstream.announce()

    def open_downstream(self, transactional_id: str) -> KafkaDownstream:
        """A producer that has taken this id: older owners are fenced, and what they left open is ended."""
        downstream = self.announced.pop(transactional_id, None) or self._downstream(transactional_id)
        try:
            downstream.open()
        except BaseException:
            downstream.close()
            raise
        return downstream

    def _downstream(self, transactional_id: str) -> KafkaDownstream:
        return KafkaDownstream(
            self.settings,
            transactional_id,
            translate,
            transaction_timeout_s=self.gate.transaction_timeout_ms / 1000,
        )

    def survey(self) -> Survey:
        """A pass over held records with their states."""
        return Survey(self.reader, self.adoption, self.gate.holds, time.sleep)

    def partitions(self, topic: str) -> Sequence[int]:
        """The partitions of a topic. Raises WorldFault if it is not there."""
        found = self.reader.topics([topic])
        if topic not in found:
            raise missing_letters(topic)
        return range(found[topic].partitions)


@contextmanager
def open_desk(configuration: Configuration, name: str) -> Iterator[QuarantineDesk]:
    """Open the quarantine of a gate, or an adopted one; everything is closed at the end.

    Reads only, until a downstream is opened.
    """
    gate = configuration.gates.get(name) or configuration.quarantines[name]
    settings = connect(configuration.clusters[gate.cluster]).settings
    reader = KafkaAuditReader(settings)
    cluster = configuration.clusters[gate.cluster]
    schemas = reading_shelf(gate.cluster, registry_of(configuration, cluster))
    isolated = JudgeProcess(build_stream_judge, perhaps_crashing, pick=schemas.pick)
    announced: dict[str, KafkaDownstream] = {}
    try:
        yield QuarantineDesk(
            configuration=configuration,
            gate=gate,
            settings=settings,
            reader=reader,
            actor=Actor(principal_of(settings), getpass.getuser()),
            adoption=_adoption(gate, reader),
            clock=SystemClock(),
            isolated=isolated,
            schemas=schemas,
            announced=announced,
        )
    finally:
        for downstream in announced.values():
            downstream.close()
        isolated.close()
        reader.close()


def _adoption(gate: GateConfiguration | QuarantineConfiguration, reader: KafkaAuditReader) -> Adoption:
    if isinstance(gate, QuarantineConfiguration):
        return Adoption(reader.cluster_id(), {}, gate.dialect, gate.mapping)
    names = [stream.landing for stream in gate.streams]
    return Adoption(reader.cluster_id(), {name: state.topic_id for name, state in reader.topics(names).items()})


def walk_held(
    desk: QuarantineDesk,
    streams: Sequence[StreamConfiguration] | None,
    selection: Selection,
    after: tuple[str, int, int] | None = None,
    survey: Survey | None = None,
) -> Iterator[Surveyed]:
    """Held records of these streams that a selection means; a topic that streams share is walked once.

    `streams` None means all that lies on an adopted topic. `after` is the quarantine topic, partition and offset of the
    last one that was seen; `survey` counts on.
    """
    walker = survey or desk.survey()
    topics, meant = meant_topics(desk, streams, selection)
    begin = topics.index(after[0]) if after is not None and after[0] in topics else 0
    for topic in topics[begin:]:
        numbers, starts = desk.partitions(topic), {}
        if after is not None and topic == after[0]:
            numbers = [number for number in numbers if number >= after[1]]
            starts = {after[1]: after[2] + 1}
        yield from walker.walk(topic, numbers, meant, starts)


def meant_topics(
    desk: QuarantineDesk, streams: Sequence[StreamConfiguration] | None, selection: Selection
) -> tuple[Sequence[str], Selection]:
    """The quarantine topics of these streams in their order, and the selection within them; of all with None."""
    topics = [desk.adopted.topic] if desk.adopted else []
    topics = topics or list(dict.fromkeys(stream.quarantine for stream in streams or ()))
    return topics, selection if streams is None else replace(selection, streams=sources_of(desk, streams))


def sources_of(desk: QuarantineDesk, streams: Sequence[StreamConfiguration]) -> tuple[str, ...]:
    """The source topics of these streams as held records name them.

    What names no source is named by where it lies. It is meant with the stream whose quarantine that is; of an adopted
    topic with several sources nobody can say which one that would be.
    """
    names = [stream.landing for stream in streams]
    if desk.adopted is None or len(desk.adopted.sources) == 1:
        names += [stream.quarantine for stream in streams]
    return tuple(dict.fromkeys(names))


def walk_checked(
    desk: QuarantineDesk, streams: Sequence[StreamConfiguration] | None, selection: Selection
) -> Iterator[tuple[Surveyed, Checks]]:
    """As `walk_held`, each with the contract that says what of it may be seen; stream by stream."""
    contracts = desk.contracts()
    if desk.adopted is not None:
        for found in walk_held(desk, streams, selection):
            yield found, contracts.current(found.held.stream).checks
        return
    for stream in streams or ():
        checks = contracts.current(stream.landing).checks
        for found in walk_held(desk, [stream], selection):
            yield found, checks


def find_held(
    desk: QuarantineDesk, streams: Sequence[StreamConfiguration] | None, partition: int, offset: int
) -> tuple[Surveyed, Checks]:
    """The held record of these source coordinates. Raises UsageFault if none or several of the streams have one."""
    selection = Selection(partitions=(partition,), offsets=(offset,))
    alone = desk.adopted is None and len(streams or ()) == 1  # what a gate holds of one stream stands there once
    found = list(islice(walk_checked(desk, streams, selection), 1 if alone else 2))
    only_one(desk, len(found), partition, offset)
    return found[0]


def only_one(desk: QuarantineDesk, found: int, partition: int, offset: int) -> None:
    """Raises UsageFault unless exactly one record was found at these source coordinates."""
    if found != 1:
        raise UsageFault(
            "WM-HELD-PLACE",
            f"{'several' if found else 'none'} of {', '.join(desk.gate.landings) or desk.gate.name} "
            f"hold a record {partition}:{offset}",
            hint="Name the stream with --stream." if found else "`quarantine list` shows what is held.",
        )


def read_at(desk: QuarantineDesk, known: IndexedHold) -> Surveyed | None:
    """A held record whole, from the place where it lies; None if it is there no more."""
    place, at = known.held.place, known.held.place_offset
    for step in desk.reader.scan(place, at, at + 1):
        batch = step.batch
        for offset, at_ms, key, value, headers in zip(
            batch.offsets, batch.timestamps_ms, batch.keys, batch.values, batch.headers, strict=True
        ):
            record = QuarantineRecord(place, offset, at_ms, key, value, headers or [])
            read = read_whole(record, desk.adoption)
            if offset == at and not isinstance(read, NotHeld):
                return Surveyed(read[0], known.hold, record, read[1])
    return None


def principal_of(settings: Mapping[str, Any]) -> str:
    """The Kafka principal of these client settings, as far as a client can know it."""
    name = settings.get("sasl.username")
    if name:
        return f"User:{name}"
    return "User:(client certificate)" if settings.get("security.protocol") == "ssl" else ANONYMOUS


def looked_at(desk: QuarantineDesk, named: str | None) -> tuple[StreamConfiguration, ...] | None:
    """What a looking command shows: the streams that are meant, or None for all that lies on an adopted topic.

    There, letters may come from sources that nobody has listed.
    """
    return None if desk.adopted is not None and named is None else choose_streams(desk.gate, named)


def choose_streams(
    gate: GateConfiguration | QuarantineConfiguration, named: str | None
) -> tuple[StreamConfiguration, ...]:
    """All streams of a gate, or the one that is named by its landing, trusted or quarantine topic."""
    if named is None:
        return gate.streams
    found = tuple(s for s in gate.streams if named in (s.landing, s.trusted, s.quarantine))
    if not found:
        raise UsageFault(
            "WM-STREAM-NAME",
            f"{gate.name} has no stream {named!r}; it has {', '.join(gate.landings) or 'none'}",
            hint="Name the landing (or source), trusted or quarantine topic as it stands in watermaster.yaml.",
        )
    return found


def translate(error: KafkaError) -> Fault:
    """A client's error as a fault of ours."""
    fault = translate_error(error)
    if fault.code == "WM-KAFKA-UNKNOWN-TOPIC":  # a client whose connections break may say so of a topic that is there
        return WorldFault(fault.code, fault.message, hint=fault.hint, retriable=True)
    return fault
