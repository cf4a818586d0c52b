"""`extend`: a look, the plan, and the change on real Kafka, with notes in the state directory."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from pathlib import Path

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.files.extension_notes import FileExtensionNotes
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.retention_admin import KafkaTopicRetention
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.monitor.extension import Extension
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.extend import (
    Restoration,
    extend,
    plan_extensions,
    plan_restorations,
    restore,
)
from watermaster.runtime.fleet import quarantines_of
from watermaster.runtime.monitor import Monitor
from watermaster.stream.fault import Fault, UsageFault

NOTES_DIRECTORY = "extensions"


class Extender:
    """One cluster whose topics are to keep records longer, or as before again."""

    def __init__(self, config: Path, cluster: str | None) -> None:
        """Connect. Raises UsageFault WM-CLUSTER if it is not clear which one, and what connecting raises."""
        configuration = load_configuration(config)
        self.cluster = one_cluster(configuration.clusters, cluster)
        self._quarantines = quarantines_of(configuration).get(self.cluster.name, ())
        self._connection = connect(self.cluster)
        self._retention = KafkaTopicRetention(self._connection.settings)
        self._notes = FileExtensionNotes(configuration.state_directory / NOTES_DIRECTORY)

    def plan(self, topics: Collection[str], wanted_ms: int) -> tuple[Extension, ...]:
        """What would be changed."""
        surveyor = KafkaSurveyor(self._connection)
        report = Monitor(surveyor, self._quarantines).look()
        surveyor.close()
        return plan_extensions(report, topics, wanted_ms)

    def apply(self, extension: Extension) -> Fault | None:
        """Change it; the note of what was is written before."""
        cluster_id = self._connection.cluster.cluster_id
        return extend(extension, cluster_id, self._retention, self._notes, time.time_ns() // 1_000_000)

    def plan_restorations(self, topics: Collection[str]) -> tuple[Restoration, ...]:
        """What would be put back."""
        return plan_restorations(self._connection.cluster.cluster_id, topics, self._retention, self._notes)

    def restore(self, restoration: Restoration) -> Fault | None:
        """Put it back; the note is removed after that."""
        return restore(restoration, self._retention, self._notes)


def one_cluster(clusters: Mapping[str, ClusterConfiguration], name: str | None) -> ClusterConfiguration:
    """The cluster that is to be changed: the named one, or the only one. Raises UsageFault WM-CLUSTER."""
    if name is not None and name in clusters:
        return clusters[name]
    if name is None and len(clusters) == 1:
        return next(iter(clusters.values()))
    said = "It is not clear which cluster is meant." if name is None else f"No cluster is called {name}."
    raise UsageFault("WM-CLUSTER", said, hint=f"Give --cluster: {', '.join(sorted(clusters))}.")
