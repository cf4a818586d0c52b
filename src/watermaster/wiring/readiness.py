"""`readiness`: a contract's promises and the facts of real Kafka brought together; reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.contract.document import read_contract
from watermaster.monitor.promise import Promise, read_promise
from watermaster.monitor.readiness import ReadinessFinding, Surroundings, judge_readiness
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_state import AclEntry, ResourceKind, TopicState
from watermaster.stream.fault import UsageFault
from watermaster.wiring.observation import chosen_clusters

_READING: Final = frozenset({"READ", "ALL"})


def readiness_of(
    config: Path, cluster: str | None, stream: str, contract: Path | None, outage_ms: int
) -> tuple[ReadinessFinding, ...]:
    """Look at one stream and judge it. Raises UsageFault for a contract that cannot be used or an unclear cluster."""
    configuration = load_configuration(config)
    document = contract or _configured(configuration, stream)
    promise = None if document is None else _promise(document)
    if promise is not None and configuration.owner_by_pattern(stream) is not None:
        promise = replace(promise, owned=True)
    names = chosen_clusters(configuration, cluster)
    if len(names) != 1:
        hint = f"Choose one with --cluster: {', '.join(sorted(names))}."
        raise UsageFault("WM-READINESS-CLUSTER", "The configuration has several clusters.", hint=hint)
    settings = connect(configuration.clusters[names[0]]).settings
    admin = KafkaTopicAdmin(settings)
    found = admin.look([stream])
    topic = found.topics.get(stream)
    state = topic if isinstance(topic, TopicState) else None
    protocol = str(settings.get("security.protocol", "plaintext")).lower()
    certificate = any(
        key in settings for key in ("ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location")
    )
    around = Surroundings(
        brokers=found.brokers,
        exists=topic is not None,
        replication=state.replication if state else None,
        settings=state.settings if state and state.settings else None,
        encrypted="ssl" in protocol,
        login="sasl" in protocol or ("ssl" in protocol and certificate),
        readers=_readers(admin.acls(), stream),
        outage_ms=outage_ms,
        routed=bool(configuration.alerts),
    )
    return judge_readiness(promise, around)


def _configured(configuration: Configuration, topic: str) -> Path | None:
    """The contract of the gate that the topic belongs to."""
    for gate in configuration.gates.values():
        for stream in gate.streams:
            if topic in (stream.landing, stream.trusted):
                return configuration.contract_path(stream)
    return None


def _promise(path: Path) -> Promise:
    try:
        read = read_contract(path.read_bytes(), str(path))
    except OSError as error:
        raise UsageFault("WM-READINESS-CONTRACT", f"{path} cannot be read.", hint=f"{error.strerror}.") from error
    if read.problems:
        hint = f"`watermaster contract lint {path}` names every problem."
        raise UsageFault("WM-READINESS-CONTRACT", f"{path} is no valid contract.", hint=hint)
    return read_promise(read.document)


def _readers(entries: Sequence[AclEntry] | Unseen, topic: str) -> tuple[str, ...] | None:
    if isinstance(entries, Unseen):
        return None
    may = {entry.principal for entry in entries if entry.allows and _lets_read(entry, topic)}
    return tuple(sorted(may))


def _lets_read(entry: AclEntry, topic: str) -> bool:
    named = topic.startswith(entry.name) if entry.prefixed else entry.name in ("*", topic)
    return entry.kind is ResourceKind.TOPIC and named and entry.operation in _READING
