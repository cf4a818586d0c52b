"""The contracts of an adopted quarantine: those in force at gates, and files of the contracts folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError

from watermaster.adapters.kafka.log_reader import KafkaLogReader
from watermaster.runtime.adopted_contracts import AdoptedContracts, contract_file
from watermaster.runtime.configuration import Configuration, QuarantineConfiguration, SourceConfiguration
from watermaster.runtime.contracts_in_force import Contracts, ContractsInForce, InForce
from watermaster.runtime.crash_points import perhaps_crashing
from watermaster.runtime.schema_shelf import SchemaShelf, fetching_judge
from watermaster.stream.fault import Fault, UsageFault
from watermaster.wiring.contract import compile_checks


def adopted_contracts(
    configuration: Configuration,
    adopted: QuarantineConfiguration,
    settings: Mapping[str, Any],
    translate: Callable[[KafkaError], Fault],
    schemas: SchemaShelf,
) -> AdoptedContracts:
    """By which contract each source is judged. Raises UsageFault for a contract that cannot be read or compiled."""
    gates: dict[str, tuple[Contracts, str]] = {}
    files: dict[str, InForce] = {}
    for source in adopted.sources:
        found = configuration.gate_stream(adopted.cluster, source.topic)
        if found is not None:
            gate, stream = found
            contracts = ContractsInForce(
                KafkaLogReader(settings, gate.control, translate),
                {stream.landing: stream.schema_object},
                compile_checks,
                lambda checks: perhaps_crashing(fetching_judge(checks, schemas)),
                time.sleep,
            )
            contracts.load()
            gates[source.topic] = contracts, stream.landing
        elif source.contract:
            files[source.topic] = _of_file(configuration, source, schemas)
    return AdoptedContracts(gates, files)


def _of_file(configuration: Configuration, source: SourceConfiguration, schemas: SchemaShelf) -> InForce:
    path = configuration.contracts / source.contract
    try:
        document = path.read_bytes()
    except OSError as error:
        raise UsageFault(
            "WM-CONTRACT-FILE",
            f"cannot read the contract {path}: {error.strerror}",
            hint="Look at `contracts` and `contract` in watermaster.yaml.",
        ) from error
    checks = compile_checks(document, source.contract, source.schema_object)
    return contract_file(source.topic, document, checks, fetching_judge(checks, schemas))
