"""What the runtime asks of a schema registry, and of whatever remembers its answers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from watermaster.gate.schema import Schema, SchemaId


class SchemaRegistry(Protocol):
    """Asks; keeps nothing."""

    def schema(self, schema_id: SchemaId) -> Schema | None:
        """The schema with what it refers to; None only if the registry says that it has no such id.

        Raises WorldFault if it cannot be asked, or answers what no registry answers.
        """
        ...


class SchemaMemory(Protocol):
    """What an id meant when it was first asked for. Outlives the process that asked, unless it says otherwise."""

    def recall(self, schema_id: SchemaId) -> Schema | None:
        """The schema that was remembered; None if none was. Raises WorldFault."""
        ...

    def remember(self, schema_id: SchemaId, schema: Schema) -> None:
        """Keep it for good. Raises WorldFault."""
        ...


class SchemaSupply(Protocol):
    """Sees to it that schemas are at hand before records are read."""

    def fetch(self, ids: Collection[SchemaId]) -> None:
        """Returns when each is known, or surely unknown. Raises WorldFault if one cannot be told now."""
        ...

    def is_ready(self, ids: Collection[SchemaId]) -> bool:
        """As `fetch`, for who waits and asks often: the registry is asked at intervals, and nothing is raised."""
        ...
