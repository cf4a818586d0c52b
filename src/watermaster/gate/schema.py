"""Schemas as a registry keeps them, and how records name them. Pure values: asking a registry is `runtime`'s."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

SchemaId: TypeAlias = int | UUID
"""The number of four bytes of a frame with magic 0, or the GUID of one with magic 1 or in a header."""

AVRO: Final = "AVRO"
JSON: Final = "JSON"
OVERSIZE: Final = "oversize"
"""Stands for the kind of a schema whose text is beyond every limit, so that nobody read it."""

TEXT_CHARACTERS_MAX: Final = 1024 * 1024
"""Of a schema with all that it refers to: real ones have a few thousand, and reading them takes memory and time."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema. `kind` is the registry's word for its language; what it refers to comes before what refers to it."""

    kind: str
    text: str
    references: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Equal for equal meaning: the order of members and white space do not count, since registries change them."""
        parts = [self.kind, *map(_plain, (self.text, *self.references))]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


Lookup: TypeAlias = Callable[[SchemaId], Schema | None]
"""A schema that was fetched before; None if the registry does not know the id, for longer than anybody waits."""


def _plain(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text
