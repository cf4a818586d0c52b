"""Unmasking joined to real Kafka: the event that is written before anything is shown, and the chain of all events."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from watermaster.adapters.kafka.audit_reader import KafkaAuditReader
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.downstream import KafkaDownstream
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.contract.checks import Checks, FieldCheck, KeyCheck, LogicalType
from watermaster.quarantine.held import HeldRecord
from watermaster.quarantine.selection import Selection
from watermaster.quarantine.unmasking import Chain, Unmasking, chosen_words
from watermaster.runtime.configuration import Configuration, StreamConfiguration
from watermaster.runtime.topic_needs import desired_audit
from watermaster.runtime.topic_plan import CreateTopic
from watermaster.runtime.unmasking import read_chain, record_unmasking
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault
from watermaster.wiring.quarantine import QuarantineDesk, translate

TRANSACTION_TIMEOUT_S = 15.0


def unmask_one(desk: QuarantineDesk, held: HeldRecord, why: str) -> None:
    """Write down that this record is shown in clear. Raises a fault if that cannot be written: then show nothing."""
    _record(desk, why, record=held.key.encode().decode())


def unmask_many(
    desk: QuarantineDesk, streams: Sequence[StreamConfiguration] | None, selection: Selection, why: str
) -> Selection:
    """Write down that what is selected is shown in clear; returns the selection bound to what lies there now.

    Raises as `unmask_one` does.
    """
    topics = {stream.quarantine for stream in streams or ()} or ({desk.adopted.topic} if desk.adopted else set())
    below = {}
    for topic in sorted(topics):
        places = [TopicPartition(topic, number) for number in desk.partitions(topic)]
        bounds = desk.reader.bounds(places)
        below[topic] = [bounds[place].end for place in places]
    chosen = chosen_words(selection, below)
    if streams is not None:
        chosen["streams"] = [stream.landing for stream in streams]
    _record(desk, why, chosen=chosen)
    return dataclasses.replace(selection, below=below)


def in_clear(checks: Checks) -> Checks:
    """The same contract with nothing classified: for who may see it all."""
    return dataclasses.replace(checks, value=FieldCheck("", "$", LogicalType.ANY), key=KeyCheck())


def _record(desk: QuarantineDesk, why: str, record: str = "", chosen: dict[str, Any] | None = None) -> None:
    if not why.strip():
        raise UsageFault("WM-UNMASK-WHY", "unmasking needs a reason", hint="Say --why in a few words.")
    event = Unmasking(
        number=0,
        before="",
        at_ms=desk.clock.now_ms(),
        principal=desk.actor.principal,
        system_user=desk.actor.system_user,
        quarantine=desk.gate.name,
        why=why,
        record=record,
        chosen=chosen or {},
    )

    def open_downstream(transactional_id: str) -> KafkaDownstream:
        downstream = KafkaDownstream(
            desk.settings, transactional_id, translate, transaction_timeout_s=TRANSACTION_TIMEOUT_S
        )
        downstream.open()
        return downstream

    topic = desk.configuration.clusters[desk.gate.cluster].audit
    record_unmasking(event, topic, desk.reader, open_downstream, time.sleep)


def read_unmaskings(configuration: Configuration, cluster: str) -> Chain:
    """All events of a cluster, verified. Raises a fault where there is no such topic."""
    chosen = configuration.clusters[cluster]
    reader = KafkaAuditReader(connect(chosen).settings)
    try:
        return read_chain(reader, chosen.audit, time.sleep)
    finally:
        reader.close()


def create_audit(configuration: Configuration, cluster: str, *, yes: bool) -> bool:
    """Whether the topic is missing; with `yes` it is created. Raises the fault of a cluster that refuses."""
    chosen = configuration.clusters[cluster]
    admin = KafkaTopicAdmin(connect(chosen).settings)
    found = admin.look([chosen.audit])
    if chosen.audit in found.topics:
        return False
    if yes:
        fault = admin.apply(CreateTopic(desired_audit(chosen.audit, found.brokers)))
        if fault is not None:
            raise fault
    return True
