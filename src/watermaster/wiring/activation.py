"""Activations and operators' words, written to the control topic."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager

from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import KafkaLogReader
from watermaster.adapters.kafka.note_writer import KafkaNoteWriter
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.adapters.system_clock import SystemClock
from watermaster.contract.activation import Activation, ControlState, resume_key
from watermaster.gate.verdict import Judge
from watermaster.runtime.activate import (
    ActivationPlan,
    Document,
    plan_activation,
    read_control,
    write_activation,
)
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.ports import Output
from watermaster.runtime.schema_shelf import SchemaShelf, fetching_judge
from watermaster.stream.fault import Fault, UsageFault
from watermaster.wiring.contract import compile_checks
from watermaster.wiring.registry import reading_shelf, registry_of


def find_stream(configuration: Configuration, stream: str) -> tuple[GateConfiguration, StreamConfiguration]:
    """The gate and the stream of a landing or trusted topic. Raises UsageFault."""
    known = []
    for gate in configuration.gates.values():
        for candidate in gate.streams:
            if stream in (candidate.landing, candidate.trusted):
                return gate, candidate
            known.append(candidate.landing)
    raise UsageFault(
        "WM-STREAM-NAME",
        f"no gate has a stream {stream!r}; configured: {', '.join(known) or 'none'}",
        hint="Name the landing topic as it stands in watermaster.yaml.",
    )


def cluster_of(configuration: Configuration, stream: str) -> ClusterConfiguration:
    """The cluster of a landing or trusted topic. Raises UsageFault."""
    gate, _ = find_stream(configuration, stream)
    return configuration.clusters[gate.cluster]


def plan(
    configuration: Configuration, stream: str, *, document: bytes | None, rollback_to: int | None, why: str
) -> ActivationPlan:
    """The activation of the configured contract file, of `document`, or of an earlier activation's contract."""
    gate, found = find_stream(configuration, stream)
    settings = client_settings(configuration.clusters[gate.cluster])
    with _control(configuration, gate) as control:
        state = read_control(control)
    content = _content(configuration, found, state, document, rollback_to)
    checks = compile_checks(content, found.contract, found.schema_object)
    shelf = reading_shelf(gate.cluster, registry_of(configuration, configuration.clusters[gate.cluster]))
    reader = KafkaTopicReader(settings, translate_error)
    try:
        return plan_activation(
            stream=found.landing,
            document=Document(content, checks),
            state=state,
            judge=fetching_judge(checks, shelf),
            judge_in_force=_judge_in_force(state, found, shelf),
            reader=reader,
            by=getpass.getuser(),
            why=why,
            now_ms=SystemClock().now_ms(),
            rolls_back=rollback_to is not None,
        )
    finally:
        reader.close()


def _judge_in_force(state: ControlState, stream: StreamConfiguration, shelf: SchemaShelf) -> Judge | Fault | None:
    """None if no contract is in force; the fault of one that this version cannot judge by: that is to be replaced."""
    in_force = state.in_force(stream.landing)
    if in_force is None:
        return None
    try:
        checks = compile_checks(state.contracts[in_force.contract], in_force.contract, stream.schema_object)
        return fetching_judge(checks, shelf)
    except UsageFault as fault:
        return fault


def _content(
    configuration: Configuration,
    stream: StreamConfiguration,
    state: ControlState,
    document: bytes | None,
    rollback_to: int | None,
) -> bytes:
    if rollback_to is not None:
        earlier = state.activations.get(stream.landing, {}).get(rollback_to)
        if earlier is None or earlier.contract not in state.contracts:
            raise UsageFault(
                "WM-ACTIVATION-UNKNOWN",
                f"{stream.landing} has no activation {rollback_to}",
                hint="`watermaster contract activations` lists them.",
            )
        return state.contracts[earlier.contract]
    if document is not None:
        return document
    path = configuration.contract_path(stream)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageFault(
            "WM-CONTRACT-FILE",
            f"cannot read the contract {path}: {error.strerror}",
            hint="Look at `contracts` and `contract` in watermaster.yaml.",
        ) from error


def write(configuration: Configuration, activation_plan: ActivationPlan) -> None:
    """Put the planned contract in force."""
    gate, _ = find_stream(configuration, activation_plan.activation.stream)
    writer = KafkaNoteWriter(client_settings(configuration.clusters[gate.cluster]), translate_error)
    with _control(configuration, gate) as control:
        write_activation(activation_plan, gate.control, writer, control)


def activations(configuration: Configuration, stream: str) -> list[Activation]:
    """All activations of a stream, oldest first."""
    gate, found = find_stream(configuration, stream)
    with _control(configuration, gate) as control:
        state = read_control(control)
    known = state.activations.get(found.landing, {})
    return [known[number] for number in sorted(known)]


def resume_stream(
    configuration: Configuration, gate_name: str, stream: str, *, why: str, write: bool
) -> dict[str, object]:
    """An operator's word to a paused stream, for the activation that is in force now."""
    gate, found = find_stream(configuration, stream)
    settings = client_settings(configuration.clusters[gate.cluster])
    with _control(configuration, gate) as control:
        in_force = read_control(control).in_force(found.landing)
    word: dict[str, object] = {
        "gate": gate_name,
        "stream": found.landing,
        "activation": in_force.number if in_force is not None else 0,
        "by": getpass.getuser(),
        "at_ms": SystemClock().now_ms(),
        "why": why,
    }
    if write:
        key = resume_key(gate_name, found.landing)
        output = Output(gate.control, 0, key, json.dumps(word).encode(), None, [])
        KafkaNoteWriter(settings, translate_error).write([output])
    return word


@contextmanager
def _control(configuration: Configuration, gate: GateConfiguration) -> Iterator[KafkaLogReader]:
    settings = client_settings(configuration.clusters[gate.cluster])
    reader = KafkaLogReader(settings, gate.control, translate_error)
    try:
        yield reader
    finally:
        reader.close()
