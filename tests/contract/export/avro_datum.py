"""A JSON document as what fastavro writes by an exported schema: the rules of `contract.export.avro`, the other way."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.contract.temporal import parse_temporal

ANYTHING = FieldCheck("", "", LogicalType.ANY)
EXACT = {"date": 1, "time-micros": 1000, "timestamp-micros": 1000, "local-timestamp-micros": 1000}
"""How many of `parse_temporal`'s units one of the type has."""


def datum(value: Any, check: FieldCheck, schema: Any) -> Any:  # noqa: PLR0911 - a case for each type
    if isinstance(schema, list):
        return None if value is None else datum(value, check, schema[1])
    kind = schema if isinstance(schema, str) else schema["type"]
    logical = None if isinstance(schema, str) else schema.get("logicalType")
    if logical in EXACT:
        assert check.temporal is not None
        moment = parse_temporal(value, check.temporal)
        assert isinstance(moment, int)
        return moment // EXACT[logical]
    if logical == "decimal":
        return Decimal(int(value)) if check.type is LogicalType.INTEGER else Decimal(value).normalize()
    match kind:
        case "record":
            members = zip(check.properties, schema["fields"], strict=True)
            return {field["name"]: datum(value.get(child.name), child, field["type"]) for child, field in members}
        case "array":
            return [datum(item, check.items or ANYTHING, schema["items"]) for item in value]
        case "map":
            inner = check.map_value or ANYTHING
            return {name: datum(member, inner, schema["values"]) for name, member in value.items()}
        case "int" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "bytes":
            return base64.b64decode(value, validate=True)
        case "string" if check.type in (LogicalType.ANY, LogicalType.OBJECT):
            return json.dumps(value, default=str)
        case _:
            return value
