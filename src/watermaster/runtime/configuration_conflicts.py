"""What one value of a configuration says against another: found before anything connects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from watermaster.incident.runbook import SiteRunbook
from watermaster.runtime.configuration import Configuration, GateConfiguration, QuarantineConfiguration
from watermaster.runtime.loopback import is_loopback
from watermaster.runtime.registry_settings import RegistryConfiguration


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction at a JSON path of the file (`$.gates.flights.cluster`)."""

    path: str
    code: str
    message: str
    hint: str


def find_conflicts(configuration: Configuration) -> Iterator[Conflict]:
    """Every contradiction, in the order of the file."""
    yield from _registry_conflicts(configuration)
    for name, gate in configuration.gates.items():
        path = f"$.gates.{name}"
        yield from _cluster_conflicts(path, gate.cluster, configuration)
        yield from _metrics_conflicts(path, gate)
        yield from _contract_conflicts(path, gate)
        yield from _role_conflicts(path, gate)
        if gate.commit_interval_ms >= gate.transaction_timeout_ms:
            yield Conflict(
                f"{path}.commit_interval_ms",
                "INTERVAL",
                "a transaction would time out before it is committed",
                "Keep commit_interval_ms well below transaction_timeout_ms.",
            )
    yield from _shared_outputs(configuration)
    for index, runbook in enumerate(configuration.runbooks):
        yield from _runbook_conflicts(f"$.runbooks[{index}]", runbook)
    for name, topic in configuration.monitor.probe_topics.items():
        yield from _probe_conflicts(f"$.monitor.probe_topics.{name}", name, topic, configuration)
    for name, adopted in configuration.quarantines.items():
        yield from _adopted_conflicts(f"$.quarantines.{name}", adopted, configuration)


def _cluster_conflicts(path: str, cluster: str, configuration: Configuration) -> Iterator[Conflict]:
    if cluster not in configuration.clusters:
        known = ", ".join(sorted(configuration.clusters))
        yield Conflict(f"{path}.cluster", "CLUSTER", f"no cluster is called {cluster}", f"Clusters here: {known}.")


def _probe_conflicts(path: str, cluster: str, topic: str, configuration: Configuration) -> Iterator[Conflict]:
    """The monitor writes there, so it must be nobody else's."""
    if cluster not in configuration.clusters:
        known = ", ".join(sorted(configuration.clusters))
        yield Conflict(path, "CLUSTER", f"no cluster is called {cluster}", f"Clusters here: {known}.")
    used = {name for gate in configuration.gates.values() for name in _topics_of(gate)}
    used |= {name for adopted in configuration.quarantines.values() for name in (adopted.topic, adopted.holds)}
    if topic in used or topic.startswith("__"):
        hint = "Create a topic for the probe alone, with a short retention."
        yield Conflict(path, "PROBE", f"{topic} has another use, and the probe would write to it", hint)


def _topics_of(gate: GateConfiguration) -> Iterator[str]:
    yield from (gate.control, gate.ledger, gate.holds)
    for stream in gate.streams:
        yield from (stream.landing, stream.trusted, stream.quarantine)


def _runbook_conflicts(path: str, runbook: SiteRunbook) -> Iterator[Conflict]:
    if not runbook.told:
        yield Conflict(path, "RUNBOOK", "says neither where it is nor what it says", "Give it a url, a text, or both.")
    if runbook.url and not runbook.url.startswith(("https://", "http://")):
        hint = "Alertmanager makes a link of it: begin with https://, or write a text."
        yield Conflict(f"{path}.url", "RUNBOOK", "is no address", hint)


def _registry_conflicts(configuration: Configuration) -> Iterator[Conflict]:
    for name, cluster in configuration.clusters.items():
        if cluster.registry is not None and cluster.registry not in configuration.registries:
            known = ", ".join(sorted(configuration.registries)) or "none"
            yield Conflict(
                f"$.clusters.{name}.registry",
                "REGISTRY",
                f"no registry is called {cluster.registry}",
                f"Registries here: {known}.",
            )
    for name, registry in configuration.registries.items():
        yield from registry_conflicts(f"$.registries.{name}", registry)


