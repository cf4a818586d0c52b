"""`reset`: positions on real Kafka, with backups in the state directory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.files.position_backup import read_backup, write_backup
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.position_admin import KafkaPositionAdmin
from watermaster.runtime.reset import Move, Target, plan_reset, plan_undo, reset
from watermaster.stream.fault import Fault
from watermaster.wiring.extending import one_cluster

BACKUPS_DIRECTORY = "positions"


class Resetter:
    """One cluster on which the positions of a group are to be moved."""

    def __init__(self, config: Path, cluster: str | None) -> None:
        """Connect. Raises what connecting raises, and UsageFault WM-CLUSTER."""
        configuration = load_configuration(config)
        self.cluster = one_cluster(configuration.clusters, cluster)
        connection = connect(self.cluster)
        self._cluster_id = connection.cluster.cluster_id
        self._admin = KafkaPositionAdmin(connection.settings)
        now_ms = time.time_ns() // 1_000_000
        self.backup_path = configuration.state_directory / BACKUPS_DIRECTORY / f"{now_ms}.json"

    def plan(self, group_id: str, topics: Sequence[str], target: Target) -> tuple[Move, ...]:
        """What would be moved."""
        return plan_reset(self._admin, group_id, topics, target)

    def plan_undo(self, backup: Path) -> tuple[str, tuple[Move, ...]]:
        """Whose positions would be put back, and which."""
        found = read_backup(backup)
        return found.group_id, plan_undo(self._admin, found, self._cluster_id)

    def apply(self, group_id: str, moves: Sequence[Move]) -> Fault | None:
        """Write the backup to `backup_path`, then move."""
        now_ms = time.time_ns() // 1_000_000
        return reset(
            self._admin,
            group_id,
            moves,
            self._cluster_id,
            lambda backup: write_backup(self.backup_path, backup),
            now_ms,
        )
