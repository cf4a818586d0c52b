"""`status` and what watches: surveyors of real Kafka joined to the monitor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import Connection, connect
from watermaster.adapters.kafka.observation import KafkaObserver
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.fleet import ClusterLook, Fleet
from watermaster.runtime.status import StatusReport, take_status
from watermaster.wiring.observation import chosen_clusters


def open_fleet(config: Path, cluster: str | None) -> Fleet:
    """A monitor for each cluster of a configuration, or for one of them; nothing is connected yet."""
    configuration = load_configuration(config)
    return Fleet(configuration, chosen_clusters(configuration, cluster), surveyor_of)


def look_and_status(config: Path, cluster: str | None) -> tuple[StatusReport, Mapping[str, ClusterLook]]:
    """The status of clusters, and a look at the groups of those that have answered, over the same first contact."""
    configuration = load_configuration(config)
    contacts: dict[str, Connection] = {}

    def observe(chosen: ClusterConfiguration) -> KafkaObserver:
        contacts[chosen.name] = connect(chosen)
        return KafkaObserver(contacts[chosen.name])

    names = chosen_clusters(configuration, cluster)
    report = take_status(configuration, names, observe, now_ms=lambda: int(time.time() * 1000))
    answered = [seen.name for seen in report.clusters if seen.cluster is not None]
    if not answered:
        return report, {}
    fleet = Fleet(configuration, answered, lambda chosen: KafkaSurveyor(contacts[chosen.name]))
    return report, {look.name: look for look in fleet.look()}


def surveyor_of(cluster: ClusterConfiguration) -> KafkaSurveyor:
    """Connect to a cluster. Raises a fault if it cannot be reached."""
    return KafkaSurveyor(connect(cluster))
