"""Everything that can be watched, and everything that is exposed, as values."""

from __future__ import annotations

import re
from dataclasses import replace

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from tests.runtime.surveyors import HOUR_MS, NOW, ORDERS, FixedSurveyor, readers, survey_of

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.metrics.collector import GateCollector
from watermaster.adapters.metrics.fleet_collector import FleetCollector
from watermaster.adapters.metrics.watch_collector import WatchCollector
from watermaster.adapters.prometheus.watched import Watched, WatchedGate, WatchedObjective
from watermaster.monitor.carriage import Carried
from watermaster.monitor.log import FirstUnread
from watermaster.monitor.log_directory import LogDirectory
from watermaster.monitor.objective import Indicator, Objective
from watermaster.runtime.data_watch import Returned
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.gate_statistics import Condition, GateStatistics, StreamCounts, WorkerStatistics
from watermaster.runtime.incident_watch import WatchState
from watermaster.runtime.monitor import Monitor
from watermaster.runtime.survey import Place, Placement

OBJECTIVES = (
    Objective(Indicator.LATENCY, 0.01, 5_000),
    Objective(Indicator.FREQUENCY, 0.01, 120_000),
    Objective(Indicator.AVAILABILITY, 0.01),
    Objective(Indicator.ERROR_RATE, 0.02),
)


def watched(*objectives: Objective) -> Watched:
    """One cluster, one gate, and its stream's objectives."""
    streams = tuple(WatchedObjective("primary", "g", "watermaster.g", "orders", "team-a", one) for one in objectives)
    return Watched(("primary",), (WatchedGate("g", "primary", scraped=True),), streams, 24 * HOUR_MS, 0.5, pages=True)


EVERYTHING = watched(*OBJECTIVES)


def used_names(expression: str) -> set[str]:
    """The metrics of an expression; label values are no names."""
    return set(re.findall(r"\b(?:kafka|watermaster)[a-z0-9_:]*", re.sub(r'"[^"]*"', "", expression)))


def exposed_names() -> set[str]:
    """The sample names of all three endpoints when there is something to say of everything."""
    return {
        sample.name
        for collector in (_fleet(), _gate(), _watch())
        for family in text_string_to_metric_families(_scrape(collector))
        for sample in family.samples
    }


def _scrape(collector: Collector) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry).decode()


def _fleet() -> Collector:
    """Two looks, between which the reader moves and a copy goes missing."""
    placements = {ORDERS: Placement(1, (1, 7), (1,))}
    surveys = [
        replace(
            survey_of(readers(position), end=1000, taken_ms=NOW + age_ms),
            placements=placements,
            directories=(LogDirectory(1, "/data", 1, 100, 50),),
            newest={ORDERS: NOW},
        )
        for position, age_ms in ((40, 0), (500, 120_000))
    ]
    probes = {Place(ORDERS, position): FirstUnread(position, NOW - 90_000) for position in (40, 500)}
    monitor = Monitor(FixedSurveyor(*surveys, probes=probes))
    monitor.look()
    look = ClusterLook("primary", "production", monitor.look(), ())
    return FleetCollector(lambda: [look], ["primary"], lambda: 0)


def _gate() -> Collector:
    statistics = GateStatistics("g")
    counts = StreamCounts(read=10, passed=7, held=2, dropped=1, activation=4, rules={"r": 2})
    conditions = {"failing": Condition("failing", "WM-X", "m", "h", 5)}
    worker = WorkerStatistics(
        0, {"orders": counts}, 3, {"WM-A": 1}, last_commit_ms=9, conditions=conditions, lags={"orders": 2}
    )
    statistics.take(worker)
    return GateCollector(lambda: statistics, MemoryClock())


def _watch() -> Collector:
    carried = (Carried("primary", "g", "orders", appended=True, waits={4: 1}),)
    returned = (Returned("primary", "probe", back=True, waits={4: 1}),)
    state = WatchState(
        0, leads=True, looked_ms=1, open_incidents={5: 1}, pages_waiting=0, carried=carried, returned=returned
    )
    return WatchCollector(lambda: state, MemoryClock())
