"""`metrics`: looks at clusters, served to Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.metrics.fleet_collector import FleetCollector
from watermaster.adapters.metrics.server import MetricsServer
from watermaster.runtime.fleet_watch import FleetWatch
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
