"""A look at one stream for `readiness`: the topic or what it would be created with, its quarantine, who may read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.monitor.readiness_facts import InternalTopic, QuarantineTopic, Standby, Surroundings, Transactions
from watermaster.monitor.topic_defaults import KEYS, TopicDefaults, read_topic_defaults
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_acl import wider_readers
from watermaster.runtime.topic_needs import Retentions, desired_topics
from watermaster.runtime.topic_state import AclEntry, ClusterTopics, ResourceKind, TopicState

_READING: Final = frozenset({"READ", "ALL"})
_POSITIONS: Final = "__consumer_offsets"
_TRANSACTIONS: Final = "__transaction_state"
_KEEPS: Final = {
    _POSITIONS: "groups lose their positions, and begin anew or not at all",
    _TRANSACTIONS: "a gate can no longer end its transactions, and its readers wait",
}
_CERTIFICATE_KEYS: Final = ("ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location")


def look_around(configuration: Configuration, cluster: str, stream: str, outage_ms: int) -> Surroundings:
    """What the cluster shows of the stream; other clusters and alert routes are not in it yet."""
    connection = connect(configuration.clusters[cluster])
    admin = KafkaTopicAdmin(connection.settings)
    carried = configuration.gate_stream(cluster, stream)
    gate = carried[0] if carried else None
    quarantine = carried[1].quarantine if carried else _adopted(configuration, cluster, stream)
    internals = (_POSITIONS, _TRANSACTIONS) if gate else (_POSITIONS,)
    landing = carried[1].landing if carried else stream
    found = admin.look([name for name in dict.fromkeys((stream, landing, quarantine, *internals)) if name])
    defaults = read_topic_defaults(admin.broker_settings([b.id for b in connection.cluster.brokers], KEYS))
    exists = stream in found.topics
    state = _state(found, stream) if exists else _planned(stream, landing, gate, found, defaults)
    entries = admin.acls()
    return Surroundings(
        brokers=found.brokers,
        exists=exists,
        replication=state.replication if state else None,
        settings=(state.settings or None) if state else None,
        **_security(connection.settings),
        readers=_readers(entries, stream),
        outage_ms=outage_ms,
        routes=(),
        standby=Standby(),
        quarantine=_quarantine(quarantine, found, gate, entries) if quarantine else None,
        internals=tuple(_internal(name, found, defaults) for name in internals),
        transactions=None
        if gate is None
        else Transactions(gate.transaction_timeout_ms, defaults.transaction_timeout_ms_max),
        detects_ms=configuration.monitor.raise_after_ms + configuration.monitor.poll_ms,
        auto_create=defaults.auto_create,
    )


def _state(found: ClusterTopics, name: str) -> TopicState | None:
    topic = found.topics.get(name)
    return topic if isinstance(topic, TopicState) else None


def _planned(
    stream: str, landing: str, gate: GateConfiguration | None, found: ClusterTopics, defaults: TopicDefaults
) -> TopicState | None:
    """What the topic would be created with: by `gate topics` where a gate writes it, else by the brokers' defaults."""
    if defaults.settings is None or defaults.replication is None:
        return None
    source = _state(found, landing)
    if gate is not None and stream != landing and source is not None:
        for wanted in desired_topics(gate, {landing: source}, found.brokers, Retentions()):
            if wanted.name == stream:
                settings = {**defaults.settings, **wanted.settings}
                return TopicState(stream, wanted.partitions, wanted.replication, settings)
    return TopicState(stream, 1, defaults.replication, defaults.settings)


def _adopted(configuration: Configuration, cluster: str, stream: str) -> str | None:
    """The dead-letter topic of others that is adopted for records of this stream."""
    adopted = (each for each in configuration.quarantines.values() if each.cluster == cluster)
    return next((each.topic for each in adopted if stream in each.landings), None)


def _quarantine(
    name: str, found: ClusterTopics, gate: GateConfiguration | None, entries: Sequence[AclEntry] | Unseen
) -> QuarantineTopic:
    state = _state(found, name)
    wider = () if gate is None or isinstance(entries, Unseen) else tuple(wider_readers(gate, entries))
    readers = [principal for _, topic, principals in wider if topic == name for principal in principals]
    settings = (state.settings or None) if state else None
    return QuarantineTopic(name, name in found.topics, settings, tuple(sorted(set(readers))))


def _internal(name: str, found: ClusterTopics, defaults: TopicDefaults) -> InternalTopic:
    if name not in found.topics:
        # Nobody has needed it yet.
        return InternalTopic(name, _KEEPS[name], *(defaults.positions if name == _POSITIONS else defaults.transactions))
    state = _state(found, name)
    least = state.settings.get("min.insync.replicas") if state else None
    return InternalTopic(name, _KEEPS[name], state.replication if state else None, int(least) if least else None)


def _security(settings: Mapping[str, Any]) -> dict[str, bool]:
    protocol = str(settings.get("security.protocol", "plaintext")).lower()
    certificate = any(key in settings for key in _CERTIFICATE_KEYS)
    return {"encrypted": "ssl" in protocol, "login": "sasl" in protocol or ("ssl" in protocol and certificate)}


def _readers(entries: Sequence[AclEntry] | Unseen, topic: str) -> tuple[str, ...] | None:
    if isinstance(entries, Unseen):
        return None
    may = {entry.principal for entry in entries if entry.allows and _lets_read(entry, topic)}
    return tuple(sorted(may))


def _lets_read(entry: AclEntry, topic: str) -> bool:
    named = topic.startswith(entry.name) if entry.prefixed else entry.name in ("*", topic)
    return entry.kind is ResourceKind.TOPIC and named and entry.operation in _READING
