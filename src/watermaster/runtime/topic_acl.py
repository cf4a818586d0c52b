"""The least permissions with which a gate runs, or is looked after, and how they compare with a cluster's ACLs. Pure.

In Kafka READ, WRITE, DELETE and ALTER imply DESCRIBE, so that stands here only where none of them is: each line is
needed by itself. For the gate a test on a secured cluster proves it by taking away one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.runtime.configuration import GateConfiguration, QuarantineConfiguration
from watermaster.runtime.topic_state import AclEntry, ResourceKind

_IMPLYING_DESCRIBE: Final = frozenset({"READ", "WRITE", "DELETE", "ALTER"})
ANYBODY: Final = "User:*"


@dataclass(frozen=True, slots=True)
class AclRule:
    """One permission that the gate's principal needs, and what for."""

    kind: ResourceKind
    name: str
    operation: str
    why: str
    prefixed: bool = False

    def __str__(self) -> str:
        return f"{self.operation} on {self.kind.value} {self.name}{'*' if self.prefixed else ''}"


def gate_acls(gate: GateConfiguration) -> tuple[AclRule, ...]:
    """Everything that `watermaster gate` needs at run time; DESCRIBE comes with READ and WRITE."""
    topic, rules = ResourceKind.TOPIC, []
    for stream in gate.streams:
        rules += [
            AclRule(topic, stream.landing, "READ", "the records to judge"),
            AclRule(topic, stream.trusted, "WRITE", "what passes"),
            AclRule(topic, stream.quarantine, "WRITE", "what is held"),
        ]
    rules += [
        AclRule(topic, gate.ledger, "WRITE", "what was decided"),
        AclRule(topic, gate.ledger, "READ", "to see on start where the ledger ends"),
        AclRule(topic, gate.control, "READ", "contracts and activations"),
        AclRule(ResourceKind.GROUP, gate.group_id, "READ", "to share the partitions and keep the position"),
        AclRule(ResourceKind.TRANSACTIONAL_ID, f"{gate.name}.", "WRITE", "one transaction a batch", prefixed=True),
    ]
    return tuple(rules)


def operator_acls(gate: GateConfiguration) -> tuple[AclRule, ...]:
    """Everything that a person needs who looks into a gate's quarantine, replays and discards."""
    topic, rules = ResourceKind.TOPIC, []
    for stream in gate.streams:
        rules += [
            AclRule(topic, stream.landing, "DESCRIBE", "the id of the topic that records came from"),
            AclRule(topic, stream.quarantine, "READ", "what is held"),
            AclRule(topic, stream.trusted, "READ", "to see which keys have newer records"),
            AclRule(topic, stream.trusted, "WRITE", "what is replayed"),
        ]
    rules += [
        AclRule(topic, gate.holds, "READ", "what became of held records"),
        AclRule(topic, gate.holds, "WRITE", "what becomes of them"),
        AclRule(topic, gate.ledger, "READ", "the ledger's side of the equation"),
        AclRule(topic, gate.control, "READ", "contracts and activations"),
        AclRule(
            ResourceKind.TRANSACTIONAL_ID, f"{gate.name}.replay.", "WRITE", "one transaction a batch", prefixed=True
        ),
    ]
    return tuple(rules)


def adopted_acls(adopted: QuarantineConfiguration, controls: Iterable[str]) -> tuple[AclRule, ...]:
    """The same for a quarantine that others write; `controls` are the control topics of gates whose contracts judge."""
    topic = ResourceKind.TOPIC
    rules = [AclRule(topic, adopted.topic, "READ", "the letters")]
    for source in adopted.sources:
        rules += [
            AclRule(topic, source.topic, "DESCRIBE", "its partitions, and whether originals are still there"),
            AclRule(topic, source.target, "READ", "to see which keys have newer records"),
            AclRule(topic, source.target, "WRITE", "what is replayed"),
        ]
    rules += [AclRule(topic, control, "READ", "contracts and activations") for control in dict.fromkeys(controls)]
    rules += [
        AclRule(topic, adopted.holds, "READ", "what became of the letters"),
        AclRule(topic, adopted.holds, "WRITE", "what becomes of them"),
        AclRule(
            ResourceKind.TRANSACTIONAL_ID, f"{adopted.name}.replay.", "WRITE", "one transaction a batch", prefixed=True
        ),
    ]
    return tuple(rules)


def unmask_acls(audit: str) -> tuple[AclRule, ...]:
    """What an operator needs beside that to look at masked values: without it nothing is shown, so Kafka decides."""
    return (
        AclRule(ResourceKind.TOPIC, audit, "READ", "the last event, which the next one follows"),
        AclRule(ResourceKind.TOPIC, audit, "WRITE", "who looks at masked values"),
        AclRule(ResourceKind.TRANSACTIONAL_ID, audit, "WRITE", "one event after the other"),
    )


def missing_acls(rules: Iterable[AclRule], entries: Sequence[AclEntry], principal: str) -> tuple[AclRule, ...]:
    """The rules that no ACL grants to `principal`, or that an ACL denies it."""
    return tuple(rule for rule in rules if not _is_granted(rule, entries, principal))


def wider_readers(gate: GateConfiguration, entries: Sequence[AclEntry]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(landing, topic, principals): who may read a trusted or quarantine topic but not the landing topic it is from."""
    principals = sorted({entry.principal for entry in entries if entry.allows})
    for stream in gate.streams:
        source = AclRule(ResourceKind.TOPIC, stream.landing, "READ", "")
        for name in (stream.trusted, stream.quarantine):
            target = AclRule(ResourceKind.TOPIC, name, "READ", "")
            wider = tuple(
                each
                for each in principals
                if _is_granted(target, entries, each) and not _is_granted(source, entries, each)
            )
            if wider:
                yield stream.landing, name, wider


def _is_granted(rule: AclRule, entries: Sequence[AclEntry], principal: str) -> bool:
    about = [entry for entry in entries if entry.principal in (principal, ANYBODY) and _covers(entry, rule)]
    if any(not entry.allows for entry in about if _acts(entry, rule, allowing=False)):
        return False
    return any(entry.allows and entry.host == "*" for entry in about if _acts(entry, rule, allowing=True))


def _covers(entry: AclEntry, rule: AclRule) -> bool:
    if entry.kind is not rule.kind:
        return False
    if entry.prefixed:
        return rule.name.startswith(entry.name)
    return entry.name == "*" or (entry.name == rule.name and not rule.prefixed)


def _acts(entry: AclEntry, rule: AclRule, *, allowing: bool) -> bool:
    if entry.operation in ("ALL", rule.operation):
        return True
    return allowing and rule.operation == "DESCRIBE" and entry.operation in _IMPLYING_DESCRIBE
