"""`quarantine adopt`: a dead-letter topic looked at on a real cluster, its states given a home, and written down."""

from __future__ import annotations

from dataclasses import dataclass

from watermaster.adapters.files.configuration_entry import add_quarantine
from watermaster.adapters.kafka.audit_reader import KafkaAuditReader
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.quarantine.held import Adoption
from watermaster.runtime.adopt import AdoptionLook, look_at_letters
from watermaster.runtime.configuration import Configuration, QuarantineConfiguration
from watermaster.runtime.configuration_conflicts import find_conflicts
from watermaster.runtime.topic_acl import AclRule, adopted_acls
from watermaster.runtime.topic_needs import desired_holds
from watermaster.runtime.topic_plan import CreateTopic
from watermaster.runtime.topic_state import TopicState
from watermaster.stream.fault import UsageFault

HOLDS_PARTITIONS = 1
"""Others may write one record into two partitions of their topic: its states stand in one place."""


@dataclass(frozen=True, slots=True)
class AdoptionPlan:
    """What was seen, and what adopting would do."""

    adopted: QuarantineConfiguration
    look: AdoptionLook
    is_configured: bool
    """The entry stands in the configuration already."""
    creates: CreateTopic | None
    """The topic of states, where it is missing."""
    contracts: dict[str, str]
    """By source: what judges its replays, for people."""
    permissions: tuple[AclRule, ...]
    """Of who looks after it."""


def plan_adoption(configuration: Configuration, adopted: QuarantineConfiguration) -> AdoptionPlan:
    """Look at the topic; reads only. Raises UsageFault where the entry contradicts the configuration."""
    is_configured = configuration.quarantines.get(adopted.name) == adopted
    _refuse_conflicts(configuration, adopted)
    settings = connect(configuration.clusters[adopted.cluster]).settings
    reader = KafkaAuditReader(settings)
    try:
        adoption = Adoption(reader.cluster_id(), {}, adopted.dialect, adopted.mapping)
        look = look_at_letters(reader, adopted, adoption)
    finally:
        reader.close()
    cluster = KafkaTopicAdmin(settings).look([adopted.holds])
    state = cluster.topics.get(adopted.holds)
    if isinstance(state, TopicState) and state.partitions != HOLDS_PARTITIONS:
        raise UsageFault(
            "WM-HOLDS-PARTITIONS",
            f"{adopted.holds} has {state.partitions} partitions",
            hint="States of an adopted quarantine need a topic of one partition: name another one with `holds`.",
        )
    creates = CreateTopic(desired_holds(adopted.holds, HOLDS_PARTITIONS, cluster.brokers)) if state is None else None
    contracts = {source.topic: _judge(configuration, adopted, source.topic) for source in adopted.sources}
    found = [configuration.gate_stream(adopted.cluster, source.topic) for source in adopted.sources]
    permissions = adopted_acls(adopted, [gate.control for gate, _ in filter(None, found)])
    return AdoptionPlan(adopted, look, is_configured, creates, contracts, permissions)


def _judge(configuration: Configuration, adopted: QuarantineConfiguration, topic: str) -> str:
    found = configuration.gate_stream(adopted.cluster, topic)
    if found is not None:
        return f"the contract in force at the gate {found[0].name}"
    contract = next(source.contract for source in adopted.sources if source.topic == topic)
    return f"the file {contract}" if contract else "no contract: whatever is chosen is written"


def carry_out_adoption(configuration: Configuration, plan: AdoptionPlan) -> None:
    """Create the topic of states and write the entry. Raises a fault, and then nothing was written."""
    if plan.creates is not None:
        admin = KafkaTopicAdmin(connect(configuration.clusters[plan.adopted.cluster]).settings)
        fault = admin.apply(plan.creates)
        if fault is not None:
            raise fault
    if not plan.is_configured:
        add_quarantine(configuration.path, plan.adopted)


def _refuse_conflicts(configuration: Configuration, adopted: QuarantineConfiguration) -> None:
    known = configuration.quarantines.get(adopted.name)
    if known is not None and known != adopted:
        raise UsageFault(
            "WM-ADOPT-NAME",
            f"the quarantine {adopted.name} is configured already, with other settings",
            hint="Edit it in watermaster.yaml, or choose another --name.",
        )
    with_entry = configuration.with_quarantine(adopted)
    for conflict in find_conflicts(with_entry):
        raise UsageFault(f"WM-ADOPT-{conflict.code}", f"{conflict.path[2:]}: {conflict.message}", hint=conflict.hint)
