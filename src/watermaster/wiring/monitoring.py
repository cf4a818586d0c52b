"""`status --lag`, `--horizon` and what watches: surveyors of real Kafka joined to the monitor."""

from __future__ import annotations

from pathlib import Path

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.fleet import Fleet
from watermaster.wiring.observation import chosen_clusters


def open_fleet(config: Path, cluster: str | None) -> Fleet:
    """A monitor for each cluster of a configuration, or for one of them; nothing is connected yet."""
    configuration = load_configuration(config)
    return Fleet(configuration, chosen_clusters(configuration, cluster), _surveyor)


def _surveyor(cluster: ClusterConfiguration) -> KafkaSurveyor:
    return KafkaSurveyor(connect(cluster))
