"""A folder with one file for each schema that was ever asked for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from watermaster.adapters.files.durable_file import write_durably
from watermaster.gate.schema import Schema, SchemaId
from watermaster.stream.fault import WorldFault


class SchemaFolder:
    """Implements `SchemaMemory`. The workers of a gate share it: a file appears whole and is never written again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def recall(self, schema_id: SchemaId) -> Schema | None:
        """See `SchemaMemory.recall`."""
        path = self._path(schema_id)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Schema)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise WorldFault(
                "WM-SCHEMA-MEMORY",
                f"{path} cannot be read ({type(error).__name__})",
                hint="It remembers what a schema id means. Check its permissions; if it is damaged, remove it.",
                retriable=True,
            ) from None

    def remember(self, schema_id: SchemaId, schema: Schema) -> None:
        """See `SchemaMemory.remember`."""
        path = self._path(schema_id)
        try:
            write_durably(path, msgspec.json.encode(schema).decode())
        except WorldFault as fault:
            if self.recall(schema_id) is None:  # else another worker was a little faster
                raise WorldFault(fault.code, fault.message, hint=fault.hint, retriable=True) from None

    def _path(self, schema_id: SchemaId) -> Path:
        return self._directory / f"{schema_id}.json"
