"""The formats that can be imported."""

from __future__ import annotations

from enum import Enum


class SchemaForm(Enum):
    """What a schema is written in."""

    JSON_SCHEMA = "json-schema"
    AVRO = "avro"
