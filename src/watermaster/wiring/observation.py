"""`init` and `status`: an observer of real Kafka joined to the use cases that look through it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from watermaster.adapters.files.configuration_file import load_configuration, load_registry
from watermaster.adapters.files.new_files import refuse_existing, write_new_files
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.observation import KafkaObserver
from watermaster.runtime.configuration import ClusterConfiguration, Configuration
from watermaster.runtime.initial_registry import RegistryReads, read_plain
from watermaster.runtime.initialize import InitialLook, take_look
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.status import StatusReport, take_status
from watermaster.stream.fault import UsageFault
from watermaster.wiring.registry import brief_shelf

__all__ = [
    "chosen_clusters",
    "load_configuration",
    "load_registry",
    "look_at",
    "refuse_existing",
    "status_of",
    "write_new_files",
]


def look_at(cluster: ClusterConfiguration, registry: RegistryConfiguration | None = None) -> InitialLook:
    """Connect and look at every topic; read-only. Raises a fault if the cluster cannot be reached."""
    reads = read_plain if registry is None else RegistryReads(brief_shelf(registry))
    return take_look(KafkaObserver(connect(cluster)), reads)


def status_of(config: Path, cluster: str | None) -> StatusReport:
    """The status of the clusters of a configuration, or of one of them."""
    configuration = load_configuration(config)
    names = chosen_clusters(configuration, cluster)
    return take_status(configuration, names, _observe, now_ms=lambda: int(time.time() * 1000))


def _observe(cluster: ClusterConfiguration) -> KafkaObserver:
    return KafkaObserver(connect(cluster))


def one_cluster(configuration: Configuration, cluster: str | None) -> str:
    """The name of the one asked for, or of the only one. Raises UsageFault."""
    names = chosen_clusters(configuration, cluster)
    if len(names) != 1:
        raise UsageFault(
            "WM-CLUSTER-CHOICE", f"there are {len(names)} clusters: {', '.join(names)}", hint="Name one: --cluster."
        )
    return names[0]


def chosen_clusters(configuration: Configuration, cluster: str | None) -> Sequence[str]:
    """The names of all clusters, or of the one asked for. Raises UsageFault WM-STATUS-CLUSTER."""
    known: Mapping[str, ClusterConfiguration] = configuration.clusters
    if cluster is None:
        return tuple(known)
    if cluster not in known:
        raise UsageFault(
            "WM-STATUS-CLUSTER",
            f"No cluster is called {cluster}.",
            hint=f"Clusters in {configuration.path.name}: {', '.join(sorted(known))}.",
        )
    return (cluster,)
