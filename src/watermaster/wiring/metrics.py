"""`metrics`: looks at clusters served to Prometheus, and the rules and the dashboard that make use of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.metrics.fleet_collector import FleetCollector
from watermaster.adapters.metrics.server import MetricsServer
from watermaster.adapters.prometheus.watched import Watched, WatchedGate, WatchedObjective
from watermaster.contract.compiler import owner
from watermaster.contract.document import read_contract
from watermaster.monitor.objective import read_objectives
from watermaster.runtime.configuration import Configuration, GateConfiguration, StreamConfiguration
from watermaster.runtime.fleet_watch import FleetWatch
from watermaster.stream.fault import UsageFault
from watermaster.wiring.monitoring import open_fleet
from watermaster.wiring.observation import chosen_clusters


@contextmanager
def serve_metrics(
    config: Path, cluster: str | None, host: str, port: int, token_file: Path | None, every_s: float
) -> Iterator[tuple[str, int]]:
    """Look and serve until the block ends; gives the address. Raises UsageFault WM-METRICS-… if it cannot be served."""
    names = chosen_clusters(load_configuration(config), cluster)
    watch = FleetWatch(open_fleet(config, cluster), every_s, lambda: time.time_ns() // 1_000_000)
    collector = FleetCollector(watch.looks, names, lambda: watch.age_ms)
    server = MetricsServer(host, port, token_file, collector, watch.health)
    with server, watch:
        yield server.address


def watched_by(config: Path) -> Watched:
    """What the configuration and its contracts want watched; connects to nothing.

    Raises UsageFault WM-METRICS-CONTRACT for a contract that cannot be used: without its promises rules are silent.
    """
    configuration = load_configuration(config)
    gates = configuration.gates.values()
    objectives = [
        found for gate in gates for stream in gate.streams for found in _objectives(configuration, gate, stream)
    ]
    return Watched(
        clusters=tuple(configuration.clusters),
        gates=tuple(WatchedGate(gate.name, gate.cluster, gate.metrics_listen is not None) for gate in gates),
        objectives=tuple(objectives),
        loss_near_ms=configuration.monitor.loss_near_ms,
        kept_share_min=configuration.monitor.kept_share_min,
        pages=bool(configuration.alerts),
        runbooks=configuration.runbooks,
    )


def _objectives(
    configuration: Configuration, gate: GateConfiguration, stream: StreamConfiguration
) -> Iterator[WatchedObjective]:
    path = configuration.contract_path(stream)
    try:
        read = read_contract(path.read_bytes(), path.name)
    except OSError as error:
        hint = f"{error.strerror}. The stream {stream.landing} of the gate {gate.name} names it."
        raise UsageFault("WM-METRICS-CONTRACT", f"{path} cannot be read.", hint=hint) from error
    if read.problems:
        hint = f"`watermaster contract lint {path}` names every problem."
        raise UsageFault("WM-METRICS-CONTRACT", f"{path} is no valid contract.", hint=hint)
    _, by_pattern = configuration.owner_by_pattern(stream.landing) or (None, None)
    whose = owner(read.document) or by_pattern
    for objective in read_objectives(read.document):
        yield WatchedObjective(gate.cluster, gate.name, gate.group_id, stream.landing, whose, objective)
