"""A schema registry, and what remembers it, in memory."""

from __future__ import annotations

from watermaster.gate.schema import Schema, SchemaId
from watermaster.stream.fault import WorldFault


class MemoryRegistry:
    """Implements `SchemaRegistry`. It may be told to fail, or to tell another schema."""

    def __init__(self) -> None:
        self.schemas: dict[SchemaId, Schema] = {}
        self.fault: WorldFault | None = None
        self.asked: list[SchemaId] = []

    def schema(self, schema_id: SchemaId) -> Schema | None:
        """See `SchemaRegistry.schema`."""
        self.asked.append(schema_id)
        if self.fault is not None:
            raise self.fault
        return self.schemas.get(schema_id)


class MemorySchemas:
    """Implements `SchemaMemory`, for a process's life: for who only reads and leaves nothing behind."""

    def __init__(self) -> None:
        self._schemas: dict[SchemaId, Schema] = {}

    def recall(self, schema_id: SchemaId) -> Schema | None:
        """See `SchemaMemory.recall`."""
        return self._schemas.get(schema_id)

    def remember(self, schema_id: SchemaId, schema: Schema) -> None:
        """See `SchemaMemory.remember`."""
        self._schemas.setdefault(schema_id, schema)
