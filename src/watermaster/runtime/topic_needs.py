"""What enforcement needs of its topics: the desired state, from the landing topics and the cluster's size. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.topic_state import TopicState

DAY_MS: Final = 86_400_000
UNLIMITED_MS: Final = -1
"""Kafka's word for no limit in retention settings."""

LONG_MAX: Final = 2**63 - 1

QUARANTINE_RETENTION_MS: Final = 14 * DAY_MS
"""Two weeks: a held record outlives a holiday."""

LEDGER_RETENTION_MS: Final = 30 * DAY_MS
"""Longer than quarantine, so that whatever can still be replayed can still be proved."""

MESSAGE_BYTES_DEFAULT: Final = 1_048_588
"""Kafka's own `max.message.bytes`. Also the least that the gate can use: its batches are up to 1,000,000 bytes."""

TRUSTED_HEADROOM_BYTES: Final = 1_024
"""One header of about 200 bytes is added; the rest is for another compression than the source's."""

QUARANTINE_HEADROOM_BYTES: Final = 33_792
"""The reasons: at most 32 KiB of headers, and the same rest."""

REPLICATION_MAX: Final = 3
"""Three copies, two in sync: one broker may be down while another one is maintained."""


class Role(Enum):
    """What a topic is to the gate."""

    LANDING = "landing"
    TRUSTED = "trusted"
    QUARANTINE = "quarantine"
    LEDGER = "ledger"
    HOLDS = "holds"
    CONTROL = "control"
    AUDIT = "audit"


class Rule(Enum):
    """How an existing value is compared with the needed one."""

    EXACT = "exact"
    AT_LEAST = "at least"
    """Numbers; -1 stands for without end. An explicit lower value of the topic's owner is reported, not overwritten."""
    ON_CREATION = "on creation"
    """Somebody else's choice once the topic exists."""


@dataclass(frozen=True, slots=True)
class Need:
    """One setting of a topic, and what breaks without it."""

    key: str
    value: str
    rule: Rule
    why: str


