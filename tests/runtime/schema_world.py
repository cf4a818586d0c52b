"""Schemas of a registry in memory, and records that name them."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.registry import MemoryRegistry, MemorySchemas
from watermaster.gate.schema import AVRO, JSON, Schema
from watermaster.runtime.schema_shelf import SchemaShelf
from watermaster.stream.fault import WorldFault

ORDER: Any = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"]}],
}
KEY: Any = {"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}, ORDER["fields"][1]]}
ORDER_ID, LONG_ID, KEY_ID, JSON_ID, PROTOBUF_ID, TEXT_ID = range(1, 7)
DOWN = WorldFault("WM-REGISTRY-UNREACHABLE", "it is down", hint="Wait.")


def registry() -> MemoryRegistry:
    made = MemoryRegistry()
    for number, schema in ((ORDER_ID, ORDER), (LONG_ID, "long"), (KEY_ID, KEY), (TEXT_ID, "string")):
        made.schemas[number] = Schema(AVRO, json.dumps(schema))
    made.schemas[JSON_ID] = Schema(JSON, "{}")
    made.schemas[PROTOBUF_ID] = Schema("PROTOBUF", "syntax")
    return made


def frame(number: int, content: bytes) -> bytes:
    return b"\0" + number.to_bytes(4, "big") + content


def avro(number: int, schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return frame(number, out.getvalue())


def order(number: int, note: str | None = None) -> bytes:
    return avro(ORDER_ID, ORDER, {"id": number, "note": note})


def shelf_of(known: MemoryRegistry) -> SchemaShelf:
    return SchemaShelf(known, MemorySchemas(), MemoryClock(), unknown_wait_s=0)
