"""observe -> desired -> Plan -> apply, for the topics of a gate. Printing the Plan is the dry run. Pure.

Only what cannot lose anything is planned as an action: creating, adding partitions, and settings that make a topic
take or keep more. The rest is a finding with what to do, for a person to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from watermaster.runtime.configuration import GateConfiguration
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_needs import UNLIMITED_MS, DesiredTopic, Need, Retentions, Role, Rule, desired_topics
from watermaster.runtime.topic_state import ClusterTopics, TopicState


@dataclass(frozen=True, slots=True)
class CreateTopic:
    """A topic that is missing."""

    topic: DesiredTopic


@dataclass(frozen=True, slots=True)
class AddPartitions:
    """A topic that has fewer partitions than its landing topic."""

    name: str
    before: int
    total: int


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting, with what it is now (None: not to be seen) and why it must change."""

    key: str
    before: str | None
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class AlterSettings:
    """Settings of an existing topic that would break the promise."""

    name: str
    changes: tuple[SettingChange, ...]


Action: TypeAlias = CreateTopic | AddPartitions | AlterSettings


class Level(Enum):
    """How much a finding matters."""

    PROBLEM = "problem"
    """Enforcement does not hold its promise, or does not start, until a person has acted."""
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know, with what to do."""

    level: Level
    topic: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What is needed, what would be done, and what a person must know. No actions: the topics are as needed."""

    gate: str
    brokers: int
    topics: tuple[DesiredTopic, ...]
    actions: tuple[Action, ...]
    findings: tuple[Finding, ...]

    @property
    def has_problems(self) -> bool:
        """Whether something stays broken even after the actions."""
        return any(finding.level is Level.PROBLEM for finding in self.findings)


def plan_topics(gate: GateConfiguration, cluster: ClusterTopics, retentions: Retentions | None = None) -> TopicPlan:
    """Compare the cluster with what the gate needs."""
    found = {name: state for name, state in cluster.topics.items() if isinstance(state, TopicState)}
    landings = {name: found[name] for name in gate.landings if name in found}
    desired = desired_topics(gate, landings, cluster.brokers, retentions or Retentions())
    actions: list[Action] = []
    findings = list(_look_findings(gate, cluster))
    for topic in desired:
        state = cluster.topics.get(topic.name)
        if isinstance(state, Unseen):
            continue  # said among the findings; what cannot be seen is not touched
        if state is None:
            actions.append(CreateTopic(topic))
            continue
        actions += _growth(topic, state)
        if topic.name not in cluster.unseen_settings:
            changes, drift = _compare(topic, state)
            actions += [AlterSettings(topic.name, changes)] if changes else []
            findings += drift
        findings += _replication(topic, state)
    for stream in gate.streams:
        if stream.landing in landings:
            findings += _stream_findings(landings[stream.landing], found.get(stream.trusted), stream.trusted)
    findings += [_READERS, _operators(gate.control)]
    return TopicPlan(gate.name, cluster.brokers, desired, tuple(actions), tuple(findings))


def _growth(topic: DesiredTopic, state: TopicState) -> Iterator[Action]:
    """Trusted and quarantine follow their landing topic. Never the ledger: an entry's partition is found by modulo
    the ledger's count, so another count would hide the newest entries from the gate."""
    if topic.role in (Role.TRUSTED, Role.QUARANTINE) and state.partitions < topic.partitions:
        yield AddPartitions(topic.name, state.partitions, topic.partitions)


def _compare(topic: DesiredTopic, state: TopicState) -> tuple[tuple[SettingChange, ...], list[Finding]]:
    changes: list[SettingChange] = []
    findings: list[Finding] = []
    for need in topic.needs:
        now = state.settings.get(need.key)
        if now is None or _is_met(need, now):
            continue
        if _may_change(need, topic, state):
            changes.append(SettingChange(need.key, now, need.value, need.why))
        else:
            findings.append(_lower(topic, need, now))
    return tuple(changes), findings


def _is_met(need: Need, now: str) -> bool:
    match need.rule:
        case Rule.ON_CREATION:
            return True
        case Rule.EXACT:
            return now == need.value
        case Rule.AT_LEAST:
            return int(now) == UNLIMITED_MS or int(now) >= int(need.value) != UNLIMITED_MS


