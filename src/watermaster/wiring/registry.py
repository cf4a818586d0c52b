"""The schema registry of a cluster, joined to who reads records."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from watermaster.adapters.memory.registry import MemorySchemas
from watermaster.adapters.registry.client import HttpRegistry
from watermaster.adapters.registry.folder import SchemaFolder
from watermaster.adapters.system_clock import SystemClock
from watermaster.gate.schema import Schema, SchemaId
from watermaster.runtime.configuration import ClusterConfiguration, Configuration
from watermaster.runtime.initial_registry import BriefRegistry
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.schema_ports import SchemaRegistry
from watermaster.runtime.schema_shelf import Report, SchemaShelf
from watermaster.stream.fault import WorldFault

MEMORY_FOLDER: Final = "schemas"
"""In the state directory: one folder for each registry."""


class NoRegistry:
    """Implements `SchemaRegistry` where none is named."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster

    def schema(self, schema_id: SchemaId) -> Schema | None:
        """See `SchemaRegistry.schema`; it always raises."""
        raise WorldFault(
            "WM-REGISTRY-NONE",
            f"records name the schema {schema_id}, and no registry is named for the cluster {self._cluster}",
            hint="With --bootstrap add --registry URL. In watermaster.yaml add `registries: {main: {url: …}}`, and "
            f"`registry: main` under `clusters: {self._cluster}:`.",
        )


def registry_of(configuration: Configuration, cluster: ClusterConfiguration) -> RegistryConfiguration | None:
    """The registry that a cluster names."""
    return None if cluster.registry is None else configuration.registries[cluster.registry]


def gate_shelf(configuration: Configuration, cluster: str, report: Report) -> SchemaShelf:
    """For a gate: it waits for unknown ids, and remembers on the disk what every id means. Raises faults."""
    found = registry_of(configuration, configuration.clusters[cluster])
    memory = MemorySchemas() if found is None else SchemaFolder(memory_folder(configuration, found))
    wait_s = 0 if found is None else found.unknown_wait_ms / 1000
    return SchemaShelf(_registry(found, cluster), memory, SystemClock(), unknown_wait_s=wait_s, report=report)


def reading_shelf(cluster: str, registry: RegistryConfiguration | None) -> SchemaShelf:
    """For who looks once and leaves nothing behind: an unknown id is told at once. Raises faults."""
    return SchemaShelf(_registry(registry, cluster), MemorySchemas(), SystemClock(), unknown_wait_s=0)


def brief_shelf(registry: RegistryConfiguration) -> SchemaShelf:
    """For a look at many topics: as `reading_shelf`, and the registry is not asked for long. Raises faults."""
    brief = BriefRegistry(HttpRegistry(registry), SystemClock())
    return SchemaShelf(brief, MemorySchemas(), SystemClock(), unknown_wait_s=0)


def memory_folder(configuration: Configuration, registry: RegistryConfiguration) -> Path:
    """Where it is remembered what the ids of a registry mean."""
    return configuration.state_directory / MEMORY_FOLDER / registry.name


def _registry(found: RegistryConfiguration | None, cluster: str) -> SchemaRegistry:
    return NoRegistry(cluster) if found is None else HttpRegistry(found)
