"""What the watch tells of how long streams take."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.metrics.watch_collector import WatchCollector
from watermaster.monitor.carriage import Carried, bucket_of
from watermaster.runtime.incident_watch import WatchState


def test_quantiles_of_the_last_minutes() -> None:
    waits = {bucket_of(128): 98, bucket_of(1024): 1, bucket_of(4096): 1}
    state = WatchState(0, carried=(Carried("primary", "g", "orders", appended=False, waits=waits),))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WatchCollector(lambda: state, MemoryClock()))

    def told(quantile: float) -> float | None:
        labels = {"cluster_name": "primary", "gate": "g", "topic": "orders", "since": "create"}
        return registry.get_sample_value("watermaster_latency_seconds", labels | {"quantile": str(quantile)})

    assert (told(0.5), told(0.99), told(1.0)) == (0.128, 1.024, 4.096)
    state = WatchState(0)
    assert told(0.5) is None
    assert b"# TYPE watermaster_latency_seconds gauge" in generate_latest(registry)
