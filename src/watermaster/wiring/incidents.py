"""`monitor` and `incident`: clusters, database and alert routes joined to the watch."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from watermaster.adapters.alerts.sender import HttpSender
from watermaster.adapters.database.budgets import DatabaseBudgets
from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.hours import DatabaseHours
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.database.profiles import DatabaseProfiles
from watermaster.adapters.database.runs import DatabaseRuns
from watermaster.adapters.database.trials import DatabaseTrials
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.metrics.families import JoinedCollector
from watermaster.adapters.metrics.fleet_collector import FleetCollector
from watermaster.adapters.metrics.server import MetricsServer
from watermaster.adapters.metrics.watch_collector import WatchCollector, watch_health
from watermaster.adapters.system_clock import SystemClock
from watermaster.incident.answer import Surroundings, answer
from watermaster.incident.incident import Incident
from watermaster.incident.life import State
from watermaster.incident.paging import Happening
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.runtime.budgets import Budgets, PromisedStream
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.fleet_watch import LookMemory
from watermaster.runtime.incident_ports import Delivery, Message, RouteTrial, Senders
from watermaster.runtime.incident_settings import AlertKind
from watermaster.runtime.incident_watch import IncidentWatch, WatchState
from watermaster.stream.fault import Fault, UsageFault
from watermaster.wiring.contract_changes import ContractChanges
from watermaster.wiring.data_watches import carriage_of, data_watches, owners_of, promised_reactions, promised_streams
from watermaster.wiring.index_keeping import IndexKeeper
from watermaster.wiring.ledger_news import LedgerTails
from watermaster.wiring.monitoring import open_fleet

STEP_S = 0.2
"""How soon a stop is noticed between two looks."""


def open_incidents(config: Path) -> DatabaseIncidents:
    """The incidents of a configuration; its tables are brought up to date."""
    configuration = load_configuration(config)
    return DatabaseIncidents(open_database(configuration.database, configuration.state_directory))


def run_monitor(
    config: Path,
    should_stop: Callable[[], bool],
    on_turn: Callable[[WatchState], None],
    wait: Callable[[float], object],
) -> None:
    """Watch until told to stop. A database that is away for a while is named, and tried again."""
    configuration = load_configuration(config)
    clock, poll_ms = SystemClock(), configuration.monitor.poll_ms
    memory = LookMemory(open_fleet(config, None), poll_ms / 1000, clock.now_ms)
    engine = open_database(configuration.database, configuration.state_directory)
    changes, ledgers = ContractChanges(configuration), LedgerTails(configuration)
    carriage, keeper = carriage_of(configuration), IndexKeeper(configuration)
    streams, kept = promised_streams(configuration), DatabaseBudgets(engine)
    watch = IncidentWatch(
        configuration,
        memory.look,
        DatabaseIncidents(engine),
        senders_of(configuration),
        clock,
        holder=f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}",
        owners=owners_of(configuration),
        batches=DatabaseRuns(engine).newest,
        changes=changes,
        budgets=Budgets(configuration, streams, kept, ledgers, carriage.take_worst),
        data=(*data_watches(configuration, engine, carriage), keeper),
        reactions=promised_reactions(configuration),
    )
    host, _, port = configuration.monitor.listen.rpartition(":")
    clusters = FleetCollector(
        memory.looks, tuple(configuration.clusters), lambda: memory.age_ms, lambda: watch.state.leads
    )
    collector = JoinedCollector(WatchCollector(lambda: watch.state, clock), clusters)
    server = MetricsServer(host, int(port), None, collector, lambda: watch_health(watch.state, clock.now_ms(), poll_ms))
    with server, closing(changes), closing(ledgers), closing(keeper):
        while not should_stop():
            due_s = clock.monotonic_s() + poll_ms / 1000
            try:
                watch.turn()
            except Fault as fault:
                watch.fail(fault)
            on_turn(watch.state)
            while not should_stop() and clock.monotonic_s() < due_s:
                wait(min(STEP_S, max(0.0, due_s - clock.monotonic_s())))


def senders_of(configuration: Configuration) -> Senders:
    """One sender for each route, and the dead man's switches."""
    routes = {name: HttpSender(alert) for name, alert in configuration.alerts.items()}
    kinds = {name: alert.kind for name, alert in configuration.alerts.items()}
    return Senders(
        {name: sender for name, sender in routes.items() if kinds[name] is not AlertKind.HEARTBEAT},
        {name: sender.beat for name, sender in routes.items() if kinds[name] is AlertKind.HEARTBEAT},
    )


