"""`gate topics`: look -> plan -> apply on a real cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_acl import AclRule, gate_acls, missing_acls, wider_readers
from watermaster.runtime.topic_needs import Retentions
from watermaster.runtime.topic_plan import Action, Finding, Level, TopicPlan, plan_topics
from watermaster.stream.fault import Fault


@dataclass(frozen=True, slots=True)
class AclPlan:
    """The permissions that a gate needs; `missing` is None where nobody was named or ACLs could not be seen."""

    principal: str | None
    rules: tuple[AclRule, ...]
    missing: tuple[AclRule, ...] | None
    unseen: Unseen | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class GateTopics:
    """A plan for a gate's topics and permissions, and the hand that can carry it out."""

    plan: TopicPlan
    acls: AclPlan
    admin: KafkaTopicAdmin

    def apply(self, told: Callable[[Action, Fault | None], None]) -> None:
        """Carry out every action, one after the other; a refused one does not stop the others."""
        for action in self.plan.actions:
            told(action, self.admin.apply(action))

    def grant(self) -> dict[AclRule, Fault | None]:
        """Create the permissions that are missing, or all if that is not known."""
        if self.acls.principal is None:
            return {}
        rules = self.acls.rules if self.acls.missing is None else self.acls.missing
        return self.admin.allow(self.acls.principal, rules)


def look_at_topics(
    configuration: Configuration,
    gate_name: str,
    *,
    principal: str | None,
    retentions: Retentions,
    needs: Callable[[GateConfiguration], tuple[AclRule, ...]] = gate_acls,
) -> GateTopics:
    """Look and plan; changes nothing. `needs` are the principal's permissions. Raises a fault if nothing answers."""
    gate = configuration.gates[gate_name]
    admin = KafkaTopicAdmin(connect(configuration.clusters[gate.cluster]).settings)
    return GateTopics(
        plan_topics(gate, admin.look(topic_names(gate)), retentions),
        _plan_acls(gate, needs(gate), admin, principal),
        admin,
    )


def topic_names(gate: GateConfiguration) -> list[str]:
    """Every topic that a gate touches."""
    names = [gate.control, gate.ledger, gate.holds]
    for stream in gate.streams:
        names += [stream.landing, stream.trusted, stream.quarantine]
    return list(dict.fromkeys(names))


def _plan_acls(
    gate: GateConfiguration, rules: tuple[AclRule, ...], admin: KafkaTopicAdmin, principal: str | None
) -> AclPlan:
    entries = admin.acls()
    if isinstance(entries, Unseen):
        return AclPlan(principal, rules, None, entries)
    missing = missing_acls(rules, entries, principal) if principal is not None else None
    return AclPlan(principal, rules, missing, findings=tuple(_wider(*found) for found in wider_readers(gate, entries)))


def _wider(landing: str, topic: str, principals: tuple[str, ...]) -> Finding:
    return Finding(
        Level.WARNING,
        topic,
        f"may be read by principals that may not read {landing}: {', '.join(principals)}",
        "If that is not meant, take their READ away: records are the same bytes here and there.",
    )
