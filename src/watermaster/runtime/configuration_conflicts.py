"""What one value of a configuration says against another: found before anything connects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.loopback import is_loopback


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction at a JSON path of the file (`$.gates.flights.cluster`)."""

    path: str
    code: str
    message: str
    hint: str


def find_conflicts(configuration: Configuration) -> Iterator[Conflict]:
    """Every contradiction, in the order of the file."""
    for name, gate in configuration.gates.items():
        path = f"$.gates.{name}"
        if gate.cluster not in configuration.clusters:
            known = ", ".join(sorted(configuration.clusters))
            yield Conflict(
                f"{path}.cluster", "CLUSTER", f"no cluster is called {gate.cluster}", f"Clusters here: {known}."
            )
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
        named = PurePosixPath(stream.contract)
        if named.is_absolute() or ".." in named.parts or "\0" in stream.contract:
            yield Conflict(
                f"{path}.streams[{index}].contract",
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
