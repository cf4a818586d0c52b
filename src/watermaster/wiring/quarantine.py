"""Quarantine joined to real Kafka: what is opened for looking, and for each verb that changes something."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from watermaster.gate.judge import build_judge
from watermaster.quarantine.held import Adoption
from watermaster.quarantine.lifecycle import Actor
from watermaster.quarantine.selection import Selection
from watermaster.runtime.configuration import Configuration, GateConfiguration, StreamConfiguration
from watermaster.runtime.contracts_in_force import ContractsInForce
from watermaster.runtime.crash_points import perhaps_crashing
from watermaster.runtime.hold_survey import Survey, Surveyed
from watermaster.stream.fault import Fault, UsageFault, WorldFault
from watermaster.wiring.contract import compile_checks

ANONYMOUS = "User:ANONYMOUS"
"""Kafka's own name for who has not logged in."""


@dataclass(slots=True)
class QuarantineDesk:
    """One gate's quarantine, opened: reader, contracts in force, and who sits here."""

    gate: GateConfiguration
    settings: Mapping[str, Any]
    reader: KafkaAuditReader
    actor: Actor
    adoption: Adoption
    clock: SystemClock
    isolated: JudgeProcess

    def contracts(self) -> ContractsInForce:
        """The contracts in force now; raises UsageFault where a stream has none."""
        contracts = ContractsInForce(
            KafkaLogReader(self.settings, self.gate.control, translate),
            {stream.landing: stream.schema_object for stream in self.gate.streams},
            compile_checks,
            lambda checks: perhaps_crashing(build_judge(checks)),
            time.sleep,
        )
        contracts.load()
        return contracts

    def open_downstream(self, transactional_id: str) -> KafkaDownstream:
        """A producer that has taken this id: older owners are fenced, and what they left open is ended."""
        downstream = KafkaDownstream(
            self.settings,
            transactional_id,
            translate,
            transaction_timeout_s=self.gate.transaction_timeout_ms / 1000,
        )
        downstream.open()
        return downstream

    def survey(self) -> Survey:
        """A pass over held records with their states."""
        return Survey(self.reader, self.adoption, self.gate.holds, time.sleep)

    def partitions(self, topic: str) -> Sequence[int]:
        """The partitions of a topic. Raises WorldFault if it is not there."""
        found = self.reader.topics([topic])
        if topic not in found:
            raise WorldFault(
                "WM-QUARANTINE-TOPIC",
                f"the quarantine topic {topic} is not there, or this login may not see it",
                hint="`watermaster gate topics` shows what a gate needs.",
            )
        return range(found[topic].partitions)


@contextmanager
def open_desk(configuration: Configuration, gate_name: str) -> Iterator[QuarantineDesk]:
    """Open a gate's quarantine; everything is closed at the end. Reads only, until a downstream is opened."""
    gate = configuration.gates[gate_name]
    settings = connect(configuration.clusters[gate.cluster]).settings
    reader = KafkaAuditReader(settings)
    isolated = JudgeProcess(build_judge, perhaps_crashing)
    try:
        names = [stream.landing for stream in gate.streams]
        ids = {name: state.topic_id for name, state in reader.topics(names).items()}
        yield QuarantineDesk(
            gate=gate,
            settings=settings,
            reader=reader,
            actor=Actor(principal_of(settings), getpass.getuser()),
            adoption=Adoption(reader.cluster_id(), ids),
            clock=SystemClock(),
            isolated=isolated,
        )
    finally:
        isolated.close()
        reader.close()


def walk_held(
    desk: QuarantineDesk,
    streams: Sequence[StreamConfiguration],
    selection: Selection,
    after: tuple[str, int, int] | None = None,
    survey: Survey | None = None,
) -> Iterator[Surveyed]:
    """Held records of these streams that a selection means; a topic that streams share is walked once.

    `after` is the quarantine topic, partition and offset of the last one that was seen; `survey` counts on.
    """
    walker = survey or desk.survey()
    topics = list(dict.fromkeys(stream.quarantine for stream in streams))
    sources = tuple(name for stream in streams for name in (stream.landing, stream.quarantine))
    meant = replace(selection, streams=sources)
    begin = topics.index(after[0]) if after is not None and after[0] in topics else 0
    for topic in topics[begin:]:
        numbers, starts = desk.partitions(topic), {}
        if after is not None and topic == after[0]:
            numbers = [number for number in numbers if number >= after[1]]
            starts = {after[1]: after[2] + 1}
        yield from walker.walk(topic, numbers, meant, starts)


def find_held(
    desk: QuarantineDesk, streams: Sequence[StreamConfiguration], partition: int, offset: int
) -> tuple[StreamConfiguration, Surveyed]:
    """The held record of these source coordinates. Raises UsageFault if none or several of the streams have one."""
    selection = Selection(partitions=(partition,), offsets=(offset,))
    found = [(stream, held) for stream in streams for held in islice(walk_held(desk, [stream], selection), 1)]
    if len(found) != 1:
        raise UsageFault(
            "WM-HELD-PLACE",
            f"{len(found) or 'none'} of {', '.join(s.landing for s in streams)} hold a record {partition}:{offset}",
            hint="Name the stream with --stream." if found else "`quarantine list` shows what is held.",
        )
    return found[0]


def principal_of(settings: Mapping[str, Any]) -> str:
    """The Kafka principal of these client settings, as far as a client can know it."""
    name = settings.get("sasl.username")
    if name:
        return f"User:{name}"
    return "User:(client certificate)" if settings.get("security.protocol") == "ssl" else ANONYMOUS


def choose_streams(gate: GateConfiguration, named: str | None) -> tuple[StreamConfiguration, ...]:
    """All streams of a gate, or the one that is named by its landing, trusted or quarantine topic."""
    if named is None:
        return gate.streams
    found = tuple(s for s in gate.streams if named in (s.landing, s.trusted, s.quarantine))
    if not found:
        raise UsageFault(
            "WM-STREAM-NAME",
            f"the gate {gate.name} has no stream {named!r}; it has {', '.join(gate.landings)}",
            hint="Name the landing, trusted or quarantine topic as it stands in watermaster.yaml.",
        )
    return found


def translate(error: KafkaError) -> Fault:
    """A client's error as a fault of ours."""
    fault = translate_error(error)
    if fault.code == "WM-KAFKA-UNKNOWN-TOPIC":  # a client whose connections break may say so of a topic that is there
        return WorldFault(fault.code, fault.message, hint=fault.hint, retriable=True)
    return fault
