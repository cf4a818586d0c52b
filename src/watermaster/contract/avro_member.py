"""What members of records in Avro are called in JSON: the name, or the one under `altnames` (Plain JSON for Avro)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def json_names(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """The JSON name of each field of one record; where two would share one, all keep their own names."""
    names = [_json_name(field) for field in fields]
    return names if len(set(names)) == len(names) else [str(field["name"]) for field in fields]


def _json_name(field: Mapping[str, Any]) -> str:
    others = field.get("altnames")
    name = others.get("json") if isinstance(others, dict) else None
    return name if isinstance(name, str) else str(field["name"])
