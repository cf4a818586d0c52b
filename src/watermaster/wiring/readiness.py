"""`readiness`: a contract's promises and the facts of real Kafka brought together; reads only."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.trials import DatabaseTrials
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.contract.document import read_contract
from watermaster.monitor.promise import Promise, read_promise
from watermaster.monitor.readiness import judge_readiness
from watermaster.monitor.readiness_facts import AlertRoute, ReadinessFinding, Standby
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.incident_ports import RouteTrial
from watermaster.runtime.incident_settings import AlertConfiguration
from watermaster.stream.fault import Fault, UsageFault
from watermaster.wiring.observation import chosen_clusters
from watermaster.wiring.readiness_look import look_around


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
    around = look_around(configuration, names[0], stream, outage_ms)
    around = replace(
        around,
        standby=_standby(configuration, names[0], stream),
        routes=routes_of(configuration, time.time_ns() // 1_000_000),
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


def _standby(configuration: Configuration, cluster: str, stream: str) -> Standby:
    """Topics of the same name, or of MirrorMaker's, on the other clusters of this environment."""
    environment = configuration.clusters[cluster].environment
    looked, copies, unseen = [], [], []
    for name, other in configuration.clusters.items():
        if name == cluster or other.environment is not environment:
            continue
        try:
            found = KafkaTopicAdmin(connect(other).settings).look([stream, f"{cluster}.{stream}"])
        except Fault as fault:
            unseen.append(f"{name}: {fault.message}")
        else:
            looked.append(name)
            copies += [f"{topic} on {name}" for topic in found.topics]
    return Standby(tuple(looked), tuple(copies), tuple(unseen))


def routes_of(configuration: Configuration, now_ms: int) -> tuple[AlertRoute, ...] | None:
    """The routes with their trials; None if the database could not be read. A file that is not there is not made."""
    alerts = configuration.alerts.values()
    if not alerts:
        return ()
    try:
        if configuration.database or (configuration.state_directory / "watermaster.db").exists():
            engine = open_database(configuration.database, configuration.state_directory)
            trials = DatabaseTrials(engine).newest()
        else:
            trials = {}
    except Fault:
        return None
    return tuple(_route(alert, trials.get(alert.name), now_ms) for alert in alerts)


def _route(alert: AlertConfiguration, trial: RouteTrial | None, now_ms: int) -> AlertRoute:
    if trial is None or trial.fingerprint != alert.fingerprint:
        return AlertRoute(alert.name)
    return AlertRoute(alert.name, max(0, now_ms - trial.at_ms), trial.refused)