def open_budgets(config: Path) -> tuple[Sequence[PromisedStream], DatabaseBudgets]:
    """The objectives of a configuration and their histories."""
    configuration = load_configuration(config)
    engine = open_database(configuration.database, configuration.state_directory)
    return promised_streams(configuration), DatabaseBudgets(engine)


def open_hours(config: Path) -> tuple[Sequence[str], DatabaseHours]:
    """The clusters of a configuration, and the hours that are kept of their topics."""
    configuration = load_configuration(config)
    engine = open_database(configuration.database, configuration.state_directory)
    return tuple(configuration.clusters), DatabaseHours(engine)


def open_landings(config: Path, cluster: str | None) -> tuple[Mapping[str, Sequence[str]], DatabaseProfiles]:
    """The landing topics of gates by cluster, and the profiles that are kept of them."""
    configuration = load_configuration(config)
    found: dict[str, list[str]] = {}
    for gate in configuration.gates.values():
        if cluster in (None, gate.cluster):
            found.setdefault(gate.cluster, []).extend(gate.landings)
    return found, DatabaseProfiles(open_database(configuration.database, configuration.state_directory))


def open_profiles(config: Path, cluster: str | None, stream: str) -> tuple[Sequence[str], DatabaseProfiles]:
    """The clusters on which a gate reads a stream, and the profiles that are kept of it. Raises UsageFault."""
    configuration = load_configuration(config)
    gates = [gate for gate in configuration.gates.values() if cluster in (None, gate.cluster)]
    clusters = [gate.cluster for gate in gates if stream in gate.landings]
    if not clusters:
        landings = sorted({landing for gate in gates for landing in gate.landings})
        raise UsageFault(
            "WM-STATUS-STREAM",
            f"No gate reads a topic {stream!r}.",
            hint=f"Fields are sampled on landing topics: {', '.join(landings) or 'none is configured'}.",
        )
    engine = open_database(configuration.database, configuration.state_directory)
    return list(dict.fromkeys(clusters)), DatabaseProfiles(engine)


@dataclass(frozen=True, slots=True)
class Trials:
    """What became of a trial page on each route; `unkept` says why that could not be recorded."""

    told: Mapping[str, Delivery]
    unkept: Fault | None = None


def try_routes(config: Path, now_ms: int) -> Trials:
    """Send a page that says that it is a trial, and its end, to every route, and keep for `readiness` what came of it.

    Raises UsageFault if there is no route. A database that is away hinders no trial.
    """
    configuration = load_configuration(config)
    senders = senders_of(configuration)
    if not configuration.alerts:
        raise UsageFault(
            "WM-ALERTS-NONE", "No alert route is configured.", hint="Add `alerts:` to watermaster.yaml; see the README."
        )
    incident = _trial(now_ms)
    ended = replace(incident, state=State.RESOLVED, resolved_ms=now_ms, summary="The trial is over.")
    told = {name: beat() for name, beat in senders.heartbeats.items()}
    for name, sender in senders.routes.items():
        key = f"{incident.dedup_key}/{name}"
        told[name] = sender.send(Message(f"{key}/1", name, Happening.TRIGGER, incident), now_ms)
        if not told[name].refused:
            told[name] = sender.send(Message(f"{key}/2", name, Happening.RESOLVE, ended), now_ms)
    trials = [
        RouteTrial(name, now_ms, told[name].refused, alert.fingerprint) for name, alert in configuration.alerts.items()
    ]
    try:
        DatabaseTrials(open_database(configuration.database, configuration.state_directory)).keep(trials)
    except Fault as fault:
        return Trials(told, fault)
    return Trials(told)


def _trial(now_ms: int) -> Incident:
    """An incident that never was."""
    said = ("This is a trial of the alert route; nothing is broken.",)
    signal = Signal(SignalKind.CONSUMER_STOPPED, Subject("trial"), now_ms, said)
    answers = answer([signal], Surroundings())
    return Incident(0, "trial", "trial", said[0], State.OPEN, 1, now_ms, now_ms, (signal,), answers)
