"""The monitor's looks at many clusters side by side; one that does not answer is named and holds up nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from watermaster.runtime.configuration import ClusterConfiguration, Configuration
from watermaster.runtime.monitor import Monitor, MonitorReport
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Surveyor
from watermaster.stream.fault import Fault

CLUSTERS_AT_ONCE: Final = 16
"""Looks mostly wait for brokers; more threads than this only get into each other's way on a small machine."""


@dataclass(frozen=True, slots=True)
class ClusterLook:
    """One cluster; `report` is None if nobody answered, and `unseen` then says why."""

    name: str
    environment: str
    report: MonitorReport | None
    unseen: tuple[Unseen, ...]


class Fleet:
    """Keeps one monitor for each cluster that has answered, and tries the others again at each look."""

    def __init__(
        self,
        configuration: Configuration,
        clusters: Sequence[str],
        connect: Callable[[ClusterConfiguration], Surveyor],
    ) -> None:
        self._clusters = [configuration.clusters[name] for name in clusters]
        self._quarantines = quarantines_of(configuration)
        self._connect = connect
        self._monitors: dict[str, Monitor] = {}

    def look(self) -> tuple[ClusterLook, ...]:
        """One look at each cluster, in the order of the configuration."""
        with ThreadPoolExecutor(min(CLUSTERS_AT_ONCE, len(self._clusters))) as pool:
            return tuple(pool.map(self._look, self._clusters))

    def _look(self, cluster: ClusterConfiguration) -> ClusterLook:
        environment = cluster.environment.value
        try:
            if cluster.name not in self._monitors:
                surveyor = self._connect(cluster)
                self._monitors[cluster.name] = Monitor(surveyor, self._quarantines.get(cluster.name, ()))
            report = self._monitors[cluster.name].look()
        except Fault as fault:
            unseen = Unseen(f"cluster {cluster.name}", fault.message, fault.code)
            return ClusterLook(cluster.name, environment, None, (unseen,))
        return ClusterLook(cluster.name, environment, report, report.unseen)


def quarantines_of(configuration: Configuration) -> Mapping[str, Sequence[str]]:
    """The quarantine topics of the gates and the adopted ones, by cluster."""
    found: dict[str, list[str]] = {}
    for gate in configuration.gates.values():
        found.setdefault(gate.cluster, []).extend(stream.quarantine for stream in gate.streams)
    for adopted in configuration.quarantines.values():
        found.setdefault(adopted.cluster, []).append(adopted.topic)
    return found