def registry_conflicts(path: str, registry: RegistryConfiguration) -> Iterator[Conflict]:
    """Every contradiction in the description of one registry, which stands at `path`."""
    parts = urlsplit(registry.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Conflict(f"{path}.url", "VALUE", "is no http or https address", "For instance https://registry:8081.")
    has_secret = registry.password_file is not None or registry.token_file is not None
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        if has_secret:
            message, hint = "a secret would go over an unencrypted line", "Use https."
            yield Conflict(f"{path}.url", "PLAINTEXT", message, hint)
        elif not registry.allow_plaintext:
            message = "whoever stands on the way could say what records mean"
            yield Conflict(f"{path}.url", "PLAINTEXT", message, "Use https, or write allow_plaintext: true.")
    if (registry.password_file is None) is not (not registry.user):
        yield Conflict(f"{path}.user", "LOGIN", "user and password_file go together", "Give both or none.")
    if registry.password_file is not None and registry.token_file is not None:
        yield Conflict(f"{path}.token_file", "LOGIN", "there are two ways to log in", "Give a password or a token.")
    if registry.key_file is not None and registry.certificate_file is None:
        yield Conflict(f"{path}.key_file", "LOGIN", "a key needs its certificate", "Give certificate_file too.")


def _metrics_conflicts(path: str, gate: GateConfiguration) -> Iterator[Conflict]:
    listen = gate.metrics_listen
    if listen is not None and not is_loopback(listen.host) and gate.metrics_token_file is None:
        yield Conflict(
            f"{path}.metrics_listen",
            "METRICS-OPEN",
            "metrics beyond loopback would be open to everyone",
            "Set metrics_token_file, or listen on 127.0.0.1.",
        )


def _contract_conflicts(path: str, gate: GateConfiguration) -> Iterator[Conflict]:
    for index, stream in enumerate(gate.streams):
        yield from _contract_path_conflicts(f"{path}.streams[{index}].contract", stream.contract)


def _contract_path_conflicts(path: str, contract: str) -> Iterator[Conflict]:
    named = PurePosixPath(contract)
    if named.is_absolute() or ".." in named.parts or "\0" in contract:
        yield Conflict(
            path,
            "CONTRACT-PATH",
            "a contract must lie under the contracts folder",
            "Give its path relative to that folder, without `..`.",
        )


def _role_conflicts(path: str, gate: GateConfiguration) -> Iterator[Conflict]:
    """In one gate a topic has one role: a gate that reads what it writes would never end."""
    roles = {gate.control: "control", gate.ledger: "ledger", gate.holds: "holds"}
    if gate.control == gate.ledger:
        yield _role_conflict(f"{path}.ledger", gate.ledger, "control")
    if gate.holds in (gate.control, gate.ledger):
        yield _role_conflict(f"{path}.holds", gate.holds, roles[gate.holds])
    for index, stream in enumerate(gate.streams):
        for role, topic in (
            ("landing", stream.landing),
            ("trusted", stream.trusted),
            ("quarantine", stream.quarantine),
        ):
            if topic in roles:
                yield _role_conflict(f"{path}.streams[{index}].{role}", topic, roles[topic])
            roles.setdefault(topic, role)


def _role_conflict(path: str, topic: str, role: str) -> Conflict:
    return Conflict(
        path, "TOPIC-ROLE", f"the topic {topic} is already this gate's {role} topic", "Give each role its own topic."
    )


def _shared_outputs(configuration: Configuration) -> Iterator[Conflict]:
    """No two gates of a cluster write the same topic: neither could account for it."""
    writers: dict[tuple[str, str], str] = {}
    for name, gate in configuration.gates.items():
        outputs = [(f"$.gates.{name}.ledger", gate.ledger), (f"$.gates.{name}.holds", gate.holds)]
        for index, stream in enumerate(gate.streams):
            outputs.append((f"$.gates.{name}.streams[{index}].trusted", stream.trusted))
            outputs.append((f"$.gates.{name}.streams[{index}].quarantine", stream.quarantine))
        for path, topic in outputs:
            writer = writers.setdefault((gate.cluster, topic), name)
            if writer != name:
                yield Conflict(
                    path, "TOPIC-ROLE", f"the gate {writer} already writes the topic {topic}", "Use another topic."
                )


def _adopted_conflicts(path: str, adopted: QuarantineConfiguration, configuration: Configuration) -> Iterator[Conflict]:
    """A replay writes neither where the record came from, nor what a gate accounts for."""
    yield from _cluster_conflicts(path, adopted.cluster, configuration)
    if adopted.name in configuration.gates:
        yield Conflict(path, "NAME", "a gate has this name already", "Both name transactions by it: use another one.")
    of_gates = _topics_of_gates(configuration, adopted.cluster)
    for key, topic in (("topic", adopted.topic), ("holds", adopted.holds)):
        if topic in of_gates:
            yield _gate_topic(f"{path}.{key}", topic, of_gates[topic])
    if adopted.holds == adopted.topic:
        yield _role_conflict(f"{path}.holds", adopted.holds, "quarantine")
    for other in configuration.quarantines.values():
        both = other.name < adopted.name and other.cluster == adopted.cluster
        if both and {other.topic, other.holds} & {adopted.topic, adopted.holds}:
            yield Conflict(
                f"{path}.topic",
                "TOPIC-ROLE",
                f"the quarantine {other.name} has its topic or its holds topic already",
                "What became of a record is written down in one place: adopt a topic once.",
            )
    for index, source in enumerate(adopted.sources):
        here = f"{path}.sources[{index}]"
        if source.target in (source.topic, adopted.topic, adopted.holds):
            yield Conflict(
                f"{here}.target",
                "TOPIC-ROLE",
                "a replay would write to where the record came from or is held",
                "Name a retry or repair topic that the application reads too.",
            )
        elif source.target in of_gates:
            yield _gate_topic(f"{here}.target", source.target, of_gates[source.target])
        if source.contract and configuration.gate_stream(adopted.cluster, source.topic) is not None:
            yield Conflict(
                f"{here}.contract",
                "CONTRACT-TWICE",
                f"a gate has {source.topic} under a contract already",
                "Leave it out: the contract in force there judges here too.",
            )
        yield from _contract_path_conflicts(f"{here}.contract", source.contract)


def _topics_of_gates(configuration: Configuration, cluster: str) -> dict[str, str]:
    """Every topic that a gate reads or writes, with the gate's name."""
    found: dict[str, str] = {}
    for name, gate in configuration.gates.items():
        if gate.cluster == cluster:
            own = [gate.control, gate.ledger, gate.holds]
            own += [topic for s in gate.streams for topic in (s.landing, s.trusted, s.quarantine)]
            found |= dict.fromkeys(own, name)
    return found


def _gate_topic(path: str, topic: str, gate: str) -> Conflict:
    return Conflict(
        path,
        "TOPIC-ROLE",
        f"the topic {topic} belongs to the gate {gate}, which accounts for every record on it",
        "Use another topic; a gate's own quarantine needs no adoption.",
    )