def _may_change(need: Need, topic: DesiredTopic, state: TopicState) -> bool:
    """An owner's explicit retention stands; so many copies in sync as there are copies would stop every write."""
    if need.key == "retention.ms":
        return need.key not in state.own
    if need.key == "min.insync.replicas":
        return state.replication > int(need.value) or topic.replication == 1
    return True


def _lower(topic: DesiredTopic, need: Need, now: str) -> Finding:
    return Finding(
        Level.WARNING,
        topic.name,
        f"{need.key} is {now}, less than {need.value}: {need.why}",
        f"kafka-configs.sh --alter --entity-type topics --entity-name {topic.name} "
        f"--add-config {need.key}={need.value}, if that is wanted.",
    )


def _replication(topic: DesiredTopic, state: TopicState) -> Iterator[Finding]:
    if state.replication < topic.replication:
        yield Finding(
            Level.WARNING,
            topic.name,
            f"has {state.replication} copies, the cluster has room for {topic.replication}: a lost disk loses records",
            "Add copies with kafka-reassign-partitions.sh; a topic's replication cannot be altered in place.",
        )


def _look_findings(gate: GateConfiguration, cluster: ClusterTopics) -> Iterator[Finding]:
    for name in gate.landings:
        if name not in cluster.topics:
            yield Finding(
                Level.PROBLEM,
                name,
                "the landing topic does not exist, so nothing can be planned for its stream",
                "Its source's owner creates it; the gate needs as many partitions as it has.",
            )
    for state in cluster.topics.values():
        if isinstance(state, Unseen):
            yield Finding(Level.PROBLEM, "", str(state).rstrip("."), "Ask for DESCRIBE on it.")
    for name, unseen in cluster.unseen_settings.items():
        instead = "Kafka’s defaults are assumed" if name in gate.landings else "they were not compared"
        yield Finding(
            Level.WARNING,
            "",
            f"{str(unseen).rstrip('.')}; {instead}",
            "Let this login DESCRIBE_CONFIGS on it, or run this command as an administrator.",
        )


def _stream_findings(landing: TopicState, trusted: TopicState | None, trusted_name: str) -> Iterator[Finding]:
    compacts = "compact" in landing.settings.get("cleanup.policy", "")
    if trusted is not None and trusted.settings:
        trusted_compacts = "compact" in trusted.settings.get("cleanup.policy", "")
        if trusted_compacts and not compacts:
            yield Finding(
                Level.PROBLEM,
                trusted_name,
                f"is compacted and {landing.name} is not: records without a key are refused, equal keys overwritten",
                "Set cleanup.policy=delete, unless the stream is meant to be a table.",
            )
        if compacts and not trusted_compacts:
            yield Finding(
                Level.WARNING,
                trusted_name,
                f"is not compacted and {landing.name} is: readers of trusted get no table of newest values",
                "Set cleanup.policy=compact, unless history is wanted.",
            )
    if compacts:
        yield Finding(
            Level.WARNING,
            trusted_name,
            "is compacted: when a bad update is held, the stale value of its key stays; a record without a key is held",
            "Watch the quarantine of this stream, and mend updates soon.",
        )
    if trusted is not None and trusted.partitions < landing.partitions:
        yield Finding(
            Level.WARNING,
            trusted_name,
            f"grows to {landing.partitions} partitions as {landing.name} did: a key's records may now lie in two "
            "partitions, and their order is not kept across them",
            "Whenever a landing topic grows: trusted and quarantine first, then landing.",
        )
    if trusted is not None and trusted.partitions > landing.partitions:
        yield Finding(
            Level.NOTE,
            trusted_name,
            f"has {trusted.partitions} partitions, {landing.name} has {landing.partitions}: the others stay empty",
            f"Nothing to do; {landing.name} may now grow to {trusted.partitions}.",
        )
    yield Finding(
        Level.NOTE,
        landing.name,
        "held records keep their own timestamp, and retention counts from it: very old ones expire at once",
        "If this topic carries old timestamps, give its quarantine retention.ms=-1.",
    )


_READERS: Final = Finding(
    Level.NOTE,
    "",
    "readers with isolation.level=read_uncommitted also see records of aborted transactions, that is duplicates",
    "Exactly once needs read_committed; Java's and kafka-python's default, and that of many UIs, is read_uncommitted.",
)


def _operators(control: str) -> Finding:
    return Finding(
        Level.NOTE,
        control,
        "is written by who activates contracts or resumes a stream, and never by the gate",
        "Such people need WRITE on it, and READ on the landing topics.",
    )