@dataclass(frozen=True, slots=True)
class DesiredTopic:
    """A topic as enforcement needs it. `partitions` of an existing topic are only ever raised."""

    name: str
    role: Role
    partitions: int
    replication: int
    needs: tuple[Need, ...]
    landing: str | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings to create it with."""
        return {need.key: need.value for need in self.needs}


@dataclass(frozen=True, slots=True)
class Retentions:
    """How long held records and ledger entries are kept, in milliseconds; -1 is for ever."""

    quarantine_ms: int = QUARANTINE_RETENTION_MS
    ledger_ms: int = LEDGER_RETENTION_MS

    @property
    def ledger_at_least_ms(self) -> int:
        """The ledger's retention: never shorter than the quarantine's."""
        both = (self.quarantine_ms, self.ledger_ms)
        return UNLIMITED_MS if UNLIMITED_MS in both else max(both)


def desired_topics(
    gate: GateConfiguration, landings: Mapping[str, TopicState], brokers: int, retentions: Retentions
) -> tuple[DesiredTopic, ...]:
    """The topics of every stream whose landing topic is known, then ledger, holds, control. Empty if none is known."""
    known = [stream for stream in gate.streams if stream.landing in landings]
    if not known:
        return ()
    replication = min(REPLICATION_MAX, max(1, brokers))
    topics: list[DesiredTopic] = []
    for stream in known:
        topics += _of_stream(stream, landings[stream.landing], replication, retentions)
    partitions = max(landings[stream.landing].partitions for stream in known)
    topics.append(_ledger(gate.ledger, partitions, replication, retentions.ledger_at_least_ms))
    topics.append(_holds(gate.holds, partitions, replication))
    topics.append(_control(gate.control, replication))
    return tuple(topics)


def _of_stream(
    stream: StreamConfiguration, landing: TopicState, replication: int, retentions: Retentions
) -> list[DesiredTopic]:
    partitions = landing.partitions
    trusted = (*_carrying(landing, replication, TRUSTED_HEADROOM_BYTES), *_inherited(landing))
    quarantine = (
        *_carrying(landing, replication, QUARANTINE_HEADROOM_BYTES),
        Need("cleanup.policy", "delete", Rule.EXACT, "compaction would delete held records whose key came again"),
        Need("retention.ms", str(retentions.quarantine_ms), Rule.AT_LEAST, "held records wait here to be mended"),
    )
    return [
        DesiredTopic(stream.trusted, Role.TRUSTED, partitions, replication, trusted, landing.name),
        DesiredTopic(stream.quarantine, Role.QUARANTINE, partitions, replication, quarantine, landing.name),
    ]


def _carrying(landing: TopicState, replication: int, headroom: int) -> tuple[Need, ...]:
    """Whatever the landing topic took must be taken here too, byte for byte and with its own timestamp."""
    landing_bytes = int(landing.settings.get("max.message.bytes", MESSAGE_BYTES_DEFAULT))
    size = max(landing_bytes, MESSAGE_BYTES_DEFAULT) + headroom
    forever = str(LONG_MAX)
    return (
        Need("message.timestamp.type", "CreateTime", Rule.EXACT, "the record's own timestamp must be kept"),
        Need("message.timestamp.before.max.ms", forever, Rule.EXACT, "an old timestamp must not be refused here"),
        Need("message.timestamp.after.max.ms", forever, Rule.EXACT, "a future timestamp must not be refused here"),
        Need("max.message.bytes", str(size), Rule.AT_LEAST, "the largest record of the landing topic, and our headers"),
        _in_sync(replication),
    )


def _in_sync(replication: int) -> Need:
    copies = max(1, replication - 1)
    return Need("min.insync.replicas", str(copies), Rule.AT_LEAST, "what is committed must survive a broker")


def _inherited(landing: TopicState) -> tuple[Need, ...]:
    """Trusted starts as its landing topic is: same clean-up, same retention if the owner chose one."""
    keys = ["cleanup.policy", *(key for key in ("retention.ms", "retention.bytes") if key in landing.own)]
    defaults = {"cleanup.policy": "delete"}
    return tuple(
        Need(key, landing.settings.get(key, defaults.get(key, "")), Rule.ON_CREATION, f"as {landing.name} has it")
        for key in keys
    )


def _ledger(name: str, partitions: int, replication: int, retention_ms: int) -> DesiredTopic:
    needs = (
        Need("cleanup.policy", "delete", Rule.EXACT, "every entry is part of the proof, not only the newest"),
        Need("retention.ms", str(retention_ms), Rule.AT_LEAST, "what can be replayed must be provable"),
        Need("message.timestamp.type", "CreateTime", Rule.ON_CREATION, "the time of the decision"),
        _in_sync(replication),
    )
    return DesiredTopic(name, Role.LEDGER, partitions, replication, needs)


def desired_audit(name: str, brokers: int) -> DesiredTopic:
    """Where it is written down who looks at masked values: one partition, so that there is one order; kept for ever."""
    replication = min(REPLICATION_MAX, max(1, brokers))
    needs = (
        Need("cleanup.policy", "delete", Rule.EXACT, "compaction would let an event be taken away by its key"),
        Need("retention.ms", str(UNLIMITED_MS), Rule.AT_LEAST, "an event is kept for ever"),
        Need("retention.bytes", str(UNLIMITED_MS), Rule.AT_LEAST, "an event is kept for ever"),
        _in_sync(replication),
    )
    return DesiredTopic(name, Role.AUDIT, 1, replication, needs)


def desired_holds(name: str, partitions: int, brokers: int) -> DesiredTopic:
    """The topic of states alone: of an adopted quarantine, whose other topics are somebody else's."""
    return _holds(name, partitions, min(REPLICATION_MAX, max(1, brokers)))


def _holds(name: str, partitions: int, replication: int) -> DesiredTopic:
    needs = (
        Need("cleanup.policy", "compact", Rule.EXACT, "what became of a held record must never expire"),
        _in_sync(replication),
    )
    return DesiredTopic(name, Role.HOLDS, partitions, replication, needs)


def _control(name: str, replication: int) -> DesiredTopic:
    needs = (
        Need("cleanup.policy", "compact", Rule.EXACT, "contracts and activations must never expire"),
        Need("max.message.bytes", str(MESSAGE_BYTES_DEFAULT), Rule.AT_LEAST, "a contract must fit into one record"),
        _in_sync(replication),
    )
    return DesiredTopic(name, Role.CONTROL, 1, replication, needs)
